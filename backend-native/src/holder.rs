//! Who holds the `flock` of a file, where the host tells.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

/// A process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its number.
    pub(crate) pid: u32,
    /// Its name, as the host shows it; none if it is gone or hidden.
    pub(crate) name: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.pid == std::process::id() { "this process, " } else { "process " };
        write!(f, "{whose}{}", self.pid)?;
        match &self.name {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

/// The process that holds the `flock` of `file`; none where the host does not tell: no `/proc/locks`, a file system that shows other
/// numbers there, a holder in another container. It may be gone by the time this returns.
pub(crate) fn holder(file: &File) -> Option<Holder> {
    let metadata = file.metadata().ok()?;
    let device = metadata.dev();
    let at = (rustix::fs::major(device), rustix::fs::minor(device), metadata.ino());
    let pid = holder_in(&fs::read_to_string("/proc/locks").ok()?, at)?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    Some(Holder { pid, name: name.map(|name| name.trim_end().to_owned()) })
}

/// The sentence for an error: who it is, or that it is somebody.
pub(crate) fn held_by(file: &File) -> String {
    holder(file).map_or_else(|| "another instance, in this process or in another one,".to_owned(), |holder| holder.to_string())
}

/// Looks for `1: FLOCK  ADVISORY  WRITE 26561 fe:00:10216527 0 EOF` of this device and inode. Who only waits has `->` behind the number.
fn holder_in(locks: &str, at: (u32, u32, u64)) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (kind, _, _, pid, place) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        let mut parts = place.split(':');
        let major = u32::from_str_radix(parts.next()?, 16).ok()?;
        let minor = u32::from_str_radix(parts.next()?, 16).ok()?;
        let inode: u64 = parts.next()?.parse().ok()?;
        let pid = pid.parse().ok().filter(|pid| *pid > 0)?;
        (kind == "FLOCK" && (major, minor, inode) == at).then_some(pid)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rustix::fs::{FlockOperation, flock};

    use super::*;

    #[test]
    fn lines_are_told_apart_by_kind_device_and_inode() {
        let locks = "1: POSIX  ADVISORY  WRITE 1 fe:01:7 0 EOF\n2: FLOCK  ADVISORY  WRITE 2 fe:00:7 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 3 fe:01:7 0 EOF\n3: -> FLOCK  ADVISORY  WRITE 4 fe:01:7 0 EOF\nnonsense\n\
                     4: FLOCK  ADVISORY  WRITE 0 fe:01:8 0 EOF\n";
        assert_eq!(holder_in(locks, (0xfe, 1, 7)), Some(3));
        assert_eq!(holder_in(locks, (0xfe, 0, 7)), Some(2));
        assert_eq!(holder_in(locks, (0xfe, 1, 8)), None, "a holder that cannot be seen from here");
        assert_eq!(holder_in(locks, (0xfe, 1, 9)), None);
    }

    /// Every Linux lists its locks, though not with the numbers of every file system: what is told must be right.
    #[test]
    fn this_process_is_found_as_the_holder() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(holder(&file), None);
        flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        let found = holder(&file).unwrap();
        assert_eq!(found.pid, std::process::id());
        assert!(found.name.is_some(), "{found:?}");
        assert!(held_by(&file).starts_with(&format!("this process, {}", found.pid)));
        flock(&file, FlockOperation::Unlock).unwrap();
        assert_eq!(holder(&file), None);
        assert!(held_by(&file).starts_with("another instance"));
    }
}
