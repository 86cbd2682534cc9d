//! The compiler that is declared (`rust-version`) and the one that runs.

use std::process::Command;

/// What the workspace declares: major and minor version.
const DECLARED: &str = env!("CARGO_PKG_RUST_VERSION");

/// Says how the running compiler relates to the declared one, and gives the installed toolchain to check the workspace with if they
/// differ and there is one.
///
/// # Errors
/// If the running compiler is older than declared, or does not tell its version.
pub(crate) fn check() -> Result<Option<String>, String> {
    let running = Command::new("rustc").arg("--version").output().map_err(|error| format!("rustc could not be started: {error}"))?;
    let running = String::from_utf8_lossy(&running.stdout);
    let (Some(have), Some(want)) = (running.split_whitespace().nth(1).and_then(version), version(DECLARED)) else {
        return Err(format!("rustc --version answered {:?}, which names no version", running.trim()));
    };
    if have < want {
        return Err(format!("{} is too old: the workspace declares rust-version {DECLARED}. Try: rustup update", running.trim()));
    }
    if have == want {
        println!("{}: this run is the test of the declared rust-version {DECLARED}", running.trim());
        return Ok(None);
    }
    let installed = installed();
    match &installed {
        Some(name) => println!("{}: the declared rust-version {DECLARED} is checked by {name}", running.trim()),
        None => println!("{}: the declared rust-version {DECLARED} is not installed, and not checked by this run", running.trim()),
    }
    Ok(installed)
}

/// The name of the installed toolchain of the declared version.
fn installed() -> Option<String> {
    let list = Command::new("rustup").args(["toolchain", "list", "--quiet"]).output().ok()?;
    let list = String::from_utf8_lossy(&list.stdout);
    let of_declared = |name: &&str| name.split('-').next().and_then(version) == version(DECLARED);
    list.split_whitespace().find(of_declared).map(str::to_owned)
}

/// Major and minor of `1.95`, `1.95.0`, `1.97.0-nightly`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(version("1.95"), Some((1, 95)));
        assert_eq!(version("1.97.0-nightly"), Some((1, 97)));
        assert!(version("1.100.1") > version("1.95"));
        assert_eq!(version("stable-x86_64"), None);
    }
}
