//! What the demo writes itself: a folder that nobody else may open, and files in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use withheld_core::Code;
use withheld_system::private;

use crate::failure::Failure;
use crate::output::Outcome;

/// A folder of the demo.
pub(super) fn new_folder(temporary: &Path) -> Outcome<PathBuf> {
    let folder = temporary.join(format!("withheld-demo-{}", &random()?[..8]));
    make_folder(&folder)?;
    Ok(folder)
}

pub(super) fn make_folder(folder: &Path) -> Outcome {
    private::make_folder(folder).map_err(|_| unwritten())
}

pub(super) fn new_file(path: &Path, content: &str) -> Outcome {
    private::create_new(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(|_| unwritten())
}

/// 192 random bits as 32 characters.
pub(super) fn random() -> Outcome<String> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|_| {
        Failure::refuse(
            Code::Internal,
            "the system gave no random bytes",
            "see what this machine offers: withheld doctor",
        )
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn unwritten() -> Failure {
    Failure::refuse(
        Code::StoreUnavailable,
        "the demo's folder cannot be written",
        "see whether the folder for temporary files has room",
    )
}
