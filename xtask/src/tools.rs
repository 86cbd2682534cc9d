//! Programs that are built from crates, below the target directory, because a machine may not have them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program of a crate, in this version; built if it is not there.
///
/// # Errors
/// If it cannot be built.
pub(crate) fn built(name: &str, version: &str) -> Result<PathBuf, String> {
    let tools = directory();
    let program = tools.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    println!("missing, so: cargo install {name} --version {version} --root {}", tools.display());
    // Without optimisation, which takes longer than it saves. The sources of the dependencies are those of the crate's own lock file.
    let installed = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["install", name, "--debug", "--locked", "--version", version, "--root"])
        .arg(&tools)
        .status()
        .is_ok_and(|status| status.success());
    if installed { Ok(program) } else { Err(format!("{name} {version} could not be installed into {}", tools.display())) }
}

fn directory() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    target.join("tools")
}
