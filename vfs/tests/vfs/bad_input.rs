//! What nobody should ask for. Most of it is in the table; here is what a host cannot be asked.

use std::sync::Arc;

use anystorage_api::{Blocking, ErrorKind, StorageBackend, StoragePath, Timestamp};
use anystorage_memory::MemoryBackend;
use anystorage_vfs::{Errno, MountOptions, OpenFlags, Raw, Time, Vfs};

use crate::engines::{self, NATIVE};
use crate::plain::Plain;

#[test]
fn the_faces_own_file_cannot_be_seen_or_touched() {
    for engine in NATIVE {
        let directory = engines::directory();
        let vfs = engines::face(engine, directory.path());
        vfs.chown("/", Some(5), None).unwrap();
        vfs.sync().unwrap();
        let own = "/.anystorage-vfs";
        assert_eq!(vfs.readdir("/").unwrap(), [], "{engine}");
        assert_eq!(vfs.stat(own), Err(Errno::ENOENT));
        assert_eq!(vfs.open(own, OpenFlags::O_RDONLY, 0), Err(Errno::ENOENT));
        assert_eq!(vfs.open(own, OpenFlags::O_CREAT | OpenFlags::O_RDWR, 0o644), Err(Errno::EPERM));
        assert_eq!(vfs.mkdir(own, 0o755), Err(Errno::EPERM));
        assert_eq!(vfs.symlink("x", own), Err(Errno::EPERM));
        assert_eq!(vfs.unlink(own), Err(Errno::ENOENT));
        vfs.mkdir("/d", 0o755).unwrap();
        assert_eq!(vfs.rename("/d", own), Err(Errno::EPERM));
        assert_eq!(vfs.rename(own, "/x"), Err(Errno::ENOENT));
        // Elsewhere the name is like any other.
        vfs.mkdir("/d/.anystorage-vfs", 0o755).unwrap();
        assert_eq!(vfs.stat("/").unwrap().uid, 5);
    }
}

#[test]
fn a_table_of_attributes_that_is_damaged_is_refused_and_left_alone() {
    let storage = Arc::new(MemoryBackend::new());
    let table = StoragePath::parse(".anystorage-vfs").unwrap();
    let engine = Blocking::new(Arc::clone(&storage) as Arc<dyn StorageBackend>).unwrap();
    engine.write(&table, b"anystorage-vfs attributes, version 1\ngarbage").unwrap();
    let vfs = Vfs::new();
    assert_eq!(vfs.mount("/", engine.clone(), MountOptions::new()), Err(Errno::EUCLEAN));
    assert_eq!(vfs.last_error().unwrap().kind(), ErrorKind::Corrupt);
    assert_eq!(vfs.mounts(), []);
    assert!(engine.read(&table).unwrap().ends_with(b"garbage"));
}

#[test]
fn an_engine_that_is_closed_below_is_an_error_of_input_and_output() {
    let storage = Arc::new(MemoryBackend::new());
    let engine = Blocking::new(Arc::clone(&storage) as Arc<dyn StorageBackend>).unwrap();
    let vfs = Vfs::new();
    vfs.mount("/", engine.clone(), MountOptions::new()).unwrap();
    let file = vfs.open("/f", OpenFlags::O_CREAT | OpenFlags::O_RDWR, 0o644).unwrap();
    engine.close().unwrap();
    assert_eq!(vfs.write(file, b"x").raw(), -5);
    assert_eq!(vfs.read(file, &mut [0; 1]), Err(Errno::EIO));
    assert_eq!(vfs.stat("/f"), Err(Errno::EIO));
    assert_eq!(vfs.mkdir("/d", 0o755), Err(Errno::EIO));
    assert_eq!(vfs.last_error().unwrap().kind(), ErrorKind::Closed);
}

#[test]
fn nothing_mounted_is_nothing_found() {
    let vfs = Vfs::new();
    assert_eq!(vfs.stat("/"), Err(Errno::ENOENT));
    assert_eq!(vfs.open("a", OpenFlags::O_CREAT, 0o644), Err(Errno::ENOENT));
    assert_eq!(vfs.unmount("/"), Err(Errno::ENOENT));
    assert_eq!(vfs.getcwd().as_deref(), Ok("/"));
    assert!(vfs.descriptors_open().is_empty());
}

/// The number of a call that is under way belongs to it, and every number is given once.
#[test]
fn threads_do_not_get_the_same_descriptor() {
    let vfs = Vfs::new();
    vfs.mount("/", Blocking::new(MemoryBackend::new()).unwrap(), MountOptions::new()).unwrap();
    let numbers: Vec<i32> = std::thread::scope(|scope| {
        let open = |thread: u32| {
            let vfs = &vfs;
            move || {
                let path = format!("/{thread}");
                (0..50).map(|_| vfs.open(&path, OpenFlags::O_CREAT | OpenFlags::O_RDWR, 0o644).unwrap()).collect::<Vec<_>>()
            }
        };
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(open(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut sorted = numbers;
    sorted.sort_unstable();
    assert_eq!(sorted, (0..200).collect::<Vec<i32>>());
    // Appends from several descriptors do not overwrite each other.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let file = vfs.open("/log", OpenFlags::O_CREAT | OpenFlags::O_WRONLY | OpenFlags::O_APPEND, 0o644).unwrap();
                for _ in 0..100 {
                    vfs.write(file, b"0123456789").unwrap();
                }
            });
        }
    });
    assert_eq!(vfs.stat("/log").unwrap().size, 4_000);
}

/// The end was asked for before the cut and written to after it: zeros in between.
#[test]
fn what_is_appended_beside_a_cut_leaves_no_hole() {
    let vfs = Vfs::new();
    vfs.mount("/", Blocking::new(MemoryBackend::new()).unwrap(), MountOptions::new()).unwrap();
    let flags = OpenFlags::O_CREAT | OpenFlags::O_RDWR | OpenFlags::O_APPEND;
    let file = vfs.open("/log", flags, 0o644).unwrap();
    let left = std::sync::atomic::AtomicU32::new(3);
    let mut buf = [0; 64 << 10];
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    vfs.write(file, b"0123456789").unwrap();
                }
                left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            });
        }
        for by_path in [true, false].into_iter().cycle() {
            if by_path {
                vfs.truncate("/log", 0).unwrap();
            } else {
                let cut = vfs.open("/log", OpenFlags::O_WRONLY | OpenFlags::O_TRUNC, 0).unwrap();
                vfs.close(cut).unwrap();
            }
            let count = vfs.pread(file, &mut buf, 0).unwrap();
            assert!(!buf[..count].contains(&0), "cut by its path: {by_path}");
            if left.load(std::sync::atomic::Ordering::Relaxed) == 0 {
                break;
            }
        }
    });
}

/// The call had the last hold of the file, and what it knew of the write went with it: the file kept the time that was set by hand before.
#[test]
fn a_write_counts_that_ends_after_its_descriptor_was_closed() {
    let vfs = Vfs::new();
    vfs.mount("/", Blocking::new(Plain(MemoryBackend::new())).unwrap(), MountOptions::new()).unwrap();
    let by_hand = Timestamp::new(2, 0);
    for round in 0..5_000 {
        let file = vfs.open("/f", OpenFlags::O_CREAT | OpenFlags::O_RDWR, 0o644).unwrap();
        vfs.futimens(file, Time::At(by_hand), Time::At(by_hand)).unwrap();
        assert_eq!(vfs.stat("/f").unwrap().mtime, by_hand);
        let written = std::thread::scope(|scope| {
            let writer = scope.spawn(|| vfs.write(file, &[7; 4096]));
            vfs.close(file).unwrap();
            writer.join().unwrap()
        });
        match written {
            Ok(_) => assert_ne!(vfs.stat("/f").unwrap().mtime, by_hand, "round {round}"),
            Err(errno) => assert_eq!(errno, Errno::EBADF),
        }
    }
}
