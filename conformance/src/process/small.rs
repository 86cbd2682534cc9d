//! A place that is really small: a tmpfs, mounted in the child's own mount namespace, gone with it.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use anystorage_api::{Result, StorageBackend, engine};

use super::child::Opener;
use super::wire::CHILD_VARIABLE;
use crate::case::{Broken, Case, Verdict};
use crate::subject::Place;
use crate::suite;

/// What a reader can do who cannot have a small place.
pub(super) const WHAT_TO_ENABLE: &str = "a small place needs Linux with unprivileged user namespaces (`unshare -Urm true` must work: \
    sysctl user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0 where \
    they exist, in a container a seccomp profile that allows unshare and mount) and the commands `unshare` and `mount` of util-linux";

/// Runs a whole case in a tmpfs of `bytes`. The process has its own mount namespace already.
pub(super) async fn run_in_small_place(case: &Case, bytes: u64, directory: &Path, address: String, open: &Opener) -> Verdict {
    mount_tmpfs(directory, bytes).map_err(|error| {
        Broken::promise(format!("no tmpfs of {bytes} bytes could be mounted on {}: {error}; {WHAT_TO_ENABLE}", directory.display()))
    })?;
    let place = SmallPlace { address, open: open.clone() };
    suite::whole(case, &place).await
}

struct SmallPlace {
    address: String,
    open: Opener,
}

impl fmt::Debug for SmallPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SmallPlace").field(&self.address).finish()
    }
}

#[engine]
impl Place for SmallPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        (self.open)(self.address.clone()).await
    }

    fn address(&self) -> Option<String> {
        Some(self.address.clone())
    }
}

fn mount_tmpfs(directory: &Path, bytes: u64) -> io::Result<()> {
    let output = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={bytes},mode=0700"), "tmpfs"])
        .arg(directory)
        .env_remove(CHILD_VARIABLE)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("mount: {}, {}", output.status, said.trim())))
}
