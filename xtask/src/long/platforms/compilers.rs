//! C compilers for what our dependencies have in C: Zig's for macOS, Debian's MinGW for Windows.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Outcome, has, root};
use crate::setup::{apt, python};

/// The package of Zig in the Python package index.
const ZIG: &str = "ziglang";
/// What a C library asks for where it has parts in assembler, or is configured by CMake.
const MINGW: &[(&str, &str)] = &[
    ("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"),
    ("x86_64-w64-mingw32-g++", "g++-mingw-w64-x86-64"),
    ("nasm", "nasm"),
    ("cmake", "cmake"),
];

/// Zig as the C compiler for macOS, by two programs in this folder, and what tells cargo of them.
///
/// # Errors
/// When the package index does not answer.
pub(super) fn zig(folder: &Path) -> Outcome<Vec<(String, String)>> {
    python(&[ZIG])?;
    let zig = root()
        .join("target/tools/python")
        .join(ZIG)
        .join("zig")
        .display()
        .to_string();
    let cc = program(folder, "zig-cc", &ZIG_CC.replace("ZIG", &zig))?;
    let ar = program(folder, "zig-ar", &ZIG_AR.replace("ZIG", &zig))?;
    let named =
        |name: &str, value: &str| (format!("{name}_aarch64_apple_darwin"), value.to_owned());
    Ok(vec![
        named("CC", &cc),
        named("CXX", &cc),
        named("AR", &ar),
        // Nothing of Apple's is here: what compiles needs the C library's headers, which Zig brings.
        ("SDKROOT".to_owned(), "/".to_owned()),
    ])
}

/// Rust's C code is compiled with clang's words for the target and the SDK; Zig has its own for them.
const ZIG_CC: &str = r#"#!/bin/bash
kept=()
while [ $# -gt 0 ]; do
    case "$1" in
        -arch | -isysroot) shift ;;
        --target=* | -mmacosx-version-min=*) ;;
        *) kept+=("$1") ;;
    esac
    shift
done
exec "ZIG" cc -target aarch64-macos "${kept[@]}"
"#;

const ZIG_AR: &str = r#"#!/bin/sh
exec "ZIG" ar "$@"
"#;

/// MinGW, installed where it is missing.
///
/// # Errors
/// When it cannot be installed.
pub(super) fn mingw() -> Outcome {
    let missing: Vec<&str> = MINGW
        .iter()
        .filter(|(program, _)| !has(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    apt(&missing)
}

/// Writes a program, and returns its path.
pub(super) fn program(folder: &Path, name: &str, text: &str) -> Outcome<String> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    crate::run::run(Command::new("chmod").arg("+x").arg(&path))?;
    Ok(path.display().to_string())
}
