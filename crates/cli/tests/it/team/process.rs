//! The server as a process: killed, started again on what it had, put back to what it was.

use std::collections::BTreeSet;

use super::two::Post;

const LOOK: &[u8] = b"GET /v1/server HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn it_comes_back_with_what_it_had() {
    let mut post = Post::start();
    let first = std::fs::read_to_string(post.server.token_file()).unwrap();
    assert_eq!(post.tap.send(LOOK).status, 200);
    post.server.kill();
    let copied = post.server.copied();
    post.again();
    assert_eq!(post.tap.send(LOOK).status, 200);
    let again = std::fs::read_to_string(post.server.token_file()).unwrap();
    assert_eq!(first, again, "a token that nobody used is still good");
    // There is no workspace yet, so nothing was verified.
    post.server.verify().exits(1);
    post.server.stop();
    post.server.put_back(&copied);
    post.again();
    post.server.verify().exits(1);
    let places: BTreeSet<_> = post
        .server
        .wrote()
        .into_iter()
        .map(|(place, _)| place)
        .collect();
    for place in [
        "the server's file withheld.db",
        "the server's log",
        "the server's output",
    ] {
        assert!(places.contains(place), "{places:?}");
    }
    assert!(
        post.server.log().contains("  stopped"),
        "{}",
        post.server.log()
    );
    assert!(
        !post.server.log().contains(first.trim()),
        "the log shows the token"
    );
}
