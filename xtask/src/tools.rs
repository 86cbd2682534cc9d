//! Programs that are built from crates, below the target directory, because a machine may not have them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program of a crate, in this version; built if it is not there.
///
/// # Errors
/// If it cannot be built.
pub(crate) fn built(name: &str, version: &str) -> Result<PathBuf, String> {
    let program = place(name)?;
    if program.is_file() {
        return Ok(program);
    }
    let arguments = installation(name, version);
    println!("missing, so: cargo {}", arguments.join(" "));
    let installed = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).args(arguments).status();
    let installed = installed.is_ok_and(|status| status.success());
    if installed { Ok(program) } else { Err(format!("{name} {version} could not be installed into {}", directory().display())) }
}

/// Where the program of a crate is, or will be.
///
/// # Errors
/// If that cannot be told.
pub(crate) fn place(name: &str) -> Result<PathBuf, String> {
    let program = directory().join("bin").join(name);
    std::path::absolute(&program).map_err(|error| format!("{}: {error}", program.display()))
}

/// What cargo is asked, to build the program of a crate. Without optimisation, which takes longer than it saves, and without what only a
/// debugger reads. The sources of the dependencies are those of the crate's own lock file.
pub(crate) fn installation(name: &str, version: &str) -> Vec<String> {
    let root = directory().display().to_string();
    ["install", name, "--debug", "--config", "profile.dev.debug=false", "--locked", "--version", version, "--root", &root]
        .map(str::to_owned)
        .to_vec()
}

fn directory() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR");
    target.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target"), PathBuf::from).join("tools")
}
