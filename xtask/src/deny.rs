//! Licences, bans, sources and known vulnerabilities of all dependencies, as `deny.toml` says.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that `deny.toml` was written for.
const VERSION: &str = "0.20.2";

/// Runs cargo-deny, installing it below the target directory if it is not there.
pub(crate) fn run() -> Result<(), String> {
    let tools = tools_directory();
    let program = tools.join("bin").join("cargo-deny");
    if !program.is_file() {
        install(&tools)?;
    }
    let deny = |arguments: &[&str]| {
        println!("=== cargo deny {}", arguments.join(" "));
        Command::new(&program).args(arguments).status().is_ok_and(|status| status.success())
    };
    if !deny(&["check", "licenses", "bans", "sources"]) {
        return Err("licences, bans or sources: see above".to_owned());
    }
    // The advisories come from a git repository, which a machine may be unable to reach although it reaches the registry.
    if !deny(&["fetch", "db"]) {
        println!("The database of advisories cannot be reached from here: known vulnerabilities were NOT checked.");
        return Ok(());
    }
    if deny(&["check", "--disable-fetch", "advisories"]) { Ok(()) } else { Err("advisories: see above".to_owned()) }
}

fn install(tools: &Path) -> Result<(), String> {
    let installed = Command::new("cargo")
        .args(["install", "cargo-deny", "--locked", "--version", VERSION, "--root"])
        .arg(tools)
        .status()
        .is_ok_and(|status| status.success());
    if installed { Ok(()) } else { Err(format!("cargo-deny {VERSION} could not be installed into {}", tools.display())) }
}

fn tools_directory() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    target.join("tools")
}
