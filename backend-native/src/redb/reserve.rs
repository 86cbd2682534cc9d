//! Space set aside, so that removing works when no space is left.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{FallocateFlags, Mode, OFlags, fallocate, fstatvfs, openat};

/// At most this much, in bytes.
const MOST: u64 = 512 << 10;

/// It is set aside when the disk has less free than this.
const SCARCE: u64 = 64 << 20;

/// A file without a name beside the database, which takes space and is given up piece by piece. It goes with its process.
#[derive(Debug)]
pub(super) struct Reserve {
    directory: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    file: Option<File>,
    bytes: u64,
    /// What there is when it is whole.
    whole: u64,
}

impl Reserve {
    /// Of the disk on which `database` lies; nothing is taken yet.
    pub(super) fn beside(database: &Path) -> Self {
        let directory = match database.parent() {
            Some(above) if !above.as_os_str().is_empty() => above,
            _ => Path::new("."),
        };
        Self { directory: directory.to_owned(), held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is missing, if space is scarce and there is some, or if it is `asked` for. A disk that has no such files goes without.
    pub(super) fn fill(&self, database: &File, asked: bool) {
        let mut held = self.held();
        if held.whole > 0 && held.bytes == held.whole {
            return;
        }
        let Ok(disk) = fstatvfs(database) else { return };
        let (free, total) = (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
        let whole = (total / 16).min(MOST) & !4095;
        if whole == 0 || (held.bytes == 0 && free > SCARCE && !asked) || free < (whole - held.bytes.min(whole)) {
            return;
        }
        if held.file.is_none() {
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            held.file = openat(rustix::fs::CWD, &self.directory, flags, Mode::RUSR | Mode::WUSR).ok().map(File::from);
        }
        if let Some(file) = &held.file
            && fallocate(file, FallocateFlags::empty(), 0, whole).is_ok()
            // Where the host only promises, as some do, a byte makes it true.
            && file.write_all_at(&[1], whole - 1).is_ok()
        {
            (held.bytes, held.whole) = (whole, whole);
        }
    }

    /// Gives at least `bytes` free; false if there is nothing left. The last half is for changes that make room.
    pub(super) fn release(&self, bytes: u64, makes_room: bool) -> bool {
        let mut held = self.held();
        let floor = if makes_room { 0 } else { held.whole / 2 };
        if held.bytes <= floor {
            return false;
        }
        let left = held.bytes.saturating_sub(bytes.max(64 << 10)).max(floor);
        let Some(file) = &held.file else { return false };
        if file.set_len(left).is_err() {
            return false;
        }
        held.bytes = left;
        true
    }
}
