//! Connections to the upstream: how many there are.

use crate::common::{bearer, busy, world};

/// A thousand requests on one tunnel are one handshake upstream.
#[test]
fn a_thousand_requests_take_as_many_handshakes_as_the_pool_has_places() {
    let world = world!().with_key();
    let agent = busy(&world);
    let mut tunnel = agent.tunnel(&world.host_port("api.test"));
    let bearer = bearer(&agent);
    for _ in 0..1000 {
        tunnel
            .request("GET", "/v1/x", &[("Authorization", &bearer)], b"")
            .is(200);
    }
    assert_eq!(world.api.seen().len(), 1000);
    assert_eq!(world.api.handshakes(), 1);
    world.finish();
}
