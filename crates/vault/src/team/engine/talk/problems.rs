//! What the server says when it does not do what was asked, and what that means here.

use withheld_core::{Code, Refusal};
use withheld_team::api::{Problem, ProblemCode};

use crate::team::post::Answer;

/// The problem that the server names, if it is the server that answers.
pub(in crate::team::engine) fn problem(answer: &Answer) -> Option<ProblemCode> {
    let problem: Problem = serde_json::from_slice(&answer.body).ok()?;
    (problem.code.status() == answer.status).then_some(problem.code)
}

/// Whether a server that says this has looked at what was sent, and will say it again.
pub(super) fn is_judged(code: ProblemCode) -> bool {
    match code {
        ProblemCode::Malformed
        | ProblemCode::Unsigned
        | ProblemCode::Forbidden
        | ProblemCode::NotFound
        | ProblemCode::Conflict
        | ProblemCode::TooLarge
        | ProblemCode::Invalid
        | ProblemCode::Unknown
        | ProblemCode::Quota => true,
        ProblemCode::Clock | ProblemCode::Leased | ProblemCode::Rate | ProblemCode::Unavailable => {
            false
        }
    }
}

/// What a refusal of the server means for whoever asked.
pub(super) fn refused_for(code: ProblemCode) -> Refusal {
    let (code, message, hint) = match code {
        ProblemCode::Unsigned => (
            Code::UnknownCaller,
            "the team's server does not know this device: it was removed, or has not joined",
            "ask somebody of the team: withheld team members",
        ),
        ProblemCode::Clock => (
            Code::UnknownCaller,
            "the clock of this machine and the server's are more than a minute apart",
            "set the clock, and try again",
        ),
        ProblemCode::Forbidden => (
            Code::NoGrant,
            "the team's server says that this is not for this device to do",
            "ask an admin of the team: withheld team members",
        ),
        ProblemCode::NotFound => (
            Code::NotFound,
            "the team's server does not have that",
            "see whether its address is right: withheld team log",
        ),
        ProblemCode::Conflict => (
            Code::Conflict,
            "somebody else changed the team at the same moment",
            "run the command again",
        ),
        ProblemCode::TooLarge | ProblemCode::Quota => (
            Code::TooLarge,
            "the team's server does not take that much",
            "ask the people who run it for more room",
        ),
        ProblemCode::Malformed | ProblemCode::Invalid | ProblemCode::Unknown => (
            Code::Unverified,
            "the team's server does not accept what this version of Withheld writes",
            "bring both to the same version",
        ),
        ProblemCode::Leased | ProblemCode::Rate | ProblemCode::Unavailable => (
            Code::ServerUnreachable,
            "the team's server is busy",
            "try again in a few seconds",
        ),
    };
    Refusal::new(code, message, hint)
}

/// An answer that is not of this form.
pub(super) fn unreadable() -> Refusal {
    Refusal::new(
        Code::Unverified,
        "the team's server gave an answer that cannot be read",
        "what is here stays in use; bring both to the same version",
    )
}

/// Somebody else answers in its place.
pub(super) fn not_the_server() -> Refusal {
    Refusal::new(
        Code::ServerUnreachable,
        "what answers is not the team's server",
        "see whether its address is right and nothing stands between: withheld team log",
    )
}
