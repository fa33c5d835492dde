use super::*;

fn read(text: &str) -> Wish {
    Wish::read("withheld.toml".into(), text).expect("a wish")
}

fn refused(text: &str) -> Refusal {
    Wish::read("../withheld.toml".into(), text).expect_err(text)
}

fn full(written: &str) -> Environment {
    Environment::parse(written).expect("an environment")
}

#[test]
fn every_key_is_read() {
    let wish = read(
        "# what we need\nworkspace = \"acme\"\nproject = \"shop\"\nenvironment = \"dev\"\nsecrets = [\"STRIPE_KEY\", \"A_KEY\", \"STRIPE_KEY\"]\n",
    );
    assert_eq!(wish.own(), Some(full("shop/dev")));
    let names: Vec<_> = wish.secrets().map(SecretName::as_str).collect();
    assert_eq!(names, ["A_KEY", "STRIPE_KEY"]);
    let other = |here| wish.other_workspace(here).map(Workspace::as_str);
    assert_eq!((other("local"), other("acme")), (Some("acme"), None));
    assert_eq!(read("").secrets().count(), 0);
}

#[test]
fn a_short_name_is_of_the_project_and_a_full_one_is_itself() {
    let of = |wish: &Wish, written| wish.environment(written).ok();
    let shop = read("project = \"shop\"\nenvironment = \"prod\"");
    assert_eq!(of(&shop, "dev"), Some(full("shop/dev")));
    assert_eq!(of(&shop, "billing/dev"), Some(full("billing/dev")));
    assert_eq!(of(&read(""), "dev"), Some(full("default/dev")));
    assert_eq!(of(&shop, "Dev"), None);
    assert_eq!(of(&shop, "a/b/c"), None);
}

#[test]
fn a_file_chooses_what_it_names_another_project_for() {
    let file = |text, written| read(text).chooses(written).map(|file| file.to_string());
    let shop = "project = \"shop\"";
    assert_eq!(file(shop, "dev").as_deref(), Some("withheld.toml"));
    assert_eq!(file(shop, "shop/dev"), None);
    assert_eq!(file("project = \"default\"", "dev"), None);
    assert_eq!(file("environment = \"prod\"", "dev"), None);
}

#[test]
fn what_the_file_leaves_open_may_be_anything() {
    let own = full("billing/staging");
    for (text, other) in [
        ("", None),
        ("secrets = [\"A_KEY\"]", None),
        ("workspace = \"acme\"", None),
        ("project = \"billing\"", None),
        ("environment = \"staging\"", None),
        ("project = \"shop\"", Some("shop/staging")),
        ("environment = \"prod\"", Some("billing/prod")),
        (
            "project = \"shop\"\nenvironment = \"prod\"",
            Some("shop/prod"),
        ),
    ] {
        assert_eq!(read(text).other_than(&own), other.map(full), "{text}");
    }
    assert_eq!(read("workspace = \"acme\"").own(), None);
    assert_eq!(
        read("environment = \"prod\"").own(),
        Some(full("default/prod"))
    );
    assert_eq!(read("project = \"shop\"").own(), Some(full("shop/dev")));
}

#[test]
fn x10_a_key_that_would_give_something_is_named_and_refused() {
    for key in [
        "bindings",
        "hosts",
        "allow",
        "grants",
        "agent",
        "isolation",
        "home",
        "server",
        "Secrets",
    ] {
        for text in [format!("{key} = [\"x\"]"), format!("[{key}]\nx = 1")] {
            let refusal = refused(&text);
            assert_eq!(refusal.code, Code::ConfigInvalid);
            let said = refusal.message.as_str();
            assert_eq!(
                said,
                format!("`{key}` in `../withheld.toml` is not a key of this file")
            );
        }
    }
}

#[test]
fn a_value_in_the_file_is_refused_and_never_repeated() {
    const VALUE: &str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
    for text in [
        format!("{VALUE} = 1"),
        format!("secrets = [\"{VALUE}\"]"),
        format!("secrets = {{ STRIPE_KEY = \"{VALUE}\" }}"),
        format!("STRIPE_KEY = \"{VALUE}\""),
        format!("project = \"{VALUE}\""),
        format!("= {VALUE}"),
    ] {
        let refusal = refused(&text);
        assert_eq!(refusal.code, Code::ConfigInvalid, "{text}");
        assert!(!format!("{refusal:?}").contains("4eC39"), "{text}");
        assert!(
            refusal.message.as_str().contains("`../withheld.toml`"),
            "{text}"
        );
    }
}

#[test]
fn names_have_the_grammar_they_have_everywhere() {
    for (text, key) in [
        ("project = \"Shop\"", "`project`"),
        ("project = \"a/b\"", "`project`"),
        ("environment = \"shop/dev\"", "`environment`"),
        ("environment = \"\"", "`environment`"),
        ("environment = 1", "`environment`"),
        ("workspace = [\"acme\"]", "`workspace`"),
        ("workspace = \"\\u001b[2J\"", "`workspace`"),
        ("secrets = \"STRIPE_KEY\"", "`secrets`"),
        ("secrets = [\"stripe_key\"]", "`secrets`"),
        ("secrets = [\"PATH\"]", "`secrets`"),
        ("secrets = [1]", "`secrets`"),
        ("secrets = [[\"A_KEY\"]]", "`secrets`"),
        ("project = \"a\"\nproject = \"b\"", "TOML"),
        ("project", "TOML"),
        ("\u{0}", "TOML"),
    ] {
        let refusal = refused(text);
        assert_eq!(refusal.code, Code::ConfigInvalid, "{text}");
        assert!(refusal.message.as_str().contains(key), "{text}: {refusal}");
    }
    let deep = format!("secrets = {}{}", "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(refused(&deep).code, Code::ConfigInvalid);
}
