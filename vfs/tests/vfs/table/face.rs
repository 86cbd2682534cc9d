//! The calls, made to the face.

use anystorage_api::Timestamp;
use anystorage_vfs::{
    AT_FDCWD, AT_SYMLINK_NOFOLLOW, Argument, Entry, FIONBIO, OpenFlags, Result, Stat, TCFLSH, TCGETS, TCSBRK, TCSETS, TCSETSF, TCSETSW,
    TCXONC, TIOCGWINSZ, TIOCSWINSZ, Termios, Time, Vfs, WindowSize,
};

use super::line::{Fields, Line, bytes, listed, written};

pub(super) fn answer(vfs: &Vfs, line: &Line<'_>) -> String {
    written(make(vfs, line).map_err(|errno| errno.number()))
}

fn flags(text: &str) -> OpenFlags {
    let flag = |name| match name {
        "O_RDONLY" => OpenFlags::O_RDONLY,
        "O_WRONLY" => OpenFlags::O_WRONLY,
        "O_RDWR" => OpenFlags::O_RDWR,
        "O_CREAT" => OpenFlags::O_CREAT,
        "O_EXCL" => OpenFlags::O_EXCL,
        "O_TRUNC" => OpenFlags::O_TRUNC,
        "O_APPEND" => OpenFlags::O_APPEND,
        "O_DSYNC" => OpenFlags::O_DSYNC,
        "O_SYNC" => OpenFlags::O_SYNC,
        "O_DIRECTORY" => OpenFlags::O_DIRECTORY,
        "O_NOFOLLOW" => OpenFlags::O_NOFOLLOW,
        "O_PATH" => OpenFlags::O_PATH,
        _ => panic!("{name}"),
    };
    text.split('|').map(flag).fold(OpenFlags::O_RDONLY, |all, flag| all | flag)
}

fn stat(stat: Stat) -> String {
    let Stat { mode, nlink, size, uid, gid, rdev, .. } = stat;
    Fields { mode, nlink: nlink.into(), size, uid, gid, rdev: rdev.bits() }.to_string()
}

fn times(stat: &Stat) -> String {
    let text = |at: Timestamp| format!("{}.{:09}", at.seconds(), at.nanoseconds());
    format!("{} {}", text(stat.atime), text(stat.mtime))
}

fn entries(entries: Vec<Entry>) -> String {
    listed(entries.into_iter().map(|entry| (entry.name, entry.kind.mode_bits())).collect())
}

fn time(line: &Line<'_>, index: usize) -> Time {
    line.time(index).map_or(Time::Omit, |(seconds, nanoseconds)| Time::At(Timestamp::new(seconds, nanoseconds)))
}

fn ioctl(vfs: &Vfs, line: &Line<'_>) -> Result<i32> {
    let (termios, size) = (&mut Termios::default(), &mut WindowSize::default());
    let (request, mut argument) = match line.text(1) {
        "TCGETS" => (TCGETS, Argument::Termios(termios)),
        "TCSETS" => (TCSETS, Argument::Termios(termios)),
        "TCSETSW" => (TCSETSW, Argument::Termios(termios)),
        "TCSETSF" => (TCSETSF, Argument::Termios(termios)),
        "TIOCGWINSZ" => (TIOCGWINSZ, Argument::WindowSize(size)),
        "TIOCSWINSZ" => (TIOCSWINSZ, Argument::WindowSize(size)),
        name => {
            let request = match name {
                "TCSBRK" => TCSBRK,
                "TCXONC" => TCXONC,
                "TCFLSH" => TCFLSH,
                "FIONBIO" => FIONBIO,
                _ => panic!("{name}"),
            };
            (request, Argument::Number(line.number(2) as i32))
        }
    };
    vfs.ioctl(line.descriptor(0, 0), request, &mut argument)
}

fn make(vfs: &Vfs, line: &Line<'_>) -> Result<String> {
    let path = |index| line.path(index);
    let fd = |index| line.descriptor(index, 0);
    let count = |index| vec![0; usize::try_from(line.number(index)).unwrap()];
    let done = |()| String::new();
    let told = |number: i64| number.to_string();
    match line.name {
        "umask" => Ok(format!("{:o}", vfs.umask(line.octal(0)))),
        "open" => vfs.open(&path(0), flags(line.text(1)), line.octal(2)).map(|fd| told(fd.into())),
        "openat" => vfs.openat(fd(0), &path(1), flags(line.text(2)), line.octal(3)).map(|fd| told(fd.into())),
        "close" => vfs.close(fd(0)).map(done),
        "closeall" => {
            vfs.close_all();
            Ok(String::new())
        }
        "dup" => vfs.dup(fd(0)).map(|fd| told(fd.into())),
        "dup2" => vfs.dup2(fd(0), fd(1)).map(|fd| told(fd.into())),
        "flags" => vfs.flags(fd(0)).map(|flags| format!("{:o}", flags.bits() & 0o6003)),
        "read" | "readcount" | "pread" => {
            let mut buf = count(1);
            let read = match line.name {
                "pread" => vfs.pread(fd(0), &mut buf, line.number(2))?,
                _ => vfs.read(fd(0), &mut buf)?,
            };
            Ok(if line.name == "readcount" { read.to_string() } else { bytes(&buf[..read]) })
        }
        "write" => vfs.write(fd(0), &line.data(1)).map(|count| count.to_string()),
        "pwrite" => vfs.pwrite(fd(0), &line.data(1), line.number(2)).map(|count| count.to_string()),
        "lseek" => vfs.lseek(fd(0), line.number(1), line.whence(2)).map(|at| at.to_string()),
        "truncate" => vfs.truncate(&path(0), line.number(1)).map(done),
        "ftruncate" => vfs.ftruncate(fd(0), line.number(1)).map(done),
        "fsync" => vfs.fsync(fd(0)).map(done),
        "fdatasync" => vfs.fdatasync(fd(0)).map(done),
        "sync" => vfs.sync().map(done),
        "stat" => vfs.stat(&path(0)).map(stat),
        "lstat" => vfs.lstat(&path(0)).map(stat),
        "fstat" => vfs.fstat(fd(0)).map(stat),
        "fstatat" => vfs.fstatat(fd(0), &path(1), line.flag(2)).map(stat),
        "times" => vfs.stat(&path(0)).map(|stat| times(&stat)),
        "ltimes" => vfs.lstat(&path(0)).map(|stat| times(&stat)),
        "mkdir" => vfs.mkdir(&path(0), line.octal(1)).map(done),
        "mkdirp" => vfs.mkdir_all(&path(0), line.octal(1)).map(done),
        "rmdir" => vfs.rmdir(&path(0)).map(done),
        "readdir" => vfs.readdir(&path(0)).map(entries),
        "getdents" => vfs.getdents(fd(0), 1000).map(entries),
        "unlink" => vfs.unlink(&path(0)).map(done),
        "rename" => vfs.rename(&path(0), &path(1)).map(done),
        "symlink" => vfs.symlink(&path(0), &path(1)).map(done),
        "readlink" => vfs.readlink(&path(0)),
        "chmod" => vfs.chmod(&path(0), line.octal(1)).map(done),
        "fchmod" => vfs.fchmod(fd(0), line.octal(1)).map(done),
        "lchmod" => vfs.lchmod(&path(0), line.octal(1)).map(done),
        "chown" => vfs.chown(&path(0), line.owner(1), line.owner(2)).map(done),
        "lchown" => vfs.lchown(&path(0), line.owner(1), line.owner(2)).map(done),
        "fchown" => vfs.fchown(fd(0), line.owner(1), line.owner(2)).map(done),
        "utimens" => vfs.utimensat(AT_FDCWD, &path(0), time(line, 1), time(line, 2), 0).map(done),
        "lutimens" => vfs.utimensat(AT_FDCWD, &path(0), time(line, 1), time(line, 2), AT_SYMLINK_NOFOLLOW).map(done),
        "futimens" => vfs.futimens(fd(0), time(line, 1), time(line, 2)).map(done),
        "mknod" => {
            let (mode, number) = line.device();
            vfs.mknod(&path(0), mode, number).map(done)
        }
        "ioctl" => ioctl(vfs, line).map(|number| told(number.into())),
        "chdir" => vfs.chdir(&path(0)).map(done),
        "fchdir" => vfs.fchdir(fd(0)).map(done),
        "getcwd" => vfs.getcwd(),
        _ => panic!("{line}"),
    }
}
