//! The calls, made to the host by libc, in a process of its own whose root is a new directory.
#![allow(unsafe_code, reason = "it is libc")]

use std::ffi::CString;
use std::os::unix::fs::FileTypeExt;
use std::process::Command;

use libc::{c_int, c_long, c_uint, c_ulong};

use super::line::{Fields, Line, bytes, listed, written};
use super::{DESCRIPTORS, HOST_ROOT};
use crate::engines;

const MARK: &str = "the host says ";

/// What the host says to each line.
pub(super) fn answers(lines: &[Line<'_>]) -> Vec<String> {
    let directory = engines::directory();
    let this = std::env::current_exe().unwrap();
    // SAFETY: it only asks.
    let mut command = if unsafe { libc::geteuid() } == 0 {
        Command::new(this)
    } else {
        // Root of its own, and without a right to devices: then the lines about these fail, and say so.
        let mut command = Command::new("unshare");
        command.arg("--map-root-user").arg(this);
        command
    };
    command.args(["--exact", "table::every_engine_answers_as_the_host", "--nocapture", "--test-threads", "1"]);
    let output = command.env(HOST_ROOT, directory.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<String> = text.lines().filter_map(|line| Some(line.split_once(MARK)?.1.to_owned())).collect();
    assert!(output.status.success() && answers.len() == lines.len(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    answers
}

/// Makes the calls, in this process.
pub(super) fn answer(root: &str, lines: &[Line<'_>]) {
    let root = c_path(root);
    // SAFETY: the strings live as long as the calls. This process is here for this alone.
    let first = unsafe {
        assert_eq!(libc::chroot(root.as_ptr()), 0, "{}", std::io::Error::last_os_error());
        assert_eq!(libc::chdir(c"/".as_ptr()), 0);
        let first = libc::dup(0);
        // What the process was started with is nothing of the table's.
        for descriptor in first..first + 256 {
            libc::close(descriptor);
        }
        let limit = libc::rlim_t::from(DESCRIPTORS) + libc::rlim_t::try_from(first).unwrap();
        let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
        libc::umask(0o022);
        first
    };
    for line in lines {
        println!("{MARK}{}", written(make(line, first)));
    }
}

fn c_path(path: &str) -> CString {
    CString::new(path).unwrap()
}

/// What a call returned, or its errno.
fn told(returned: c_long) -> Result<c_long, i32> {
    if returned < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap()) } else { Ok(returned) }
}

fn done(returned: c_int) -> Result<String, i32> {
    told(returned.into()).map(|_| String::new())
}

fn number(returned: c_long) -> Result<String, i32> {
    told(returned).map(|number| number.to_string())
}

fn flags(text: &str) -> c_int {
    let flag = |name| match name {
        "O_RDONLY" => libc::O_RDONLY,
        "O_WRONLY" => libc::O_WRONLY,
        "O_RDWR" => libc::O_RDWR,
        "O_CREAT" => libc::O_CREAT,
        "O_EXCL" => libc::O_EXCL,
        "O_TRUNC" => libc::O_TRUNC,
        "O_APPEND" => libc::O_APPEND,
        "O_DSYNC" => libc::O_DSYNC,
        "O_SYNC" => libc::O_SYNC,
        "O_DIRECTORY" => libc::O_DIRECTORY,
        "O_NOFOLLOW" => libc::O_NOFOLLOW,
        "O_PATH" => libc::O_PATH,
        _ => panic!("{name}"),
    };
    text.split('|').map(flag).fold(0, |all, flag| all | flag)
}

fn stat_with(call: impl FnOnce(*mut libc::stat) -> c_int) -> Result<libc::stat, i32> {
    // SAFETY: zeros are a valid `stat`.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    told(call(&raw mut stat).into())?;
    Ok(stat)
}

fn fields(stat: libc::stat) -> String {
    let size = u64::try_from(stat.st_size).unwrap();
    #[allow(clippy::useless_conversion, reason = "on some machines the types differ")]
    Fields { mode: stat.st_mode, nlink: stat.st_nlink.into(), size, uid: stat.st_uid, gid: stat.st_gid, rdev: stat.st_rdev }.to_string()
}

fn times(stat: libc::stat) -> String {
    format!("{}.{:09} {}.{:09}", stat.st_atime, stat.st_atime_nsec, stat.st_mtime, stat.st_mtime_nsec)
}

fn time(line: &Line<'_>, index: usize) -> libc::timespec {
    match line.time(index) {
        Some((seconds, nanoseconds)) => libc::timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() },
        None => libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_OMIT },
    }
}

fn owner(line: &Line<'_>, index: usize) -> u32 {
    line.owner(index).unwrap_or(u32::MAX)
}

fn readdir(path: &str) -> Result<String, i32> {
    let failed = |error: std::io::Error| error.raw_os_error().unwrap();
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let bits = match kind {
            kind if kind.is_dir() => libc::S_IFDIR,
            kind if kind.is_symlink() => libc::S_IFLNK,
            kind if kind.is_char_device() => libc::S_IFCHR,
            _ => libc::S_IFREG,
        };
        entries.push((entry.file_name().into_string().unwrap(), bits));
    }
    Ok(listed(entries))
}

fn getdents(descriptor: c_int) -> Result<String, i32> {
    let mut buf = [0_u8; 32_768];
    // SAFETY: the buffer is as long as it says.
    let count = told(unsafe { libc::syscall(libc::SYS_getdents64, descriptor, buf.as_mut_ptr(), buf.len()) })?;
    let mut rest = &buf[..usize::try_from(count).unwrap()];
    let mut entries = Vec::new();
    while !rest.is_empty() {
        // ino: 8 bytes, offset: 8, length: 2, kind: 1, then the name, which ends with a NUL.
        let len = usize::from(u16::from_ne_bytes([rest[16], rest[17]]));
        let name = rest[19..len].split(|byte| *byte == 0).next().unwrap();
        entries.push((String::from_utf8(name.to_vec()).unwrap(), u32::from(rest[18]) << 12));
        rest = &rest[len..];
    }
    Ok(listed(entries))
}

fn ioctl(line: &Line<'_>, descriptor: c_int) -> Result<String, i32> {
    let mut memory = [0_u64; 64];
    let request = match line.text(1) {
        "TCGETS" => libc::TCGETS,
        "TCSETS" => libc::TCSETS,
        "TCSETSW" => libc::TCSETSW,
        "TCSETSF" => libc::TCSETSF,
        "TIOCGWINSZ" => libc::TIOCGWINSZ,
        "TIOCSWINSZ" => libc::TIOCSWINSZ,
        "TCSBRK" => libc::TCSBRK,
        "TCXONC" => libc::TCXONC,
        "TCFLSH" => libc::TCFLSH,
        "FIONBIO" => {
            memory[0] = u64::try_from(line.number(2)).unwrap();
            libc::FIONBIO
        }
        name => panic!("{name}"),
    };
    let by_value = ["TCSBRK", "TCXONC", "TCFLSH"].contains(&line.text(1));
    let argument = if by_value { line.number(2) as c_ulong } else { memory.as_mut_ptr() as c_ulong };
    // SAFETY: the memory is larger than what any of these requests reads or fills in.
    number(unsafe { libc::ioctl(descriptor, request, argument) }.into())
}

fn make(line: &Line<'_>, first: c_int) -> Result<String, i32> {
    let path = |index| c_path(&line.path(index));
    let fd = |index| line.descriptor(index, first);
    let opened = |returned: c_int| told(returned.into()).map(|fd| (fd - c_long::from(first)).to_string());
    // SAFETY: all strings and buffers outlive the calls that they are handed to, and are as long as these are told.
    unsafe {
        match line.name {
            "umask" => Ok(format!("{:o}", libc::umask(line.octal(0)))),
            "open" => opened(libc::open(path(0).as_ptr(), flags(line.text(1)), line.octal(2) as c_uint)),
            "openat" => opened(libc::openat(fd(0), path(1).as_ptr(), flags(line.text(2)), line.octal(3) as c_uint)),
            "close" => done(libc::close(fd(0))),
            "closeall" => {
                for descriptor in first..first + DESCRIPTORS as c_int {
                    libc::close(descriptor);
                }
                Ok(String::new())
            }
            "dup" => opened(libc::dup(fd(0))),
            "dup2" => opened(libc::dup2(fd(0), fd(1))),
            "flags" => told(libc::fcntl(fd(0), libc::F_GETFL).into()).map(|flags| format!("{:o}", flags & 0o6003)),
            "read" | "readcount" | "pread" => {
                let mut buf = vec![0_u8; usize::try_from(line.number(1)).unwrap()];
                let count = match line.name {
                    "pread" => libc::pread(fd(0), buf.as_mut_ptr().cast(), buf.len(), line.number(2)),
                    _ => libc::read(fd(0), buf.as_mut_ptr().cast(), buf.len()),
                };
                let count = usize::try_from(told(count as c_long)?).unwrap();
                Ok(if line.name == "readcount" { count.to_string() } else { bytes(&buf[..count]) })
            }
            "write" => {
                let data = line.data(1);
                number(libc::write(fd(0), data.as_ptr().cast(), data.len()) as c_long)
            }
            "pwrite" => {
                let data = line.data(1);
                number(libc::pwrite(fd(0), data.as_ptr().cast(), data.len(), line.number(2)) as c_long)
            }
            "lseek" => number(libc::lseek(fd(0), line.number(1), line.whence(2))),
            "truncate" => done(libc::truncate(path(0).as_ptr(), line.number(1))),
            "ftruncate" => done(libc::ftruncate(fd(0), line.number(1))),
            "fsync" => done(libc::fsync(fd(0))),
            "fdatasync" => done(libc::fdatasync(fd(0))),
            // That of everything on the machine is nobody's to ask for here.
            "sync" => Ok(String::new()),
            "stat" => stat_with(|stat| libc::stat(path(0).as_ptr(), stat)).map(fields),
            "lstat" => stat_with(|stat| libc::lstat(path(0).as_ptr(), stat)).map(fields),
            "fstat" => stat_with(|stat| libc::fstat(fd(0), stat)).map(fields),
            "fstatat" => stat_with(|stat| libc::fstatat(fd(0), path(1).as_ptr(), stat, line.flag(2))).map(fields),
            "times" => stat_with(|stat| libc::stat(path(0).as_ptr(), stat)).map(times),
            "ltimes" => stat_with(|stat| libc::lstat(path(0).as_ptr(), stat)).map(times),
            "mkdir" => done(libc::mkdir(path(0).as_ptr(), line.octal(1))),
            "mkdirp" => std::fs::create_dir_all(line.path(0)).map(|()| String::new()).map_err(|error| error.raw_os_error().unwrap()),
            "rmdir" => done(libc::rmdir(path(0).as_ptr())),
            "readdir" => readdir(&line.path(0)),
            "getdents" => getdents(fd(0)),
            "unlink" => done(libc::unlink(path(0).as_ptr())),
            "rename" => done(libc::rename(path(0).as_ptr(), path(1).as_ptr())),
            "symlink" => done(libc::symlink(path(0).as_ptr(), path(1).as_ptr())),
            "readlink" => {
                let mut buf = vec![0_u8; 5000];
                let count = told(libc::readlink(path(0).as_ptr(), buf.as_mut_ptr().cast(), buf.len()) as c_long)?;
                Ok(String::from_utf8(buf[..usize::try_from(count).unwrap()].to_vec()).unwrap())
            }
            "chmod" => done(libc::chmod(path(0).as_ptr(), line.octal(1))),
            "fchmod" => done(libc::fchmod(fd(0), line.octal(1))),
            // By the kernel's own call: that of older C libraries needs /proc.
            "lchmod" => {
                let returned = libc::syscall(
                    libc::SYS_fchmodat2,
                    libc::AT_FDCWD,
                    path(0).as_ptr(),
                    line.octal(1) as c_uint,
                    libc::AT_SYMLINK_NOFOLLOW as c_uint,
                );
                told(returned).map(|_| String::new())
            }
            "chown" => done(libc::chown(path(0).as_ptr(), owner(line, 1), owner(line, 2))),
            "lchown" => done(libc::lchown(path(0).as_ptr(), owner(line, 1), owner(line, 2))),
            "fchown" => done(libc::fchown(fd(0), owner(line, 1), owner(line, 2))),
            "utimens" | "lutimens" => {
                let times = [time(line, 1), time(line, 2)];
                let flags = if line.name == "utimens" { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
                done(libc::utimensat(libc::AT_FDCWD, path(0).as_ptr(), times.as_ptr(), flags))
            }
            "futimens" => {
                let times = [time(line, 1), time(line, 2)];
                done(libc::futimens(fd(0), times.as_ptr()))
            }
            "mknod" => {
                let (mode, number) = line.device();
                done(libc::mknod(path(0).as_ptr(), mode, libc::makedev(number.major, number.minor)))
            }
            "ioctl" => ioctl(line, fd(0)),
            "chdir" => done(libc::chdir(path(0).as_ptr())),
            "fchdir" => done(libc::fchdir(fd(0))),
            "getcwd" => {
                let mut buf = vec![0_u8; 5000];
                let count = told(libc::syscall(libc::SYS_getcwd, buf.as_mut_ptr(), buf.len()))?;
                let text = String::from_utf8(buf[..usize::try_from(count).unwrap() - 1].to_vec()).unwrap();
                Ok(text)
            }
            _ => panic!("{line}"),
        }
    }
}
