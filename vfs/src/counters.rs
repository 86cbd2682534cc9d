//! How often each call was made, with how many bytes, and how long it took.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// A call of the face, as it is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Call {
            $($(#[$doc])* $name,)*
        }

        impl Call {
            /// Every call.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in C.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

calls! {
    /// `mount`.
    Mount => "mount",
    /// `unmount`.
    Unmount => "unmount",
    /// `open`, `openat`.
    Open => "open",
    /// `close`.
    Close => "close",
    /// `dup`, `dup2`.
    Dup => "dup",
    /// `read`.
    Read => "read",
    /// `pread`.
    Pread => "pread",
    /// `write`.
    Write => "write",
    /// `pwrite`.
    Pwrite => "pwrite",
    /// `lseek`.
    Lseek => "lseek",
    /// `truncate`, `ftruncate`.
    Truncate => "truncate",
    /// `fsync`, `fdatasync`.
    Fsync => "fsync",
    /// `sync`.
    Sync => "sync",
    /// `syncfs`.
    Syncfs => "syncfs",
    /// `stat`, `lstat`, `fstat`, `fstatat`.
    Stat => "stat",
    /// `mkdir`, `mkdir -p`.
    Mkdir => "mkdir",
    /// `rmdir`.
    Rmdir => "rmdir",
    /// `readdir`, `getdents`.
    Readdir => "readdir",
    /// `unlink`.
    Unlink => "unlink",
    /// `rename`.
    Rename => "rename",
    /// `symlink`.
    Symlink => "symlink",
    /// `readlink`.
    Readlink => "readlink",
    /// `chmod`, `fchmod`, `lchmod`.
    Chmod => "chmod",
    /// `chown`, `fchown`, `lchown`.
    Chown => "chown",
    /// `utimensat`, `futimens`.
    Utimens => "utimens",
    /// `mknod`.
    Mknod => "mknod",
    /// `ioctl`.
    Ioctl => "ioctl",
    /// `chdir`, `fchdir`.
    Chdir => "chdir",
}

/// What is counted of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counter {
    /// How often it was made.
    pub count: u64,
    /// How many of these failed.
    pub failed: u64,
    /// How many bytes were read or written by it.
    pub bytes: u64,
    /// How long it took in all, in microseconds.
    pub micros: u64,
    /// The rest of it, below a microsecond, in nanoseconds.
    rest: u64,
}

#[derive(Debug)]
pub(crate) struct Counters(Mutex<Vec<Counter>>);

impl Default for Counters {
    fn default() -> Self {
        Self(Mutex::new(vec![Counter::default(); Call::ALL.len()]))
    }
}

impl Counters {
    fn lock(&self) -> MutexGuard<'_, Vec<Counter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, call: Call, took: Duration, failed: bool) {
        if let Some(counter) = self.lock().get_mut(call as usize) {
            counter.count += 1;
            counter.failed += u64::from(failed);
            let nanos = counter.rest + u64::try_from(took.as_nanos()).unwrap_or(0);
            counter.micros += nanos / 1000;
            counter.rest = nanos % 1000;
        }
    }

    pub(crate) fn add_bytes(&self, call: Call, bytes: usize) {
        if let Some(counter) = self.lock().get_mut(call as usize) {
            counter.bytes += bytes as u64;
        }
    }

    pub(crate) fn all(&self) -> Vec<(Call, Counter)> {
        Call::ALL.iter().copied().zip(self.lock().iter().copied()).collect()
    }
}
