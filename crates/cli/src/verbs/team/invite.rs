//! `withheld team invite MEMBER --to ENV:RIGHT…`.

use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::TeamAct;
use withheld_core::team::{PersonName, Right, Role};

use super::{accesses, act, look, person, rights, rights_said, role};
use crate::cli::TeamInvite;
use crate::context::Context;
use crate::duration;
use crate::failure::Failure;
use crate::output::{Outcome, clean};
use crate::owner::Owner;
use crate::said::{list, time, word};

/// How long an invitation is good for where nothing else is said, in seconds.
const DEFAULT_EXPIRES_S: u64 = 24 * 3600;
/// The longest that it may be, in seconds: the history of a team takes no more.
const MAX_EXPIRES_S: u64 = 7 * 24 * 3600;

pub(super) fn run(context: &Context, arguments: &TeamInvite) -> Outcome {
    let member = person(&arguments.member)?;
    let role = arguments.role.as_deref().map_or(Ok(Role::Member), role)?;
    let to = accesses(&arguments.to)?;
    if to.iter().any(|one| one.right == Right::None) {
        return Err(Failure::refuse(
            Code::Usage,
            "nobody is invited to nothing",
            "leave that environment out: it stays closed",
        ));
    }
    let expires_s = expires(arguments.expires.as_deref())?;
    let owner = Owner::open(context)?;
    if let Ok(said) = owner.ask(look(TeamAct::Members))
        && let Some(note) = is_invited(&member, &said)
    {
        context.output.note(&note);
    }
    let purpose = format!("to invite {member}: {}", rights(&to));
    let request = act(TeamAct::Invite {
        member,
        role,
        to,
        expires_s,
    });
    let said = owner.ask_proven(request, &purpose)?;
    if context.output.is_json() {
        return context.output.document("withheld.team_invite/1", said);
    }
    let invitation = said["invitation"].as_str().ok_or_else(no_invitation)?;
    context.output.note(&note(&said));
    context.output.line(invitation)
}

/// That an invitation of this name is open.
fn is_invited(member: &PersonName, said: &Value) -> Option<String> {
    let mut members = list(&said["members"]);
    let open =
        members.find(|one| one["name"] == member.as_str() && one["invited_until"].is_string())?;
    let until = clean(&time(&open["invited_until"])).into_owned();
    Some(format!(
        "note: {member} is invited already, until {until}. Both lines are good: whoever joins by the second gets a number behind the name"
    ))
}

fn expires(written: Option<&str>) -> Outcome<u64> {
    let seconds = written.map_or(Ok(DEFAULT_EXPIRES_S), duration::seconds)?;
    if seconds > MAX_EXPIRES_S {
        return Err(Failure::refuse(
            Code::Usage,
            "an invitation is good for 7 days at most",
            "write a shorter time, like: --expires 24h",
        ));
    }
    Ok(seconds)
}

fn note(said: &Value) -> String {
    let role = match said["role"].as_str() {
        None | Some("member") => String::new(),
        Some(role) => format!(" ({})", clean(role)),
    };
    format!(
        "For {}{role}: {}. It is good once, until {}. Hand it over privately: whoever has it can join.",
        clean(&word(&said["member"])),
        rights_said(&said["to"]),
        clean(&time(&said["expires_at"]))
    )
}

fn no_invitation() -> Failure {
    Failure::refuse(
        Code::Internal,
        "the broker made an invitation and gave no line",
        "see who is invited: withheld team members",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_line_comes_with_what_it_opens_and_how_long() {
        let mut said = json!({"member": "newdev", "role": "member", "expires_at": "2026-11-27T06:20:44.000Z",
            "to": [{"environment": "billing/dev", "right": "write"}, {"environment": "billing/prod", "right": "read"}],
            "invitation": "wh0.team.example.com.AAAA"});
        assert_eq!(
            note(&said),
            "For newdev: write on billing/dev, read on billing/prod. It is good once, until 2026-11-27 06:20:44Z. Hand it over privately: whoever has it can join."
        );
        said["role"] = json!("admin");
        assert!(note(&said).starts_with("For newdev (admin): "));
    }

    #[test]
    #[allow(clippy::unwrap_used, reason = "tests")]
    fn an_open_invitation_of_the_same_name_is_said() {
        let said = json!({"members": [
            {"name": "lead", "joined_at": "2026-11-26T06:20:44.000Z", "invited_until": null},
            {"name": "zed", "joined_at": null, "invited_until": "2026-11-27T06:20:44.000Z"}]});
        let said_of = |name| is_invited(&PersonName::parse(name).unwrap(), &said);
        assert_eq!(
            said_of("zed").as_deref(),
            Some(
                "note: zed is invited already, until 2026-11-27 06:20:44Z. Both lines are good: whoever joins by the second gets a number behind the name"
            )
        );
        assert_eq!((said_of("lead"), said_of("anna")), (None, None));
    }

    #[test]
    fn an_invitation_lasts_a_day_and_a_week_at_most() {
        assert_eq!(expires(None).ok(), Some(86_400));
        assert_eq!(expires(Some("7d")).ok(), Some(604_800));
        for wrong in ["8d", "169h", "soon"] {
            let code = expires(Some(wrong))
                .err()
                .and_then(|failure| failure.code());
            assert_eq!(code, Some(Code::Usage), "{wrong}");
        }
    }
}
