//! The real file system, confined to a root directory.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anystorage_api::Timestamp;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::disk::{Disk, DiskEntry, DiskFile, DiskKind, DiskMetadata, DiskOpen, DiskOpened, DiskSpace, SyncDirError};

/// How much of a path one system call is given; the kernel takes 4,095 bytes.
const PATH_STEP: usize = 4000;

/// Never wait for the other end of a pipe, never become a terminal's owner.
const CAREFUL: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY);

/// A directory of the host file system. No path leads out of it, not by a symbolic link either, and not by one that is put in place during
/// the call: on Linux the kernel itself resolves beneath the root (`openat2`), elsewhere `cap-std` walks it part by part.
#[derive(Debug)]
pub struct HostDisk {
    root: Dir,
    path: PathBuf,
}

impl HostDisk {
    /// Opens the directory at `root`; a symbolic link there is followed now and never again.
    ///
    /// # Errors
    /// What the host reports.
    pub fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: Dir::open_ambient_dir(root, ambient_authority())?, path: root.to_owned() })
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory where a path starts, and the path from there: the root, unless the path is too long for one system call.
    fn start<'p>(&self, path: &'p str) -> io::Result<(Start<'_>, &'p str)> {
        let mut start = Start::Root(&self.root);
        let mut rest = path;
        while rest.len() > PATH_STEP {
            let reach = rest.floor_char_boundary(PATH_STEP);
            let (near, _) = rest.split_at(reach);
            let Some((step, _)) = near.rsplit_once('/') else { break };
            start = Start::Below(start.dir().open_dir(step)?);
            rest = rest.get(step.len() + 1..).unwrap_or_default();
        }
        Ok((start, if rest.is_empty() { "." } else { rest }))
    }
}

enum Start<'r> {
    Root(&'r Dir),
    Below(Dir),
}

impl Start<'_> {
    fn dir(&self) -> &Dir {
        match self {
            Self::Root(dir) => dir,
            Self::Below(dir) => dir,
        }
    }
}

impl AsFd for HostDisk {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

impl Disk for HostDisk {
    type File = HostFile;

    fn open(&self, path: &str, how: DiskOpen) -> io::Result<DiskOpened<HostFile>> {
        let (start, rest) = self.start(path)?;
        // Opening a device can do things by itself: what is no regular file is not opened at all.
        if how != DiskOpen::CreateNew {
            refuse_irregular(metadata_at(start.dir(), rest)?.kind)?;
        }
        let (file, through_link) = open_at(start.dir(), rest, how)?;
        let metadata = from_stat(&rustix::fs::fstat(&file)?);
        refuse_irregular(metadata.kind)?;
        Ok(DiskOpened { file: HostFile(file), metadata, through_link })
    }

    fn metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        let (start, rest) = self.start(path)?;
        metadata_at(start.dir(), rest)
    }

    fn symlink_metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        let (start, rest) = self.start(path)?;
        symlink_metadata_at(start.dir(), rest)
    }

    fn entries(&self, directory: &str) -> io::Result<Vec<DiskEntry>> {
        let opened = self.open_directory(directory)?;
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&opened)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => match rustix::fs::statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => from_stat(&stat).kind,
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(error.into()),
                },
                known => from_file_type(known),
            };
            entries.push(DiskEntry { name: name.to_bytes().to_vec(), kind });
        }
        Ok(entries)
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        let (start, rest) = self.start(path)?;
        start.dir().create_dir(rest)
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        let (start, rest) = self.start(path)?;
        start.dir().remove_file(rest).map_err(|error| match error.raw_os_error() {
            // Outside Linux, unlink(2) calls a directory a lack of permission.
            Some(code) if code == Errno::PERM.raw_os_error() => match symlink_metadata_at(start.dir(), rest) {
                Ok(found) if found.kind == DiskKind::Directory => Errno::ISDIR.into(),
                _ => error,
            },
            _ => error,
        })
    }

    fn remove_dir(&self, path: &str) -> io::Result<()> {
        let (start, rest) = self.start(path)?;
        start.dir().remove_dir(rest)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from_start, from) = self.start(from)?;
        let (to_start, to) = self.start(to)?;
        from_start.dir().rename(from, to_start.dir(), to)
    }

    fn sync_dir(&self, path: &str) -> Result<(), SyncDirError> {
        self.open_directory(path).map_err(SyncDirError::Open)?.sync_all().map_err(SyncDirError::Flush)
    }

    fn space(&self) -> io::Result<DiskSpace> {
        let found = rustix::fs::fstatvfs(&self.root)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(DiskSpace { total: bytes(found.f_blocks), free: bytes(found.f_bavail) })
    }
}

impl HostDisk {
    fn open_directory(&self, path: &str) -> io::Result<File> {
        let (start, rest) = self.start(path)?;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flag_bits(OFlags::DIRECTORY | OFlags::NONBLOCK));
        Ok(start.dir().open_with(rest, &options)?.into_std())
    }
}

/// `stat` beneath `start`, in one system call for a name right in it that is no link.
fn metadata_at(start: &Dir, path: &str) -> io::Result<DiskMetadata> {
    if !path.contains('/') {
        let found = symlink_metadata_at(start, path)?;
        if found.kind != DiskKind::Symlink {
            return Ok(found);
        }
    }
    start.metadata(path).map(|found| from_cap(&found))
}

fn symlink_metadata_at(start: &Dir, path: &str) -> io::Result<DiskMetadata> {
    start.symlink_metadata(path).map(|found| from_cap(&found))
}

/// Opens beneath `start`, and says whether a link may have been followed.
fn open_at(start: &Dir, path: &str, how: DiskOpen) -> io::Result<(File, bool)> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::ResolveFlags;

        let access = match how {
            DiskOpen::Read => OFlags::RDONLY,
            DiskOpen::Write => OFlags::WRONLY,
            DiskOpen::ReadWrite => OFlags::RDWR,
            DiskOpen::CreateNew => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
        };
        let mode = if how == DiskOpen::CreateNew { Mode::from_raw_mode(0o666) } else { Mode::empty() };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(start, path, access | CAREFUL | OFlags::CLOEXEC, mode, resolve) {
            Ok(file) => return Ok((file.into(), false)),
            // A link on the way, a rename meanwhile, or a kernel or a sandbox without openat2: cap-std knows what to do.
            Err(Errno::LOOP | Errno::AGAIN | Errno::NOSYS | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut options = OpenOptions::new();
    options.custom_flags(flag_bits(CAREFUL));
    match how {
        DiskOpen::Read => options.read(true),
        DiskOpen::Write => options.write(true),
        DiskOpen::ReadWrite => options.read(true).write(true),
        DiskOpen::CreateNew => options.read(true).write(true).create_new(true),
    };
    Ok((start.open_with(path, &options)?.into_std(), true))
}

fn flag_bits(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

fn refuse_irregular(kind: DiskKind) -> io::Result<()> {
    match kind {
        DiskKind::File => Ok(()),
        DiskKind::Directory => Err(Errno::ISDIR.into()),
        DiskKind::Symlink | DiskKind::Other => {
            Err(io::Error::new(io::ErrorKind::Unsupported, "this is a pipe, a socket or a device, not a regular file"))
        }
    }
}

/// One open file of a [`HostDisk`].
#[derive(Debug)]
pub struct HostFile(File);

impl DiskFile for HostFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        self.0.write_at(data, offset)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn metadata(&self) -> io::Result<DiskMetadata> {
        Ok(from_stat(&rustix::fs::fstat(&self.0)?))
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(&self.0, Mode::from_raw_mode(mode))?)
    }
    fn try_lock(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.0, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn from_file_type(found: FileType) -> DiskKind {
    match found {
        FileType::RegularFile => DiskKind::File,
        FileType::Directory => DiskKind::Directory,
        FileType::Symlink => DiskKind::Symlink,
        _ => DiskKind::Other,
    }
}

#[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the fields have other widths on other systems")]
fn from_stat(stat: &Stat) -> DiskMetadata {
    let time = |seconds: i64, nanoseconds: i64| Timestamp::new(seconds, u32::try_from(nanoseconds).unwrap_or(0));
    DiskMetadata {
        kind: from_file_type(FileType::from_raw_mode(stat.st_mode)),
        len: u64::try_from(stat.st_size).unwrap_or(0),
        id: (stat.st_dev as u64, stat.st_ino as u64),
        links: stat.st_nlink as u64,
        mode: u32::from(stat.st_mode) & 0o7777,
        modified: time(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        changed: time(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

fn from_cap(found: &cap_std::fs::Metadata) -> DiskMetadata {
    let time = |seconds: i64, nanoseconds: i64| Timestamp::new(seconds, u32::try_from(nanoseconds).unwrap_or(0));
    let kind = found.file_type();
    DiskMetadata {
        kind: if kind.is_file() {
            DiskKind::File
        } else if kind.is_dir() {
            DiskKind::Directory
        } else if kind.is_symlink() {
            DiskKind::Symlink
        } else {
            DiskKind::Other
        },
        len: found.len(),
        id: (found.dev(), found.ino()),
        links: found.nlink(),
        mode: found.mode() & 0o7777,
        modified: time(found.mtime(), found.mtime_nsec()),
        changed: time(found.ctime(), found.ctime_nsec()),
    }
}
