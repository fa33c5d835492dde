//! Who may append alone, and that nobody does so for long.

use withheld_team::api::{Blob, Lease};
use withheld_team::links::{Op, Right, Role};

use crate::content::of_commits;
use crate::limits::{limited, until_refused};
use crate::running::Ground;
use crate::team::{Device, NOW};

#[test]
fn a_lease_is_for_one_admin_and_for_seconds() {
    let ground = Ground::new();
    let (running, mut team, mut env) = limited(&ground, |_| ());
    let owner = team.owner.clone();
    let bob = Device::new(2);
    let mut admitted = team.admit(&bob, &[(env.id, Right::Write)]);
    admitted.links.push(Blob(team.epoch(&env.id)));
    running.append(&team, &owner, &admitted);
    let lease = |by: &Device| {
        running
            .client()
            .signed(by, "POST", &team.path("/lease"), b"")
    };
    lease(&bob).refused(403, "forbidden");
    assert_eq!(lease(&owner).json::<Lease>().until, NOW + 10_000);

    let parts = team.set(&mut env, &bob, &[(1, b"a")]);
    let bundle = of_commits(vec![parts]);
    let leased = running.try_append(&team, &bob, &bundle);
    leased.refused(423, "leased");
    assert_eq!(leased.header("retry-after"), Some("10"));
    ground.set_clock(NOW + 10_000);
    running.append(&team, &bob, &bundle);

    ground.set_clock(NOW + 60_000);
    until_refused(3, || lease(&owner));
}

/// Admins share what there is of it, and an owner needs nobody's leave.
#[test]
fn no_admin_keeps_a_workspace_shut() {
    let ground = Ground::new();
    let (running, mut team, _) = limited(&ground, |_| ());
    let (owner, bob, eve) = (team.owner.clone(), Device::new(2), Device::new(3));
    for admin in [&bob, &eve] {
        let mut admitted = team.admit(admin, &[]);
        let role = team.link(Op::RoleSet {
            member: admin.member,
            role: Role::Admin,
            cut: None,
        });
        admitted.links.push(Blob(role));
        running.append(&team, &owner, &admitted);
    }
    let lease = |by: &Device| {
        let path = team.path("/lease");
        running.client().signed(by, "POST", &path, b"")
    };
    assert_eq!(lease(&bob).status, 200);
    lease(&eve).refused(423, "leased");
    assert_eq!(lease(&bob).status, 200);
    lease(&eve).refused(429, "rate");
    lease(&bob).refused(429, "rate");
    assert_eq!(lease(&owner).json::<Lease>().until, NOW + 10_000);
    let made = team.clone().environment(6).1;
    running
        .try_append(&team, &bob, &made)
        .refused(423, "leased");
    running.append(&team, &owner, &made);
}
