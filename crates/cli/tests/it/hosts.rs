//! H: which host a request is for, and whether that is the one its credential is bound to.

use std::io::{Read as _, Write as _};

use withheld_testkit::{Answer, Upstream};

use crate::common::{Way, arrived_once, bearer, busy, nothing_arrived, world};

/// Hosts that must not be taken for `api.test`, each refused as unreadable.
#[track_caller]
fn unreadable(way: Way, authorities: &[&str]) {
    let world = world!().with_key();
    let agent = world.agent();
    for authority in authorities {
        let status = match way {
            Way::Proxy => match agent.try_connect(authority) {
                Ok(_) => panic!("CONNECT {authority} was accepted"),
                Err(reply) => reply.status,
            },
            Way::Call => {
                let url = format!("https://{authority}/v1/x");
                agent.call("GET", &url).secret("KEY").send().status
            }
        };
        assert_eq!(status, 400, "{authority}");
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h01_proxy_trailing_dot() {
    let world = world!().with_key();
    let agent = world.agent();
    let authority = format!("api.test.:{}", world.api.port());
    match agent.try_connect(&authority) {
        Err(reply) => assert_eq!(reply.status, 400),
        Ok(stream) => {
            let mut tunnel = agent.tls(stream, &authority, "api.test").unwrap();
            let reply = tunnel.request("GET", "/v1/x", &[("Authorization", &bearer(&agent))], b"");
            reply.is(200);
            let seen = world.api.last();
            assert_eq!(
                seen.header("host"),
                Some(world.host_port("api.test").as_str())
            );
            assert_eq!(seen.sni.as_deref(), Some("api.test"));
            arrived_once(&world);
        }
    }
    world.finish();
}

#[test]
fn h01_call_trailing_dot() {
    let world = world!().with_key();
    let agent = world.agent();
    let url = format!("https://api.test.:{}/v1/x", world.api.port());
    let reply = agent.call("GET", &url).secret("KEY").send();
    if reply.code().is_none() {
        reply.is(200);
        let seen = world.api.last();
        assert_eq!(
            seen.header("host"),
            Some(world.host_port("api.test").as_str())
        );
        assert_eq!(seen.sni.as_deref(), Some("api.test"));
        arrived_once(&world);
    } else {
        assert_eq!(reply.status, 400, "{}", reply.shown());
        nothing_arrived(&world);
    }
    world.finish();
}

fn upper_and_lower_case(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    for host in ["API.Test", "ApI.TeSt", "api.TEST"] {
        let url = format!("https://{host}:{}/v1/x", world.api.port());
        let reply = match way {
            Way::Proxy => {
                let authority = format!("{host}:{}", world.api.port());
                let stream = agent.connect(&authority);
                let mut tunnel = agent.tls(stream, &authority, "api.test").unwrap();
                tunnel.request("GET", "/v1/x", &[("Authorization", &bearer(&agent))], b"")
            }
            Way::Call => agent.call("GET", &url).secret("KEY").send(),
        };
        reply.is(200);
        assert_eq!(
            world.api.last().header("host"),
            Some(world.host_port("api.test").as_str())
        );
        arrived_once(&world);
    }
    world.finish();
}

#[test]
fn h02_proxy_upper_and_lower_case() {
    upper_and_lower_case(Way::Proxy);
}

#[test]
fn h02_call_upper_and_lower_case() {
    upper_and_lower_case(Way::Call);
}

#[test]
fn h03_proxy_homographs() {
    unreadable(
        Way::Proxy,
        &[
            "\u{430}pi.test:443",
            "\u{ff41}\u{ff50}\u{ff49}.\u{ff54}\u{ff45}\u{ff53}\u{ff54}:443",
            "api\u{3002}test:443",
        ],
    );
}

#[test]
fn h03_proxy_homograph_as_a_label() {
    let world = world!().with_key();
    let agent = world.agent();
    // The A-label of a Cyrillic `а` and `pi`: a host of its own, and not this binding's.
    let reply = agent.get(
        &world.url("xn--pi-6kc.test/v1/x"),
        &[("Authorization", &bearer(&agent))],
    );
    reply.is_refused("tripwire");
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h03_call_homographs() {
    let world = world!().with_key();
    let agent = world.agent();
    let port = world.evil.port();
    for host in [
        "\u{430}pi.test",
        "xn--pi-6kc.test",
        "\u{ff41}\u{ff50}\u{ff49}.\u{ff54}\u{ff45}\u{ff53}\u{ff54}",
        "api\u{3002}test",
    ] {
        let url = format!("https://{host}:{port}/v1/x");
        let reply = agent.call("GET", &url).secret("KEY").send();
        assert!(
            matches!(reply.status, 400 | 403),
            "{host}: {}",
            reply.shown()
        );
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h04_proxy_nul_and_percent_in_the_authority() {
    unreadable(
        Way::Proxy,
        &[
            "api.test%00.evil.test:443",
            "api.test\0.evil.test:443",
            "api_test\u{7f}:443",
        ],
    );
}

#[test]
fn h04_call_nul_and_percent_in_the_authority() {
    unreadable(
        Way::Call,
        &["api.test%00.evil.test", "api.test%2eevil.test"],
    );
}

#[test]
fn h04_proxy_there_is_no_socks_door() {
    let world = world!().with_key();
    let agent = world.agent();
    let mut stream = agent.stream();
    stream
        .write_all(b"\x05\x01\x00\x05\x01\x00\x03\x0dapi.test\0evil\x01\xbb")
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    // However the connection ends: what counts is what came before.
    drop(stream.read_to_end(&mut answer));
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"),
        "{answer:?}"
    );
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h05_proxy_two_hosts_in_one_authority() {
    let world = world!().with_key();
    let agent = world.agent();
    for target in [
        "http://api.test@evil.test/",
        "https://api.test:443@evil.test/",
        "http://evil.test#@api.test/",
        "http://evil.test\\@api.test/",
        "http://api.test;evil.test/",
        "http://api.test\t.evil.test/",
    ] {
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: api.test\r\n{}\r\n",
            agent.authorization()
        );
        let reply = agent.raw(head.as_bytes()).unwrap();
        assert_eq!(reply.status, 400, "{target}");
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h05_call_two_hosts_in_one_authority() {
    unreadable(
        Way::Call,
        &[
            "api.test@evil.test",
            "api.test:443@evil.test",
            "evil.test#@api.test",
            "evil.test\\@api.test",
            "api.test;evil.test",
            "api.test\t.evil.test",
        ],
    );
}

#[test]
fn h06_proxy_ports_that_are_not_written_as_ports() {
    unreadable(
        Way::Proxy,
        &[
            "api.test:0443",
            "api.test:443 ",
            "api.test:65979",
            "api.test:+443",
            "api.test:",
        ],
    );
}

#[test]
fn h06_call_ports_that_are_not_written_as_ports() {
    unreadable(
        Way::Call,
        &[
            "api.test:0443",
            "api.test:65979",
            "api.test:+443",
            "api.test:4 43",
        ],
    );
}

fn other_ports(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    for port in [22, 80, 443, 8443] {
        way.send(&agent, "GET", &format!("https://api.test:{port}/v1/x"))
            .is_refused("binding_violation");
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h06_proxy_other_ports() {
    other_ports(Way::Proxy);
}

#[test]
fn h06_call_other_ports() {
    other_ports(Way::Call);
}

fn wildcard_is_one_label(way: Way) {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.bind("KEY", "*.api.test/v1", &["--inject", "bearer"]);
    let agent = world.agent();
    way.send(&agent, "GET", &world.url("x.api.test/v1/x"))
        .is(200);
    arrived_once(&world);
    let before = world.api.seen().len();
    for host in [
        "evilapi.test",
        "api.test",
        "a.b.api.test",
        "x.api.test.evil.test",
    ] {
        way.send(&agent, "GET", &world.url(&format!("{host}/v1/x")))
            .is_refused(way.astray());
    }
    for host in [".api.test", "*.api.test", "x..api.test"] {
        let status = match way {
            Way::Proxy => agent
                .try_connect(&format!("{host}:{}", world.api.port()))
                .err()
                .map(|reply| reply.status),
            Way::Call => Some(
                way.send(&agent, "GET", &world.url(&format!("{host}/v1/x")))
                    .status,
            ),
        };
        assert_eq!(status, Some(400), "{host}");
    }
    assert_eq!(world.api.seen().len(), before);
    assert!(world.evil.seen().is_empty());
    world.finish();
}

#[test]
fn h07_proxy_wildcard_is_one_label() {
    wildcard_is_one_label(Way::Proxy);
}

#[test]
fn h07_call_wildcard_is_one_label() {
    wildcard_is_one_label(Way::Call);
}

#[test]
fn h08_cli_wildcards_over_strangers() {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    for host in [
        "*",
        "*.com",
        "*.co.uk",
        "*.github.io",
        "*.s3.amazonaws.com",
        "*.workers.dev",
        "api.*.com",
    ] {
        world
            .owner(&["bind", "KEY", "--host", host, "--no-input", "--json"])
            .fails(2)
            .says("usage");
    }
    let agent = world.agent();
    agent
        .call("GET", "https://x.github.io/")
        .secret("KEY")
        .send()
        .is_refused("no_binding");
    world.finish();
}

fn address_is_not_a_name(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let port = world.api.port();
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let code = match way {
            Way::Proxy => {
                // TLS to an address has no name to check: what the broker says inside is what counts.
                match agent.try_connect(&format!("{host}:{port}")) {
                    Err(reply) => reply.status.to_string(),
                    Ok(stream) => match agent.tls(
                        stream,
                        &format!("{host}:{port}"),
                        host.trim_matches(['[', ']']),
                    ) {
                        Err(_) => "no tls".to_owned(),
                        Ok(mut tunnel) => tunnel
                            .request("GET", "/v1/x", &[], b"")
                            .code()
                            .unwrap_or("sent")
                            .to_owned(),
                    },
                }
            }
            Way::Call => agent
                .call("GET", &format!("https://{host}:{port}/v1/x"))
                .send()
                .code()
                .unwrap_or("sent")
                .to_owned(),
        };
        assert!(
            ["host_denied", "400", "ambiguous_request"].contains(&code.as_str()),
            "{host}: {code}"
        );
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h09_proxy_address_is_not_a_name() {
    address_is_not_a_name(Way::Proxy);
}

#[test]
fn h09_call_address_is_not_a_name() {
    address_is_not_a_name(Way::Call);
}

#[test]
fn h09_call_address_with_a_zone() {
    unreadable(Way::Call, &["[fe80::1%eth0]:443", "[fe80::1%25eth0]:443"]);
}

fn loopback_in_every_form(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let port = world.api.port();
    for host in [
        "0",
        "0.0.0.0",
        "127.1",
        "0x7f.1",
        "017700000001",
        "2130706433",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "localhost.",
        "foo.localhost",
    ] {
        match way {
            Way::Proxy => {
                if let Ok(stream) = agent.try_connect(&format!("{host}:{port}")) {
                    let name = host.trim_matches(['[', ']']).trim_end_matches('.');
                    // Only names that TLS knows lead further; the others end here.
                    let is_name = rustls_name(name);
                    if let Some(Ok(mut tunnel)) =
                        is_name.then(|| agent.tls(stream, &format!("{host}:{port}"), name))
                    {
                        let reply = tunnel.request("GET", "/v1/x", &[], b"");
                        assert!(reply.code().is_some(), "{host}: {}", reply.shown());
                    }
                }
            }
            Way::Call => {
                let url = format!("https://{host}:{port}/v1/x");
                let reply = agent.call("GET", &url).send();
                assert!(reply.code().is_some(), "{host}: {}", reply.shown());
            }
        }
    }
    assert!(world.api.connections().is_empty());
    world.finish();
}

/// Whether a TLS client takes this for a name or an address.
fn rustls_name(name: &str) -> bool {
    name.parse::<std::net::IpAddr>().is_ok() || name.contains(|c: char| c.is_ascii_lowercase())
}

#[test]
fn h10_proxy_loopback_in_every_form() {
    loopback_in_every_form(Way::Proxy);
}

#[test]
fn h10_call_loopback_in_every_form() {
    loopback_in_every_form(Way::Call);
}

fn loopback_behind_a_name(way: Way) {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    let host = world.host_port("api.test");
    let ca = world.ca_file();
    world
        .owner(&["bind", "KEY", "--host", &host, "--no-input", "--ca"])
        .arg(ca)
        .succeeds();
    let agent = world.agent();
    way.send(&agent, "GET", &world.url("api.test/v1/x"))
        .is_refused("upstream_address_refused");
    assert!(world.api.connections().is_empty());
    world.finish();
}

#[test]
fn h10_proxy_loopback_behind_a_name() {
    loopback_behind_a_name(Way::Proxy);
}

#[test]
fn h10_call_loopback_behind_a_name() {
    loopback_behind_a_name(Way::Call);
}

fn metadata_addresses(way: Way) {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.bind("KEY", "*.meta.test", &["--inject", "bearer"]);
    let addresses = [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "::ffff:169.254.169.254",
    ];
    let lines: Vec<String> = addresses
        .iter()
        .enumerate()
        .map(|(at, address)| format!("{address} m{at}.meta.test\n"))
        .collect();
    world.names(&lines.concat());
    // The broker asks for names in its own namespace: it starts anew with these.
    world.owner(&["daemon", "stop"]).succeeds();
    world.owner(&["unlock", "--no-input"]).succeeds();
    let agent = world.agent();
    for at in 0..addresses.len() {
        way.send(
            &agent,
            "GET",
            &world.url(&format!("m{at}.meta.test/latest")),
        )
        .is_refused("upstream_address_refused");
    }
    world.finish();
}

#[test]
fn h11_proxy_metadata_addresses() {
    metadata_addresses(Way::Proxy);
}

#[test]
fn h11_call_metadata_addresses() {
    metadata_addresses(Way::Call);
}

#[test]
fn h13_proxy_another_name_in_the_handshake() {
    let world = world!().with_key();
    let agent = world.agent();
    let authority = world.host_port("api.test");
    for name in ["evil.test", "x.api.test"] {
        let stream = agent.connect(&authority);
        assert!(agent.tls(stream, &authority, name).is_err(), "{name}");
    }
    nothing_arrived(&world);
    agent
        .get(
            &world.url("api.test/v1/x"),
            &[("Authorization", &bearer(&agent))],
        )
        .is(200);
    assert_eq!(world.api.last().sni.as_deref(), Some("api.test"));
    world.finish();
}

#[test]
fn h14_proxy_another_host_inside() {
    let world = world!().with_key();
    let agent = world.agent();
    let authority = world.host_port("api.test");
    let bearer = bearer(&agent);
    let heads = [
        (421, "GET /v1/x HTTP/1.1\r\nHost: evil.test\r\n".to_owned()),
        (
            421,
            format!(
                "GET /v1/x HTTP/1.1\r\nHost: {}\r\n",
                world.host_port("evil.test")
            ),
        ),
        (421, "GET /v1/x HTTP/1.1\r\nHost: api.test:1\r\n".to_owned()),
        (
            400,
            format!("GET /v1/x HTTP/1.1\r\nHost: {authority}\r\nHost: evil.test\r\n"),
        ),
        (
            400,
            format!("GET /v1/x HTTP/1.1\r\nHost: {authority}\r\nHost: {authority}\r\n"),
        ),
        (
            421,
            format!("GET https://evil.test/v1/x HTTP/1.1\r\nHost: {authority}\r\n"),
        ),
        (400, "GET /v1/x HTTP/1.1\r\n".to_owned()),
    ];
    for (status, head) in heads {
        let head = format!("{head}Authorization: {bearer}\r\n\r\n");
        let reply = agent.tunnel(&authority).raw(head.as_bytes()).unwrap();
        assert!(
            reply.status == status || reply.status == 400,
            "{head}{}",
            reply.shown()
        );
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h14_call_a_host_field_of_the_agents_own() {
    let world = world!().with_key();
    let agent = world.agent();
    let reply = agent
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .field("Host", "evil.test")
        .send();
    assert_eq!(reply.status, 400, "{}", reply.shown());
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h16_proxy_a_tunnel_is_for_one_host() {
    let world = world!().with_key();
    world.set("OTHER", &world.canaries.nasty.clone());
    world.bind("OTHER", "other.test", &["--inject", "header:X-Other"]);
    let agent = world.agent();
    let mut tunnel = agent.tunnel(&world.host_port("api.test"));
    // The upstream's certificate covers both names.
    let head = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nX-Other: {}\r\n\r\n",
        world.host_port("other.test"),
        agent.placeholder("OTHER")
    );
    assert_eq!(tunnel.raw(head.as_bytes()).unwrap().status, 421);
    nothing_arrived(&world);
    world.finish();
}

fn resolved_to_an_impostor(way: Way) {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    let host = world.host_port("api.test");
    // Trusted are the system's roots: the upstream's certificate is of nobody they know.
    world
        .owner(&["bind", "KEY", "--host", &host, "--private", "--no-input"])
        .succeeds();
    let agent = world.agent();
    let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
    reply.is_refused("upstream_untrusted");
    assert_eq!(reply.status, 502);
    nothing_arrived(&world);
    assert_eq!(world.api.handshakes(), 0);
    world.finish();
}

#[test]
fn h19_proxy_resolved_to_an_impostor() {
    resolved_to_an_impostor(Way::Proxy);
}

#[test]
fn h19_call_resolved_to_an_impostor() {
    resolved_to_an_impostor(Way::Call);
}

#[test]
fn h20_call_the_environment_of_the_broker_decides_nothing() {
    let world = world!().with_key();
    world.set("OTHER", &world.canaries.nasty.clone());
    let other = world.host_port("other.test");
    world
        .owner(&[
            "bind",
            "OTHER",
            "--host",
            &other,
            "--private",
            "--inject",
            "header:X-Other",
            "--no-input",
        ])
        .succeeds();
    world.owner(&["daemon", "stop"]).succeeds();
    let keys = world.folder().join("tls-keys");
    let evil = format!("http://{}", world.evil.address());
    world
        .owner(&["unlock", "--no-input"])
        .env("SSL_CERT_FILE", world.ca_file())
        .env("SSL_CERT_DIR", world.folder())
        .env("SSLKEYLOGFILE", &keys)
        .env("HTTPS_PROXY", &evil)
        .env("https_proxy", &evil)
        .env("ALL_PROXY", &evil)
        .env("RUST_LOG", "trace")
        .succeeds();
    let agent = world.agent();
    agent
        .call("GET", &world.url("other.test/"))
        .secret("OTHER")
        .send()
        .is_refused("upstream_untrusted");
    agent
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .send()
        .is(200);
    arrived_once(&world);
    assert!(world.evil.connections().is_empty());
    assert!(!keys.exists());
    world.finish();
}

fn paths_with_two_readings(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    for path in [
        "/v1/../admin",
        "/v1/%2e%2e/admin",
        "/v1/.%2E/admin",
        "/v1/..%2fadmin",
        "/v1/x%2Fy",
        "/v1/x%5cy",
        "/v1/%252e%252e/",
        "/v1/..;/admin",
        "/v1//admin",
        "/v1\\..\\admin",
        "//v1/x",
        "/v1/./x",
        "/v1/x#y",
        "/v1/%zz",
        "/v1/%00",
    ] {
        let url = format!("{}{path}", world.url("api.test"));
        let reply = way.send(&agent, "GET", &url);
        assert_eq!(reply.status, 400, "{path}: {}", reply.shown());
    }
    way.send(&agent, "GET", &world.url("api.test/V1/x"))
        .is_refused("binding_violation");
    way.send(&agent, "GET", &world.url("api.test/v1beta"))
        .is_refused("binding_violation");
    nothing_arrived(&world);
    for path in [
        "/v1",
        "/v1/",
        "/v1/x?",
        "/v1/a%20b;c=1,2?q=%2F..%2F",
        "/v1/x/",
    ] {
        way.send(&agent, "GET", &format!("{}{path}", world.url("api.test")))
            .is(200);
        assert_eq!(world.api.last().target, path);
        arrived_once(&world);
    }
    world.finish();
}

#[test]
fn h21_proxy_paths_with_two_readings() {
    paths_with_two_readings(Way::Proxy);
}

#[test]
fn h21_call_paths_with_two_readings() {
    paths_with_two_readings(Way::Call);
}

fn methods_and_overrides(way: Way) {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.bind(
        "KEY",
        "api.test/v1",
        &["--inject", "bearer", "--method", "GET"],
    );
    let agent = busy(&world);
    let url = world.url("api.test/v1/x");
    for method in ["DELETE", "POST", "get", "MADEUP"] {
        let reply = way.send(&agent, method, &url);
        let code = if method == "get" {
            "ambiguous_request"
        } else {
            "binding_violation"
        };
        reply.is_refused(code);
    }
    for method in ["TRACE", "CONNECT"] {
        let reply = way.send(&agent, method, &url);
        assert!(
            matches!(reply.status, 400 | 405),
            "{method}: {}",
            reply.shown()
        );
    }
    for field in [
        ("Impersonate-User", "root"),
        ("Stripe-Account", "acct_1"),
        ("X-Goog-User-Project", "p"),
        ("X-Amz-Security-Token", "t"),
    ] {
        way.with(&agent, "GET", &url, &[field], b"")
            .is_refused("foreign_credential");
    }
    way.send(&agent, "GET", &format!("{url}?_method=DELETE"))
        .is_refused("binding_violation");
    nothing_arrived(&world);
    let fields = [
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-HTTP-Method", "DELETE"),
        ("X-Method-Override", "DELETE"),
        ("X-Original-URL", "/admin"),
        ("X-Rewrite-URL", "/admin"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "host=evil.test"),
        ("X-Host", "evil.test"),
    ];
    way.with(&agent, "GET", &url, &fields, b"body of a GET")
        .is(200);
    let seen = world.api.last();
    for (name, _) in fields {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(seen.body, b"body of a GET");
    arrived_once(&world);
    world.finish();
}

#[test]
fn h22_proxy_methods_and_overrides() {
    methods_and_overrides(Way::Proxy);
}

#[test]
fn h22_call_methods_and_overrides() {
    methods_and_overrides(Way::Call);
}

#[test]
fn h22_cli_a_path_rule_where_path_rules_do_not_hold_says_so() {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    let ran = world
        .owner(&[
            "bind",
            "KEY",
            "--host",
            "api.github.com/graphql",
            "--no-input",
        ])
        .succeeds();
    let said = format!("{}{}", ran.text(), ran.errors());
    assert!(said.contains("path"), "{said}");
    world.finish();
}

#[test]
fn h23_proxy_never_without_tls() {
    let world = world!().with_key();
    let agent = world.agent();
    let authority = world.host_port("api.test");
    for target in [
        format!("http://{authority}/v1/x"),
        "http://api.test/v1/x".to_owned(),
        "http://api.test:80/v1/x".to_owned(),
    ] {
        let host = target
            .trim_start_matches("http://")
            .trim_end_matches("/v1/x");
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\n{}Authorization: {}\r\n\r\n",
            agent.authorization(),
            bearer(&agent)
        );
        agent
            .raw(head.as_bytes())
            .unwrap()
            .is_refused("cleartext_refused");
    }
    let head = format!(
        "GET ws://{authority}/v1/x HTTP/1.1\r\nHost: {authority}\r\n{}\r\n",
        agent.authorization()
    );
    assert_eq!(agent.raw(head.as_bytes()).unwrap().status, 400);
    // Plain HTTP where TLS belongs.
    let mut stream = agent.connect(&authority);
    let head = format!(
        "GET /v1/x HTTP/1.1\r\nHost: {authority}\r\nAuthorization: {}\r\n\r\n",
        bearer(&agent)
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // However it ends: nothing may have gone out.
    drop(stream.read_to_end(&mut answer));
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h23_call_never_without_tls() {
    let world = world!().with_key();
    let agent = world.agent();
    let url = format!("http://{}/v1/x", world.host_port("api.test"));
    agent
        .call("GET", &url)
        .secret("KEY")
        .send()
        .is_refused("cleartext_refused");
    for url in [
        "ws://api.test/v1/x",
        "file:///etc/passwd",
        "api.test/v1/x",
        "ftp://api.test/",
    ] {
        let reply = agent.call("GET", url).secret("KEY").send();
        assert_eq!(reply.status, 400, "{url}: {}", reply.shown());
    }
    nothing_arrived(&world);
    world.finish();
}

fn bad_certificates(way: Way) {
    let world = world!();
    let expired = Upstream::expired(&world.authority, &["api.test"]);
    let wrong_name = Upstream::start(&world.authority, &["evil.test"]);
    let stranger = withheld_testkit::Authority::new();
    let self_signed = Upstream::start(&stranger, &["api.test"]);
    let ca = world.ca_file();
    world.set("KEY", &world.canaries.plain.clone());
    for upstream in [&expired, &wrong_name, &self_signed] {
        let host = format!("api.test:{}", upstream.port());
        world
            .owner(&[
                "bind",
                "KEY",
                "--host",
                &host,
                "--private",
                "--no-input",
                "--ca",
            ])
            .arg(&ca)
            .succeeds();
    }
    let agent = world.agent();
    for upstream in [&expired, &wrong_name, &self_signed] {
        let url = format!("https://api.test:{}/v1/x", upstream.port());
        let reply = way.send(&agent, "GET", &url);
        reply.is_refused("upstream_untrusted");
        assert_eq!(reply.status, 502);
        assert!(upstream.seen().is_empty());
        assert_eq!(upstream.connections().len(), 1);
    }
    world.finish();
}

#[test]
fn h24_proxy_bad_certificates() {
    bad_certificates(Way::Proxy);
}

#[test]
fn h24_call_bad_certificates() {
    bad_certificates(Way::Call);
}

fn clear_upstream(way: Way) {
    let world = world!();
    let clear = Upstream::clear();
    world.set("KEY", &world.canaries.plain.clone());
    let host = format!("api.test:{}", clear.port());
    let ca = world.ca_file();
    world
        .owner(&[
            "bind",
            "KEY",
            "--host",
            &host,
            "--private",
            "--no-input",
            "--ca",
        ])
        .arg(ca)
        .succeeds();
    let agent = world.agent();
    let url = format!("https://api.test:{}/v1/x", clear.port());
    let reply = way.send(&agent, "GET", &url);
    assert_eq!(reply.status, 502, "{}", reply.shown());
    assert!(clear.seen().is_empty());
    world.finish();
}

#[test]
fn h24_proxy_upstream_without_tls() {
    clear_upstream(Way::Proxy);
}

#[test]
fn h24_call_upstream_without_tls() {
    clear_upstream(Way::Call);
}

fn redirect_to_clear_text(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    world
        .api
        .answer(|_| Answer::with(301, &[("location", "http://api.test/v1/x")], ""));
    let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
    reply.is(301);
    assert_eq!(reply.header("location"), Some("http://api.test/v1/x"));
    assert_eq!(world.api.seen().len(), 1);
    world.finish();
}

#[test]
fn h25_proxy_redirect_to_clear_text_is_not_followed() {
    redirect_to_clear_text(Way::Proxy);
}

#[test]
fn h25_call_redirect_to_clear_text_is_not_followed() {
    redirect_to_clear_text(Way::Call);
}

fn own_listener(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let port = agent.broker.rsplit_once(':').unwrap().1.to_owned();
    world
        .owner(&[
            "bind",
            "KEY",
            "--host",
            &format!("loop.test:{port}"),
            "--private",
            "--no-input",
        ])
        .succeeds();
    world.names("127.0.0.1 loop.test\n127.0.0.1 api.test\n");
    let agent = world.agent();
    way.send(&agent, "GET", &format!("https://loop.test:{port}/v1/x"))
        .is_refused("upstream_address_refused");
    way.send(&agent, "GET", &format!("https://127.0.0.1:{port}/v1/x"));
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn h26_proxy_own_listener() {
    own_listener(Way::Proxy);
}

#[test]
fn h26_call_own_listener() {
    own_listener(Way::Call);
}

fn own_name_in_via(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    way.send(&agent, "GET", &url).is(200);
    let via = world.api.last().header("via").map(str::to_owned);
    let via = via.expect("the broker names itself to the upstream");
    way.with(&agent, "GET", &url, &[("Via", &via)], b"")
        .is_refused("upstream_address_refused");
    way.with(&agent, "GET", &url, &[("Via", "1.1 another")], b"")
        .is(200);
    assert_eq!(world.api.seen().len(), 2);
    world.finish();
}

#[test]
fn h26_proxy_own_name_in_via() {
    own_name_in_via(Way::Proxy);
}

#[test]
fn h26_call_own_name_in_via() {
    own_name_in_via(Way::Call);
}
