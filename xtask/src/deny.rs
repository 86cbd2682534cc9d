//! Licences, bans, sources and known vulnerabilities of all dependencies, as `deny.toml` says.

use std::process::Command;

use crate::tools;

/// The version that `deny.toml` was written for.
const VERSION: &str = "0.20.2";

/// Runs cargo-deny, installing it below the target directory if it is not there.
pub(crate) fn run() -> Result<(), String> {
    let program = tools::built("cargo-deny", VERSION)?;
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
