//! L: the port on loopback, and who may not come in by it.

use std::fs;

use withheld_testkit::Upstream;

use crate::common::{bearer, nothing_arrived, world};

#[test]
fn l01_call_a_page_in_a_browser() {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    for field in [
        ("Origin", "https://evil.test"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Site", "none"),
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let reply = agent
                .call(method, &url)
                .secret("KEY")
                .field(field.0, field.1)
                .send();
            assert_eq!(reply.status, 421, "{field:?}: {}", reply.shown());
            for name in [
                "access-control-allow-origin",
                "access-control-allow-headers",
                "access-control-allow-methods",
            ] {
                assert_eq!(reply.header(name), None);
            }
        }
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn l01_proxy_a_page_in_a_browser() {
    let world = world!().with_key();
    let agent = world.agent();
    let host = world.host_port("api.test");
    for head in [
        format!(
            "GET http://{host}/v1/x HTTP/1.1\r\nHost: {host}\r\nOrigin: https://evil.test\r\n\r\n"
        ),
        format!(
            "POST http://{host}/v1/x HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}"
        ),
        format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
    ] {
        let reply = agent.raw(head.as_bytes()).unwrap();
        assert_eq!(reply.status, 407, "{head}");
        assert_eq!(
            reply.header("proxy-authenticate"),
            Some("Basic realm=\"withheld\"")
        );
        assert!(reply.body.is_empty());
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn l02_call_rebinding() {
    let world = world!().with_key();
    let agent = world.agent();
    let port = agent.broker.rsplit_once(':').unwrap().1.to_owned();
    for path in [
        "/call",
        "/proxy",
        "/",
        "/to/api.test/v1",
        "/favicon.ico",
        "/api",
        "/mcp",
    ] {
        for host in [
            format!("evil.test:{port}"),
            "evil.test".to_owned(),
            format!("127.0.0.1.evil.test:{port}"),
            format!("127.0.0.2:{port}"),
        ] {
            let head = format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nWithheld-Session: {}\r\nWithheld-Url: {}\r\nWithheld-Secret: KEY\r\n\r\n",
                agent.token,
                world.url("api.test/v1/x")
            );
            let reply = agent.raw(head.as_bytes()).unwrap();
            assert_eq!(reply.status, 421, "{path} {host}: {}", reply.shown());
        }
    }
    nothing_arrived(&world);
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
    ] {
        let head = format!(
            "GET /call HTTP/1.1\r\nHost: {host}\r\nWithheld-Session: {}\r\nWithheld-Url: {}\r\nWithheld-Secret: KEY\r\n\r\n",
            agent.token,
            world.url("api.test/v1/x")
        );
        assert_eq!(agent.raw(head.as_bytes()).unwrap().status, 200, "{host}");
    }
    world.finish();
}

#[test]
fn l03_cli_loopback_only() {
    let world = world!().with_key();
    let agent = world.agent();
    let (address, port) = agent.broker.rsplit_once(':').unwrap();
    assert_eq!(address, "127.0.0.1");
    let port: u16 = port.parse().unwrap();
    // Every listening socket on this port, of both families: the addresses as the kernel writes them.
    let mut found = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table)
            .unwrap_or_default()
            .lines()
            .skip(1)
        {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words[3] == "0A" && words[1].ends_with(&format!(":{port:04X}")) {
                found.push(words[1].to_owned());
            }
        }
    }
    // A table that changes while it is read may show a row twice.
    found.dedup();
    assert_eq!(found, [format!("0100007F:{port:04X}")]);
    world.finish();
}

#[test]
fn l04_call_a_websocket_of_a_page() {
    let world = world!().with_key();
    let agent = world.agent();
    let reply = agent
        .call("GET", &world.url("api.test/v1/x"))
        .secret("KEY")
        .field("Origin", "https://evil.test")
        .field("Connection", "Upgrade")
        .field("Upgrade", "websocket")
        .field("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .field("Sec-WebSocket-Version", "13")
        .send();
    assert_eq!(reply.status, 421, "{}", reply.shown());
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn l05_cli_another_user() {
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
        withheld_testkit::skip("only root can be another user");
        return;
    }
    let world = world!().with_key();
    for socket in ["run/owner.sock", "run/agent.sock"] {
        let path = world.home().join(socket);
        let ran = world
            .program(
                "setpriv",
                &[
                    "--reuid=65534",
                    "--regid=65534",
                    "--clear-groups",
                    "curl",
                    "-sS",
                    "http://localhost/",
                    "--unix-socket",
                ],
            )
            .arg(&path)
            .run();
        assert_eq!(ran.code, Some(7), "{ran}");
        assert!(
            ran.errors().contains("Permission denied") || ran.stdout.is_empty(),
            "{ran}"
        );
    }
    let agent = world.agent();
    let without = agent
        .program(
            "setpriv",
            &[
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "curl",
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_connect}",
            ],
        )
        .env("HTTPS_PROXY", format!("http://{}", agent.broker))
        .env("https_proxy", format!("http://{}", agent.broker))
        .arg(world.url("api.test/v1/x"))
        .run();
    assert_eq!(without.text(), "407", "{without}");
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn l05_cli_something_else_where_a_socket_belongs() {
    let world = world!().with_key();
    world.owner(&["daemon", "stop"]).succeeds();
    let target = world.folder().join("target");
    fs::write(&target, "untouched").unwrap();
    let socket = world.home().join("run/agent.sock");
    drop(fs::remove_file(&socket));
    std::os::unix::fs::symlink(&target, &socket).unwrap();
    let ran = world.owner(&["unlock", "--no-input", "--json"]).run();
    assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
    assert!(matches!(ran.code, Some(0 | 2)), "{ran}");
    drop(fs::remove_file(&socket));
    world.owner(&["daemon", "stop"]).run();
    // A stale socket of a broker that is gone is replaced.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    world.owner(&["unlock", "--no-input"]).succeeds();
    world.agent().get(&world.url("api.test/v1/x"), &[]).is(200);
    world.finish();
}

#[test]
fn l07_proxy_not_an_open_proxy() {
    let world = world!().with_key();
    let clear = Upstream::clear();
    let agent = world.agent();
    for head in [
        format!(
            "GET http://127.0.0.1:{}/ HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n",
            clear.port(),
            clear.port()
        ),
        "GET http://example.com/proxy.pac HTTP/1.1\r\nHost: example.com\r\n\r\n".to_owned(),
        format!(
            "CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n",
            world.host_port("api.test")
        ),
        format!(
            "CONNECT {0} HTTP/1.1\r\nHost: {0}\r\nProxy-Authorization: Basic Og==\r\n\r\n",
            world.host_port("api.test")
        ),
        format!(
            "CONNECT {0} HTTP/1.1\r\nHost: {0}\r\nProxy-Authorization: Bearer {1}\r\n\r\n",
            world.host_port("api.test"),
            bearer(&agent)
        ),
    ] {
        assert_eq!(agent.raw(head.as_bytes()).unwrap().status, 407, "{head}");
    }
    assert!(clear.connections().is_empty());
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn l07_call_not_an_open_proxy() {
    let world = world!().with_key();
    let agent = world.agent();
    let reply = agent
        .call("GET", &world.url("api.test/v1/x"))
        .without("Withheld-Session")
        .send();
    assert_eq!(reply.status, 401);
    assert!(reply.body.is_empty());
    for name in ["/wpad.dat", "/proxy.pac"] {
        let reply = agent
            .call("GET", "https://api.test/")
            .without("Withheld-Url")
            .at(name)
            .send();
        assert!(
            matches!(reply.status, 404 | 400),
            "{name}: {}",
            reply.shown()
        );
    }
    nothing_arrived(&world);
    world.finish();
}
