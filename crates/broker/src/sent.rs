//! What is said of a request that was sent, or may have been, and whose whole reply is not handed on.
//! Whoever takes it for unsent sends it again, and then it may be done twice.

use http::Method;
use withheld_audit::Outcome;
use withheld_core::refusal::Retry;
use withheld_core::{Code, Refusal, text};

/// What is first to be done where the same twice is not the same as once.
const LOOK: &str = "look whether it arrived before you send it again";

/// The refusal as whoever sent the request is to read it; `status` is that of the reply, where one came.
pub(crate) fn told(refusal: &Refusal, method: &Method, status: Option<u16>) -> Refusal {
    let message = match status {
        Some(status) => text!(
            "Withheld sent this request, and did not hand on its whole reply (status {}): {}",
            status,
            refusal.message
        ),
        None => text!(
            "Withheld may have sent this request, and has no reply to hand on: {}",
            refusal.message
        ),
    };
    let says_again = matches!(refusal.retry, Retry::Now | Retry::Later);
    let hint = match (method.is_safe(), says_again) {
        (true, _) => refusal.hint.clone(),
        (false, true) => text!("{}; what the log knows: withheld audit --last 1", LOOK),
        (false, false) => text!(
            "{}; what the log knows: withheld audit --last 1; {}",
            LOOK,
            refusal.hint
        ),
    };
    let mut told = Refusal::new(refusal.code, message, hint)
        .with_status(refusal.status())
        .with_facts((*refusal.facts).clone());
    if !method.is_safe() {
        told = told.for_good();
    }
    told
}

/// How such a request ended: the upstream failed, or it answered and nobody was told what.
pub(crate) fn outcome(code: Code) -> Outcome {
    match code {
        Code::UpstreamBroken | Code::UpstreamTimeout | Code::UpstreamUnreachable => {
            Outcome::UpstreamFailed
        }
        _ => Outcome::UnknownOutcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed() -> Refusal {
        Refusal::new(Code::Conflict, "the keys changed", "send the request again")
    }

    #[test]
    fn what_is_not_safe_is_looked_for_first() {
        let told = told(&changed(), &Method::POST, Some(200));
        assert_eq!(
            told.message.as_str(),
            "Withheld sent this request, and did not hand on its whole reply (status 200): the keys changed"
        );
        assert_eq!(
            told.hint.as_str(),
            "look whether it arrived before you send it again; what the log knows: withheld audit --last 1"
        );
        assert_eq!(told.retry, Retry::Never);
        let argv: Vec<Vec<_>> = told
            .next
            .iter()
            .map(|next| next.argv.iter().map(|word| word.as_str()).collect())
            .collect();
        assert_eq!(argv, [["withheld", "audit", "--last", "1"]]);
    }

    #[test]
    fn what_is_safe_is_sent_again() {
        for method in [Method::GET, Method::HEAD] {
            let told = told(&changed(), &method, None);
            assert_eq!(
                told.message.as_str(),
                "Withheld may have sent this request, and has no reply to hand on: the keys changed"
            );
            assert_eq!(told.hint.as_str(), "send the request again");
            assert_eq!(told.retry, Retry::Now);
        }
    }

    #[test]
    fn what_the_owner_is_to_do_is_said_after_that() {
        let ended = Refusal::new(
            Code::SessionExpired,
            "this session was ended",
            "the owner looks at the log, then runs: withheld unlock",
        )
        .with_status(401);
        let told = told(&ended, &Method::DELETE, Some(204));
        assert!(told.hint.as_str().starts_with(LOOK));
        assert!(told.hint.as_str().ends_with(ended.hint.as_str()));
        assert_eq!((told.retry, told.status()), (Retry::Never, 401));
    }
}
