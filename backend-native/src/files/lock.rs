//! The lock that makes an instance the only one.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

/// An advisory `flock(2)` on the root directory itself: no file of ours in anybody's tree, and gone with its holder's death.
#[derive(Debug)]
pub(super) struct RootLock(OwnedFd);

impl RootLock {
    /// Takes the lock at once; none if somebody else has it.
    pub(super) fn take(root: impl AsFd) -> io::Result<Option<Self>> {
        // A descriptor of its own: the engine's may be one that only names the directory.
        let root = rustix::fs::openat(root, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        match rustix::fs::flock(&root, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(root))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for RootLock {
    fn drop(&mut self) {
        // Said aloud: a child between fork and exec may share the descriptor, and would hold the lock on.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}
