//! A bug in Withheld: what is said of a panic. Never what it carries: a message could quote
//! anything.

use std::panic;

use withheld_core::{Code, Refusal};

use crate::failure::Failure;
use crate::output::Output;

/// Makes every panic of this process say its place and nothing else.
pub(crate) fn tell_place_only(output: Output) {
    panic::set_hook(Box::new(move |info| {
        let place = info
            .location()
            .map(|at| format!("{}:{}", at.file(), at.line()));
        output.failed(&failure(place));
    }));
}

fn failure(place: Option<String>) -> Failure {
    let place = place.unwrap_or_else(|| "an unknown place".to_owned());
    Failure::at_place(
        Refusal::new(
            Code::Internal,
            "a bug in Withheld, at",
            "report the place, with the output of: withheld doctor --json",
        ),
        &place,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_ends_with_its_place_and_70() {
        let failure = failure(Some("src/x.rs:7".to_owned()));
        assert_eq!(failure.status(), 70);
        let Failure::Refused(refused) = failure else {
            panic!("refused");
        };
        assert_eq!(refused.message(), "a bug in Withheld, at src/x.rs:7");
    }
}
