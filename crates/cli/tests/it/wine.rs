//! The Windows build under Wine: its own executable, its own broker, the Credential Manager. Wine is not
//! Windows; what this shows is that the code of that platform runs, not that the platform keeps its promises.

use std::path::PathBuf;

use withheld_testkit::{Answer, World};

use crate::common::{arrived_once, key_in};

/// Where Wine keeps what the Credential Manager holds.
const STORE: &str = r"HKCU\Software\Wine\Credential Manager";

/// A folder with the two programs `wine` and `withheld`, where `cargo xtask long platforms` made them.
fn tools() -> Option<PathBuf> {
    std::env::var_os("WITHHELD_WINE").map(PathBuf::from)
}

#[test]
fn set_call_and_rm_of_the_windows_store() {
    // Only the long stage builds for Windows.
    let Some(tools) = tools() else { return };
    let program = |name: &str| tools.join(name).to_str().expect("text").to_owned();
    let Some(world) = World::foreign(&program("withheld")) else {
        return;
    };
    world
        .api
        .answer(|seen| Answer::ok(format!("you sent [{}]", key_in(seen))));
    let items = || {
        let listed = world
            .program(&program("wine"), &["reg", "query", STORE, "/s"])
            .run();
        listed.text().matches("Generic: ").count()
    };
    let url = world.url("api.test/v1/x");
    let call = || world.user_runs(&["call", &url, "--secret", "KEY", "--json"]);

    world
        .owner(&["init", "--vault", "keychain", "--no-input"])
        .succeeds();
    let before = items();
    world.set("KEY", &world.canaries.plain);
    assert_eq!(items(), before + 1, "the value is an item of its own");
    world.bind("KEY", "api.test/v1", &["--inject", "bearer"]);
    let kept = world.home().join("vault/items").read_dir();
    assert!(kept.is_ok_and(|mut files| files.next().is_none()));

    call().succeeds().prints("you sent [");
    arrived_once(&world);
    // A second broker knows nothing but what rests.
    world.owner(&["daemon", "stop"]).succeeds();
    world.owner(&["unlock", "--no-input"]).succeeds();
    call().succeeds();
    arrived_once(&world);
    assert_eq!(world.api.seen().len(), 2);

    world.owner(&["rm", "KEY", "--no-input"]).succeeds();
    assert_eq!(items(), before, "the item is gone");
    call().fails(3).says("not_found");
    assert_eq!(world.api.seen().len(), 2, "nothing more arrived");
    eprintln!("wine: set, call, rm");
    world.finish();
}
