//! The names on the command line, among which no value may stand.

use withheld_core::name::{NameFault, SecretName};
use withheld_core::{Code, Refusal, text};

use crate::failure::Failure;
use crate::output::Outcome;

/// Reads the names.
///
/// # Errors
/// `usage`; where a value could stand among them, with what that means for it. Nothing that was
/// typed is repeated but a name that is one.
pub(super) fn read(written: &[String]) -> Outcome<Vec<SecretName>> {
    let mut names = Vec::new();
    for (index, word) in written.iter().enumerate() {
        match SecretName::parse(word) {
            Ok(name) => names.push(name),
            Err(fault) if index == 0 && !could_be_value(word, fault) => {
                return Err(Failure::wrong(
                    "the name of the key cannot be read",
                    &fault,
                    "choose another, like: withheld set STRIPE_KEY",
                ));
            }
            Err(_) => return Err(exposed(written)),
        }
    }
    names.dedup();
    Ok(names)
}

fn could_be_value(word: &str, fault: NameFault) -> bool {
    word.contains('=')
        || fault == NameFault::LooksLikeKey
        || withheld_core::entropy::looks_like_key(word)
}

fn exposed(written: &[String]) -> Failure {
    let name = written
        .first()
        .and_then(|word| SecretName::parse(word.split('=').next().unwrap_or_default()).ok());
    let hint = match &name {
        Some(name) => text!(
            "withheld set {}, then paste at the prompt; and rotate this key, it has been exposed",
            *name
        ),
        None => {
            "withheld set NAME, then paste at the prompt; and rotate this key, it has been exposed"
                .into()
        }
    };
    Refusal::new(
        Code::Usage,
        "a value on the command line can be read by other programs and stays in your shell history",
        hint,
    )
    .into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn refused(words: &[&str]) -> (String, String) {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let Failure::Refused(refused) = read(&words).unwrap_err() else {
            panic!("refused");
        };
        assert_eq!(refused.code(), Code::Usage);
        (refused.message().to_owned(), refused.hint().to_owned())
    }

    #[test]
    fn c01_a_value_on_the_command_line_is_refused_and_not_repeated() {
        for words in [
            &["STRIPE_KEY=whCANARY0123456789"][..],
            &["STRIPE_KEY", "whCANARY0123456789"],
            &["STRIPE_KEY", "hunter2"],
        ] {
            let (message, hint) = refused(words);
            assert_eq!(
                message,
                "a value on the command line can be read by other programs and stays in your shell history"
            );
            assert_eq!(
                hint,
                "withheld set STRIPE_KEY, then paste at the prompt; and rotate this key, it has been exposed"
            );
        }
        for words in [&["sk_live_51HxYzAbCdEfGhIj"][..], &["stripe=whCANARY"]] {
            let (message, hint) = refused(words);
            assert!(
                message.starts_with("a value on the command line"),
                "{message}"
            );
            assert!(
                !hint.contains("CANARY") && !hint.contains("sk_live"),
                "{hint}"
            );
        }
    }

    #[test]
    fn a_wrong_name_says_the_rule() {
        let (message, _) = refused(&["stripe"]);
        assert!(message.contains("A to Z"), "{message}");
        let (message, _) = refused(&["LD_PRELOAD"]);
        assert!(message.contains("read by the system"), "{message}");
    }

    #[test]
    fn several_names_are_several_keys() {
        let words = ["A_KEY".to_owned(), "B_KEY".to_owned()];
        assert_eq!(read(&words).unwrap().len(), 2);
    }
}
