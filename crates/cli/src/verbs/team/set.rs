//! `withheld team set MEMBER [--to ENV:RIGHT]… [--role R]`.

use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::TeamAct;
use withheld_core::team::{Access, Role};

use super::{accesses, act, person, rights, rights_said, role};
use crate::cli::TeamSet;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Outcome, clean};
use crate::owner::Owner;
use crate::said::word;

pub(super) fn run(context: &Context, arguments: &TeamSet) -> Outcome {
    let member = person(&arguments.member)?;
    let to = accesses(&arguments.to)?;
    let role = arguments.role.as_deref().map(role).transpose()?;
    if to.is_empty() && role.is_none() {
        return Err(Failure::refuse(
            Code::Usage,
            "it is not said what changes",
            "say it: --to billing/dev:read, or --role admin",
        ));
    }
    let owner = Owner::open(context)?;
    let purpose = format!("to set {member}: {}", change(&to, role));
    let request = act(TeamAct::Set { member, to, role });
    let said = owner.ask_proven(request, &purpose)?;
    let text = text(&said);
    context.output.result("withheld.team_set/1", said, &text)
}

fn change(to: &[Access], role: Option<Role>) -> String {
    match role {
        None => rights(to),
        Some(role) if to.is_empty() => format!("role {role}"),
        Some(role) => format!("role {role}, {}", rights(to)),
    }
}

fn text(said: &Value) -> String {
    let may = match rights_said(&said["to"]) {
        none if none.is_empty() => "nothing".to_owned(),
        rights => rights,
    };
    format!(
        "{} is {} now and may: {may}.",
        clean(&word(&said["member"])),
        clean(&word(&said["role"]))
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    #[allow(clippy::unwrap_used, reason = "tests")]
    fn the_owner_reads_what_is_signed() {
        let to = accesses(&["billing/dev:none".to_owned()]).unwrap();
        assert_eq!(change(&to, None), "nothing on billing/dev");
        assert_eq!(change(&[], Some(Role::Admin)), "role admin");
        assert_eq!(
            change(&to, Some(Role::Owner)),
            "role owner, nothing on billing/dev"
        );
    }

    #[test]
    fn what_stands_now_is_said() {
        let said = json!({"member": "newdev", "role": "member", "to": [{"environment": "billing/dev", "right": "write"}]});
        assert_eq!(
            text(&said),
            "newdev is member now and may: write on billing/dev."
        );
        let said = json!({"member": "newdev", "role": "member", "to": []});
        assert_eq!(text(&said), "newdev is member now and may: nothing.");
    }
}
