//! What the face keeps of files outlives the instance, synced or killed.

use std::path::Path;
use std::process::Command;

use anystorage_api::Timestamp;
use anystorage_vfs::{AT_FDCWD, DeviceNumber, Errno, OpenFlags, S_IFCHR, Stat, Time, Vfs};

use crate::engines::{self, DURABLE};
use crate::plain::REFUSED;

fn file(vfs: &Vfs, path: &str, mode: u32) {
    let file = vfs.open(path, OpenFlags::O_CREAT | OpenFlags::O_RDWR, mode).unwrap();
    vfs.write(file, path.as_bytes()).unwrap();
    vfs.close(file).unwrap();
}

fn fill(vfs: &Vfs) {
    vfs.umask(0);
    vfs.mkdir_all("/d/e", 0o750).unwrap();
    file(vfs, "/d/e/f", 0o604);
    file(vfs, "/plain", 0o644);
    vfs.chown("/d/e/f", Some(7), Some(8)).unwrap();
    vfs.chown("/d/e", Some(1), None).unwrap();
    let (accessed, modified) = (Time::At(Timestamp::new(-1, 500)), Time::At(Timestamp::new(2, 0)));
    vfs.utimensat(AT_FDCWD, "/d/e/f", accessed, modified, 0).unwrap();
    vfs.symlink("e/f", "/d/link").unwrap();
    vfs.lchown("/d/link", Some(9), Some(9)).unwrap();
    vfs.mknod("/null", S_IFCHR | 0o622, DeviceNumber::new(1, 3)).unwrap();
    vfs.rename("/d", "/moved").unwrap();
}

fn told(stat: &Stat) -> (u32, u32, u32, u64) {
    (stat.mode, stat.uid, stat.gid, stat.size)
}

fn check(vfs: &Vfs, engine: &str) {
    let stat = vfs.stat("/moved/link").unwrap();
    assert_eq!(told(&stat), (0o100_604, 7, 8, 6), "{engine}");
    assert_eq!((stat.atime, stat.mtime), (Timestamp::new(-1, 500), Timestamp::new(2, 0)), "{engine}");
    assert_eq!(told(&vfs.lstat("/moved/link").unwrap()), (0o120_777, 9, 9, 3), "{engine}");
    assert_eq!(told(&vfs.stat("/moved/e").unwrap()), (0o040_750, 1, 0, 0), "{engine}");
    assert_eq!(told(&vfs.stat("/plain").unwrap()), (0o100_644, 0, 0, 6), "{engine}");
    let null = vfs.stat("/null").unwrap();
    assert_eq!((null.mode, null.rdev), (0o020_622, DeviceNumber::new(1, 3)), "{engine}");
}

#[test]
fn attributes_links_and_devices_are_there_after_a_sync() {
    for engine in DURABLE {
        let directory = engines::directory();
        let vfs = engines::face(engine, directory.path());
        fill(&vfs);
        let open = vfs.open("/plain", OpenFlags::O_RDONLY, 0).unwrap();
        vfs.fsync(open).unwrap();
        // The face goes without unmounting anything.
        drop(vfs);
        check(&engines::face(engine, directory.path()), engine);
    }
}

/// `O_SYNC` is an `fsync` behind each write, and so stores what the face keeps of the file.
#[test]
fn a_write_with_o_sync_takes_attributes_along() {
    for engine in DURABLE {
        let directory = engines::directory();
        let vfs = engines::face(engine, directory.path());
        let open = vfs.open("/plain", OpenFlags::O_CREAT | OpenFlags::O_RDWR | OpenFlags::O_SYNC, 0o644).unwrap();
        vfs.fchown(open, Some(7), Some(8)).unwrap();
        vfs.write(open, b"bytes").unwrap();
        drop(vfs);
        let vfs = engines::face(engine, directory.path());
        assert_eq!(told(&vfs.stat("/plain").unwrap()), (0o100_644, 7, 8, 5), "{engine}");
    }
}

/// A table that was stored knew a link that was removed and not synced. The next file of that name was taken for the link, with its owner.
#[test]
fn a_new_file_has_nothing_of_one_that_is_gone() {
    for engine in DURABLE {
        let directory = engines::directory();
        let vfs = engines::face(engine, directory.path());
        vfs.symlink("elsewhere", "/l").unwrap();
        vfs.lchown("/l", Some(7), Some(8)).unwrap();
        vfs.sync().unwrap();
        vfs.unlink("/l").unwrap();
        drop(vfs);
        let vfs = engines::face(engine, directory.path());
        if vfs.lstat("/l").is_ok() {
            // Its removal was not synced, and is lost.
            vfs.unlink("/l").unwrap();
        }
        let new = vfs.open("/l", OpenFlags::O_CREAT | OpenFlags::O_RDWR, 0o644).unwrap();
        assert_eq!(told(&vfs.lstat("/l").unwrap()), (0o100_644, 0, 0, 0), "{engine}");
        vfs.fsync(new).unwrap();
        drop(vfs);
        assert_eq!(told(&engines::face(engine, directory.path()).lstat("/l").unwrap()), (0o100_644, 0, 0, 0), "{engine}");
    }
}

/// The table that was stored before the rename said that the one may have become the other. The one was removed, and the other was then taken
/// for it, with its mode.
#[test]
fn a_refused_rename_gives_nothing_to_what_was_to_be_replaced() {
    let directory = engines::directory();
    let vfs = engines::face("plain-files", directory.path());
    file(&vfs, "/one", 0o600);
    file(&vfs, REFUSED, 0o644);
    vfs.sync().unwrap();
    assert_eq!(vfs.rename("/one", REFUSED), Err(Errno::EACCES));
    assert_eq!([vfs.stat("/one").unwrap().mode, vfs.stat(REFUSED).unwrap().mode], [0o100_600, 0o100_644]);
    vfs.unlink("/one").unwrap();
    drop(vfs);
    let vfs = engines::face("plain-files", directory.path());
    assert_eq!(vfs.stat(REFUSED).unwrap().mode, 0o100_644);
}

/// Set for the process that is killed: which engine, and where.
const VICTIM: &str = "ANYSTORAGE_VFS_VICTIM";

/// How far the process gets before it is killed, counted in steps behind its last sync.
const STEPS: usize = 8;

fn step(vfs: &Vfs, number: usize) {
    match number {
        0 => vfs.rename("/moved/link", "/moved/renamed").unwrap(),
        1 => vfs.unlink("/null").unwrap(),
        2 => file(vfs, "/null", 0o644),
        3 => vfs.rename("/moved/e/f", "/plain").unwrap(),
        4 => file(vfs, "/moved/e/f", 0o644),
        5 => vfs.rename("/moved", "/again").unwrap(),
        6 => vfs.mkdir("/moved", 0o755).unwrap(),
        _ => vfs.symlink("nowhere", "/moved/link").unwrap(),
    }
}

/// What a kill leaves is how it was at the last sync or as it became since, name by name: a file with the attributes that are its own, a link or
/// a device that is one, and never an empty file in its place, nor a new file with what was known of an older one.
#[test]
fn a_kill_leaves_no_file_with_what_was_known_of_another() {
    if let Ok(victim) = std::env::var(VICTIM) {
        let (engine, rest) = victim.split_once(' ').unwrap();
        let (steps, directory) = rest.split_once(' ').unwrap();
        let vfs = engines::face(engine, Path::new(directory));
        fill(&vfs);
        vfs.sync().unwrap();
        for number in 0..steps.parse().unwrap() {
            step(&vfs, number);
        }
        std::process::abort();
    }
    for engine in DURABLE {
        for steps in 0..=STEPS {
            let directory = engines::directory();
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "persistence::a_kill_leaves_no_file_with_what_was_known_of_another"]);
            command.env(VICTIM, format!("{engine} {steps} {}", directory.path().display()));
            let ended = command.output().unwrap();
            assert!(!ended.status.success());
            let vfs = engines::face(engine, directory.path());
            let mut seen = 0;
            for root in ["/moved", "/again"] {
                for (name, expected) in [
                    ("link", (0o120_777, 9, 9, 3)),
                    ("renamed", (0o120_777, 9, 9, 3)),
                    ("e", (0o040_750, 1, 0, 0)),
                    ("e/f", (0o100_604, 7, 8, 6)),
                ] {
                    let Ok(stat) = vfs.lstat(&format!("{root}/{name}")) else { continue };
                    // What the later steps put there: a link without an owner, and a file of its own.
                    let new = match name {
                        "link" => (0o120_777, 0, 0, 7),
                        _ => (0o100_644, 0, 0, if stat.size == 0 { 0 } else { 10 }),
                    };
                    seen += 1;
                    assert!([expected, new].contains(&told(&stat)), "{engine}, {steps} steps: {root}/{name} is {stat:?}");
                }
            }
            assert!(seen >= 2, "{engine}, {steps} steps: only {seen} names are left");
            if let Ok(stat) = vfs.lstat("/null") {
                let device = (stat.mode, stat.rdev) == (0o020_622, DeviceNumber::new(1, 3));
                assert!(device || (stat.mode, stat.uid) == (0o100_644, 0), "{engine}, {steps} steps: {stat:?}");
            }
            let plain = told(&vfs.stat("/plain").unwrap());
            assert!([(0o100_644, 0, 0, 6), (0o100_604, 7, 8, 6)].contains(&plain), "{engine}, {steps} steps: {plain:?}");
        }
    }
}
