//! A directory in memory for the profiles of browsers, which create and delete thousands of files for a second's use each.
//!
//! What the tests in browsers show does not depend on the disk: they reload, terminate and SIGKILL, and no kill takes from the kernel what was
//! written. The flushes that they count are system calls. What needs a disk, natively, stays on it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process;

/// Where Linux has a file system in memory. `shm_overview(7)`
const PARENT: &str = "/dev/shm";

/// Followed by the number of the process that made it.
const PREFIX: &str = "anystorage-test-";

/// What has to be free there and in memory, in bytes: the profiles of three browsers take less than two, and what the browsers and the compiler
/// need comes beside them. Chromium gives a site a share of what there is, and a case has a hole of 5 GiB.
const NEEDED: u64 = 10 << 30;

/// Removed when this is dropped; if that never came, by the next that is made.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// None where there is no such place, or not enough of it: then temporary files are where they always are.
    pub(crate) fn new() -> Option<Self> {
        let parent = Path::new(PARENT);
        clear(parent);
        if std::env::var_os("TMPDIR").is_some() {
            return None;
        }
        let place = rustix::fs::statvfs(parent).ok()?;
        // Programs that tests make there are run: what npm installs, and a script that starts Firefox.
        let runs_programs = !place.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC);
        let free = place.f_bavail.saturating_mul(place.f_frsize).min(available(&fs::read_to_string("/proc/meminfo").ok()?)?);
        let free = free.min(allowed().unwrap_or(u64::MAX));
        let directory = parent.join(format!("{PREFIX}{}", process::id()));
        let made = runs_programs && free >= NEEDED && fs::DirBuilder::new().mode(0o700).create(&directory).is_ok();
        made.then_some(Self(directory))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed, and takes memory: {error}", self.0.display());
        }
    }
}

/// The memory that this process's control group may still take, in bytes, if it is bounded: files in memory count there. `cgroup-v2`
fn allowed() -> Option<u64> {
    let bytes = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok();
    Some(bytes("memory.max")?.saturating_sub(bytes("memory.current")?))
}

/// Removes what processes left that are gone.
fn clear(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|number| number.parse::<u32>().ok()) else {
            continue;
        };
        // One with our own number is of a process before us.
        if process == process::id() || !Path::new("/proc").join(process.to_string()).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The memory that may be had, in bytes, as `proc_meminfo(5)` has it.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::{PREFIX, available, clear};

    #[test]
    fn the_memory_that_may_be_had_is_read() {
        assert_eq!(available("MemTotal:       24 kB\nMemFree: 1 kB\nMemAvailable:   12345 kB\n"), Some(12_345 * 1024));
        assert_eq!(available("MemTotal: 24 kB\n"), None);
        assert_eq!(available("MemAvailable: much\n"), None);
    }

    #[test]
    fn only_what_a_process_left_that_is_gone_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        // No process has a number this large, and one always has the first. `proc_sys_kernel(5)`, pid_max
        let (gone, old) = (format!("{PREFIX}{}", u32::MAX), format!("{PREFIX}{}", std::process::id()));
        let (running, other) = (format!("{PREFIX}1"), format!("{PREFIX}x"));
        for name in [&gone, &old, &running, &other] {
            std::fs::create_dir(parent.path().join(name)).unwrap();
            std::fs::write(parent.path().join(name).join("file"), "x").unwrap();
        }
        clear(parent.path());
        let mut left: Vec<_> = std::fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [running.as_str(), other.as_str()]);
    }
}
