//! Whether every call does what it should, on a mount as it is.

use std::fmt;

use anystorage_api::{Error, ErrorKind, Operation, Timestamp};

use crate::counters::Call;
use crate::{Argument, Errno, FIONBIO, NULL, OpenFlags, Result, S_IFCHR, SEEK_END, SEEK_SET, TCGETS, Time, Vfs, random};

/// The first call that did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misbehaviour {
    /// The call.
    pub call: Call,
    /// What it should have done, and what it did.
    pub what: String,
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} misbehaves: {}", self.call.as_str(), self.what)
    }
}

impl std::error::Error for Misbehaviour {}

impl From<Misbehaviour> for Error {
    fn from(misbehaviour: Misbehaviour) -> Self {
        Self::new(ErrorKind::Io, Operation::OpenLocation).with_text(misbehaviour.to_string())
    }
}

/// What `call` returned, if that is `expected`.
fn check<T: PartialEq + fmt::Debug>(call: Call, found: Result<T>, expected: Result<T>) -> Result<(), Misbehaviour> {
    if found == expected {
        return Ok(());
    }
    let what = match (found, expected) {
        (Ok(found), Ok(expected)) => format!("{expected:?} was expected, and it gave {found:?}"),
        (Ok(found), Err(expected)) => format!("{} was expected, and it gave {found:?}", expected.name()),
        (Err(found), Ok(expected)) => format!("{expected:?} was expected, and it failed with {found}"),
        (Err(found), Err(expected)) => format!("{} was expected, and it failed with {found}", expected.name()),
    };
    Err(Misbehaviour { call, what })
}

fn take<T>(call: Call, found: Result<T>) -> Result<T, Misbehaviour> {
    found.map_err(|errno| Misbehaviour { call, what: format!("it failed with {errno}") })
}

impl Vfs {
    /// Tries every call in a new directory below `directory`, which it removes again, and names the first one that misbehaves. Nothing else
    /// is touched; the descriptors that it uses are closed.
    ///
    /// # Errors
    /// That one.
    pub fn sanity_check(&self, directory: &str) -> Result<(), Misbehaviour> {
        let mut number = [0; 8];
        take(Call::Open, random::fill(&mut number))?;
        let base = format!("{}/.anystorage-vfs-check-{:016x}", directory.trim_end_matches('/'), u64::from_le_bytes(number));
        take(Call::Mkdir, self.mkdir(&base, 0o700))?;
        let mut open = Vec::new();
        let outcome = self.try_files(&base, &mut open).and_then(|()| self.try_names(&base, &mut open));
        for descriptor in open {
            // It may be closed already.
            let _ = self.close(descriptor);
        }
        for left in ["file", "moved", "link", "null"] {
            let _ = self.unlink(&format!("{base}/{left}"));
        }
        let _ = self.rmdir(&format!("{base}/a/b"));
        let _ = self.rmdir(&format!("{base}/a"));
        outcome.and(check(Call::Rmdir, self.rmdir(&base), Ok(())))
    }

    fn try_files(&self, base: &str, open: &mut Vec<i32>) -> Result<(), Misbehaviour> {
        let path = format!("{base}/file");
        let flags = OpenFlags::O_RDWR | OpenFlags::O_CREAT | OpenFlags::O_EXCL;
        let file = take(Call::Open, self.open(&path, flags, 0o640))?;
        open.push(file);
        check(Call::Open, self.open(&path, flags, 0o640), Err(Errno::EEXIST))?;
        check(Call::Write, self.write(file, b"0123456789"), Ok(10))?;
        check(Call::Pwrite, self.pwrite(file, b"ab", 12), Ok(2))?;
        check(Call::Lseek, self.lseek(file, -4, SEEK_END), Ok(10))?;
        let mut buf = [9; 8];
        check(Call::Read, self.read(file, &mut buf), Ok(4))?;
        check(Call::Read, Ok(buf.get(..4)), Ok(Some(b"\0\0ab".as_slice())))?;
        check(Call::Pread, self.pread(file, &mut buf, 1), Ok(8))?;
        check(Call::Pread, Ok(&buf), Ok(b"12345678"))?;
        check(Call::Truncate, self.ftruncate(file, 5), Ok(()))?;
        check(Call::Truncate, self.truncate(&path, 7), Ok(()))?;
        // What is behind a mirror may have to be waited for: that is what `syncfs` does.
        let waits = self.tree().mounts.values().any(|mount| mount.hook.is_some());
        let at_once = |synced: Result<()>| if waits && synced == Err(Errno::EAGAIN) { Ok(()) } else { synced };
        check(Call::Fsync, at_once(self.fsync(file)), Ok(()))?;
        check(Call::Fsync, at_once(self.fdatasync(file)), Ok(()))?;
        check(Call::Sync, at_once(self.sync()), Ok(()))?;
        check(Call::Stat, self.fstat(file).map(|stat| (stat.size, stat.is_file(), stat.nlink)), Ok((7, true, 1)))?;
        check(Call::Stat, self.stat(&path).map(|stat| stat.size), Ok(7))?;
        let copy = take(Call::Dup, self.dup(file))?;
        open.push(copy);
        check(Call::Lseek, self.lseek(copy, 3, SEEK_SET), Ok(3))?;
        check(Call::Read, self.read(file, &mut buf), Ok(4))?;
        check(Call::Dup, self.dup2(file, copy), Ok(copy))?;
        check(Call::Ioctl, self.ioctl(file, FIONBIO, &mut Argument::Number(0)), Ok(0))?;
        check(Call::Ioctl, self.ioctl(file, TCGETS, &mut Argument::None), Err(Errno::ENOTTY))?;
        check(Call::Ioctl, self.ioctl(file, u32::MAX, &mut Argument::None), Err(Errno::EINVAL))?;
        check(Call::Chmod, self.chmod(&path, 0o4711).and_then(|()| self.fchmod(file, 0o604)), Ok(()))?;
        check(Call::Chmod, self.stat(&path).map(|stat| stat.permissions()), Ok(0o604))?;
        check(Call::Chown, self.chown(&path, Some(7), Some(8)).and_then(|()| self.fchown(file, None, Some(9))), Ok(()))?;
        check(Call::Chown, self.stat(&path).map(|stat| (stat.uid, stat.gid)), Ok((7, 9)))?;
        let at = Timestamp::new(1_000_000_000, 0);
        check(Call::Utimens, self.futimens(file, Time::At(at), Time::At(at)), Ok(()))?;
        check(Call::Utimens, self.fstat(file).map(|stat| (stat.atime, stat.mtime)), Ok((at, at)))?;
        check(Call::Close, self.close(copy), Ok(()))?;
        check(Call::Read, self.read(copy, &mut buf), Err(Errno::EBADF))
    }

    fn try_names(&self, base: &str, open: &mut Vec<i32>) -> Result<(), Misbehaviour> {
        let at = |name: &str| format!("{base}/{name}");
        check(Call::Mkdir, self.mkdir_all(&at("a/b"), 0o755), Ok(()))?;
        check(Call::Mkdir, self.mkdir(&at("a"), 0o755), Err(Errno::EEXIST))?;
        check(Call::Rmdir, self.rmdir(&at("a")), Err(Errno::ENOTEMPTY))?;
        check(Call::Symlink, self.symlink("moved", &at("link")), Ok(()))?;
        check(Call::Readlink, self.readlink(&at("link")), Ok("moved".to_owned()))?;
        check(Call::Stat, self.lstat(&at("link")).map(|stat| stat.is_symlink()), Ok(true))?;
        check(Call::Chown, self.lchown(&at("link"), Some(1), Some(1)), Ok(()))?;
        check(Call::Chmod, self.lchmod(&at("link"), 0o600), Err(Errno::EOPNOTSUPP))?;
        check(Call::Open, self.open(&at("link"), OpenFlags::O_RDONLY, 0), Err(Errno::ENOENT))?;
        check(Call::Rename, self.rename(&at("file"), &at("moved")), Ok(()))?;
        check(Call::Stat, self.stat(&at("link")).map(|stat| (stat.size, stat.uid)), Ok((7, 7)))?;
        check(Call::Rename, self.rename(&at("a"), &at("a/b/c")), Err(Errno::EINVAL))?;
        check(Call::Mknod, self.mknod(&at("null"), S_IFCHR | 0o666, NULL), Ok(()))?;
        let null = take(Call::Open, self.open(&at("null"), OpenFlags::O_RDWR, 0))?;
        open.push(null);
        check(Call::Write, self.write(null, b"gone"), Ok(4))?;
        check(Call::Read, self.read(null, &mut [0; 4]), Ok(0))?;
        let names = |entries: Vec<crate::Entry>| entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>();
        check(Call::Readdir, self.readdir(base).map(names), Ok(["a", "link", "moved", "null"].map(str::to_owned).into()))?;
        check(Call::Unlink, self.unlink(&at("a")), Err(Errno::EISDIR))?;
        for name in ["link", "moved", "null"] {
            check(Call::Unlink, self.unlink(&at(name)), Ok(()))?;
        }
        check(Call::Unlink, self.unlink(&at("moved")), Err(Errno::ENOENT))?;
        let kept = open.first().map_or(Err(Errno::EBADF), |file| self.fstat(*file).map(|stat| (stat.size, stat.nlink)));
        check(Call::Stat, kept, Ok((7, 0)))?;
        check(Call::Rmdir, self.rmdir(&at("a/b")).and_then(|()| self.rmdir(&at("a"))), Ok(()))
    }
}
