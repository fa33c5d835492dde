use super::*;

fn asked(edit: impl FnOnce(&mut Asked)) -> Result<Config, Refusal> {
    let mut asked = Asked::default();
    edit(&mut asked);
    Config::read(&asked)
}

fn message(read: Result<Config, Refusal>) -> String {
    let refusal = read.unwrap_err();
    assert_eq!(refusal.code, Code::ConfigInvalid);
    refusal.message.as_str().to_owned()
}

#[test]
fn nothing_asked_is_a_file_here_and_loopback() {
    let config = asked(|_| ()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8443");
    assert_eq!(config.database, Path::new("withheld.db"));
    assert_eq!((config.tls, config.health), (None, None));
}

#[test]
fn tls_opens_every_address() {
    let config = asked(|it| {
        it.tls_cert = Some("c.pem".into());
        it.tls_key = Some("k.pem".into());
    });
    assert_eq!(config.unwrap().listen.to_string(), "0.0.0.0:8443");
    let half = asked(|it| it.tls_cert = Some("c.pem".into()));
    assert_eq!(message(half), "TLS needs the certificate and its key");
}

#[test]
fn without_tls_only_loopback() {
    for open in ["0.0.0.0:1", "192.0.2.1:8443", "[::]:1"] {
        let refused = message(asked(|it| it.listen = Some(open.to_owned())));
        assert!(refused.contains("loopback"), "{open}");
    }
    for closed in ["127.0.0.9:1", "[::1]:1", "localhost:1"] {
        assert!(asked(|it| it.listen = Some(closed.to_owned())).is_ok());
    }
    for odd in ["8443", ":8443", "example.test:1", "127.0.0.1"] {
        let refused = message(asked(|it| it.listen = Some(odd.to_owned())));
        assert_eq!(refused, "an address to listen on cannot be read", "{odd}");
    }
}

#[test]
fn a_password_is_refused_before_anything_else() {
    for url in [
        "postgres://withheld:pw@db/withheld",
        "postgres://db/withheld?user=a&password=pw",
        "host=db PASSWORD=pw",
        "sqlite://a:b@c/d",
    ] {
        let refused = message(asked(|it| {
            it.database = Some(url.to_owned());
            it.listen = Some("nonsense".to_owned());
        }));
        assert!(
            refused.starts_with("the database URL holds a password"),
            "{url}"
        );
    }
}

#[test]
fn databases_are_files_of_sqlite() {
    for (url, path) in [
        ("sqlite:a.db", "a.db"),
        ("sqlite:/var/a:b@c.db", "/var/a:b@c.db"),
        ("sqlite:///var/a.db", "/var/a.db"),
    ] {
        let config = asked(|it| it.database = Some(url.to_owned()));
        assert_eq!(config.unwrap().database, Path::new(path));
    }
    for url in ["postgres://db/withheld", "postgresql://u@db/withheld"] {
        let refused = message(asked(|it| it.database = Some(url.to_owned())));
        assert_eq!(refused, "PostgreSQL is not built into this version");
    }
    for url in [
        "",
        "a.db",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:a.db?mode=ro",
        "mysql://db/x",
    ] {
        let refused = message(asked(|it| it.database = Some(url.to_owned())));
        assert_eq!(
            refused, "the database cannot be read from what was given",
            "{url}"
        );
    }
}

#[test]
fn a_file_may_hold_the_url() {
    let folder = withheld_testkit::Temp::new();
    let file = folder.path().join("db");
    std::fs::write(&file, "sqlite:/srv/a.db\n").unwrap();
    let read = asked(|it| it.database_file = Some(file.clone())).unwrap();
    assert_eq!(read.database, Path::new("/srv/a.db"));
    // In a file it may hold a password: then it is PostgreSQL's, which is another answer.
    std::fs::write(&file, "postgres://u:pw@db/x").unwrap();
    let refused = message(asked(|it| it.database_file = Some(file)));
    assert_eq!(refused, "PostgreSQL is not built into this version");
    let missing = asked(|it| it.database_file = Some(folder.path().join("none")));
    assert_eq!(
        message(missing),
        "the file with the database URL cannot be read"
    );
}
