//! The mount table.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anystorage_api::{Blocking, Error, ErrorKind, Operation, StorageBackend, StoragePath, engine};
use anystorage_layers::{Mirror, MirrorOptions, Offload};
use anystorage_memory::MemoryBackend;
use anystorage_native::files::FilesBackend;
use anystorage_vfs::{Config, Errno, MountOptions, OpenFlags, Populate, Vfs};

use crate::engines::{self, NATIVE};

fn memory() -> Blocking<MemoryBackend> {
    Blocking::new(MemoryBackend::new()).unwrap()
}

#[test]
fn engines_are_nested_and_each_has_its_own_files() {
    let directories: Vec<_> = NATIVE[..4].iter().map(|_| engines::directory()).collect();
    let vfs = Vfs::new();
    let mut path = String::new();
    for (name, directory) in NATIVE[..4].iter().zip(&directories) {
        engines::mount(&vfs, if path.is_empty() { "/" } else { &path }, name, directory.path());
        path += "/in";
        vfs.mkdir(&path, 0o700).unwrap();
    }
    let mounts: Vec<(String, String)> = vfs.mounts().into_iter().map(|mount| (mount.path, mount.source)).collect();
    let expected = [("/", "memory"), ("/in", "files"), ("/in/in", "sled"), ("/in/in/in", "redb")];
    assert_eq!(mounts, expected.map(|(path, source)| (path.to_owned(), source.to_owned())));
    for (depth, path) in ["/one", "/in/one", "/in/in/one", "/in/in/in/one"].into_iter().enumerate() {
        let file = vfs.open(path, OpenFlags::O_CREAT | OpenFlags::O_WRONLY, 0o600).unwrap();
        vfs.write(file, path.as_bytes()).unwrap();
        assert_eq!(vfs.fstat(file).unwrap().dev, depth as u64 + 1);
        vfs.close(file).unwrap();
    }
    assert_eq!(vfs.stat("/in/in/in/../../../one").unwrap().size, 4);
    assert_eq!(vfs.rename("/one", "/in/two"), Err(Errno::EXDEV));
    assert_eq!(vfs.rmdir("/in"), Err(Errno::EBUSY));
    assert_eq!(vfs.rename("/in", "/out"), Err(Errno::EBUSY));
    // A mount goes along with the directory that has its point.
    vfs.mkdir("/dir", 0o755).unwrap();
    vfs.mkdir("/dir/point", 0o755).unwrap();
    vfs.mount("/dir/point", memory(), MountOptions::new()).unwrap();
    vfs.rename("/dir", "/moved").unwrap();
    assert_eq!(vfs.mounts().last().unwrap().path, "/moved/point");
    assert_eq!(vfs.rename("/moved/point", "/moved/other"), Err(Errno::EBUSY));
    vfs.unmount("/moved/point").unwrap();
    for path in ["/in/in/in", "/in/in", "/in"] {
        assert_eq!(vfs.unmount("/"), Err(Errno::EBUSY));
        vfs.unmount(path).unwrap();
        assert_eq!(vfs.readdir(path).unwrap(), [], "what was there before is seen again");
    }
    vfs.unmount("/").unwrap();
    assert_eq!(vfs.stat("/"), Err(Errno::ENOENT));
}

#[test]
fn a_mount_in_use_is_busy_and_a_mount_point_is_a_free_directory() {
    let vfs = Vfs::new();
    assert_eq!(vfs.mount("/x", memory(), MountOptions::new()), Err(Errno::ENOENT));
    vfs.mount("/", memory(), MountOptions::new()).unwrap();
    assert_eq!(vfs.mount("/", memory(), MountOptions::new()), Err(Errno::EBUSY));
    vfs.mkdir("/m", 0o755).unwrap();
    let file = vfs.open("/f", OpenFlags::O_CREAT, 0o644).unwrap();
    assert_eq!(vfs.mount("/f", memory(), MountOptions::new()), Err(Errno::ENOTDIR));
    assert_eq!(vfs.mount("/none", memory(), MountOptions::new()), Err(Errno::ENOENT));
    vfs.close(file).unwrap();
    vfs.mount("/m", memory(), MountOptions::new()).unwrap();
    assert_eq!(vfs.mount("/m", memory(), MountOptions::new()), Err(Errno::EBUSY));
    assert_eq!(vfs.unmount("/f"), Err(Errno::EINVAL));
    assert_eq!(vfs.unmount("/none"), Err(Errno::ENOENT));
    let file = vfs.open("/m/f", OpenFlags::O_CREAT | OpenFlags::O_RDWR, 0o644).unwrap();
    vfs.write(file, b"kept").unwrap();
    assert_eq!(vfs.unmount("/m"), Err(Errno::EBUSY));
    // A file without a name keeps its mount as well.
    vfs.unlink("/m/f").unwrap();
    assert_eq!(vfs.unmount("/m"), Err(Errno::EBUSY));
    let mut buf = [0; 4];
    assert_eq!(vfs.pread(file, &mut buf, 0), Ok(4));
    assert_eq!(&buf, b"kept");
    let copy = vfs.dup(file).unwrap();
    vfs.close(file).unwrap();
    assert_eq!(vfs.unmount("/m"), Err(Errno::EBUSY));
    vfs.close(copy).unwrap();
    vfs.chdir("/m").unwrap();
    assert_eq!(vfs.unmount("/m"), Err(Errno::EBUSY));
    vfs.chdir("/").unwrap();
    vfs.unmount("/m").unwrap();
}

/// A mirror, as far as a face sees one: what is behind it comes to be there when it is populated.
#[derive(Debug)]
struct Behind {
    engine: Arc<MemoryBackend>,
    times: AtomicU32,
    syncs: AtomicU32,
}

#[engine]
impl Populate for Behind {
    async fn populate(&self) -> anystorage_api::Result<()> {
        futures_lite::future::yield_now().await;
        self.times.fetch_add(1, Ordering::Relaxed);
        self.engine.write(&StoragePath::parse("from behind")?, b"new").await
    }

    /// As of something that has to be waited for.
    async fn sync(&self) -> anystorage_api::Result<()> {
        futures_lite::future::yield_now().await;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn syncfs_waits_for_what_is_behind_a_mount() {
    let engine = Arc::new(MemoryBackend::new());
    let behind = Arc::new(Behind { engine: Arc::clone(&engine), times: AtomicU32::new(0), syncs: AtomicU32::new(0) });
    let vfs = Vfs::new();
    let populate = Arc::clone(&behind) as Arc<dyn Populate>;
    vfs.mount("/", Blocking::new(engine).unwrap(), MountOptions::new().populate(populate)).unwrap();
    futures_lite::future::block_on(async {
        vfs.syncfs("/", false).await.unwrap();
        assert_eq!(behind.syncs.load(Ordering::Relaxed), 1);
        assert_eq!(vfs.stat("/from behind"), Err(Errno::ENOENT));
        vfs.syncfs("/", true).await.unwrap();
        assert_eq!(vfs.stat("/from behind").unwrap().size, 3);
        assert_eq!(vfs.syncfs("/none", true).await, Err(Errno::ENOENT));
    });
    assert_eq!((behind.times.load(Ordering::Relaxed), behind.syncs.load(Ordering::Relaxed)), (1, 1));
}

#[test]
fn a_mirror_of_an_engine_that_waits_is_let_go_by_waiting() {
    let directory = tempfile::tempdir().unwrap();
    futures_lite::future::block_on(async {
        let mirror = Mirror::open(Offload::new(FilesBackend::open(directory.path()).unwrap()), MirrorOptions::new()).await.unwrap();
        let files = mirror.blocking().unwrap();
        // That it is sane is found out although it cannot be synced at once.
        let mut config = Config::new();
        config.sanity_checks = true;
        let vfs = Vfs::with_config(&config);
        vfs.mount("/", memory(), MountOptions::new()).unwrap();
        vfs.mkdir("/m", 0o755).unwrap();
        vfs.mount("/m", files, MountOptions::new().populate(Arc::new(mirror))).unwrap();
        let file = vfs.open("/m/f", OpenFlags::O_CREAT | OpenFlags::O_RDWR, 0o640).unwrap();
        vfs.write(file, b"kept").unwrap();
        assert_eq!(vfs.unmount_waiting("/m").await, Err(Errno::EBUSY));
        vfs.close(file).unwrap();
        vfs.chmod("/m/f", 0o600).unwrap();
        assert_eq!(vfs.unmount_waiting("/m/f").await, Err(Errno::EINVAL));
        assert_eq!(vfs.unmount("/m"), Err(Errno::EAGAIN));

        // Begun and given up: it stays, and works.
        let mut leaving = Box::pin(vfs.unmount_waiting("/m"));
        assert!(futures_lite::future::poll_once(&mut leaving).await.is_none());
        assert_eq!(vfs.stat("/m/f"), Err(Errno::EBUSY));
        assert_eq!(vfs.unmount("/m"), Err(Errno::EBUSY));
        assert_eq!(vfs.sync(), Err(Errno::EAGAIN));
        drop(leaving);
        assert_eq!(vfs.stat("/m/f").unwrap().mode & 0o777, 0o600);

        vfs.unmount_waiting("/m").await.unwrap();
        assert_eq!(vfs.readdir("/m").unwrap(), []);
        assert_eq!(vfs.mounts().len(), 1);
        let counted = |name| vfs.counters().into_iter().find(|(call, _)| call.as_str() == name).unwrap().1;
        assert_eq!((counted("unmount").count, counted("unmount").failed), (5, 4));
    });
    // Its mirror is gone as well, and with it the location's lock, as soon as the thread has ended the sync that was given up.
    let patience = Instant::now() + Duration::from_secs(10);
    let files = loop {
        match FilesBackend::open(directory.path()) {
            Err(error) if error.kind() == ErrorKind::Locked && Instant::now() < patience => thread::sleep(Duration::from_millis(1)),
            opened => break opened.unwrap(),
        }
    };
    let vfs = Vfs::new();
    vfs.mount("/", Blocking::new(files).unwrap(), MountOptions::new()).unwrap();
    let stat = vfs.stat("/f").unwrap();
    assert_eq!((stat.size, stat.mode & 0o777), (4, 0o600));
}

/// What is behind it cannot be reached any more.
#[derive(Debug)]
struct Gone;

#[engine]
impl Populate for Gone {
    async fn populate(&self) -> anystorage_api::Result<()> {
        Err(Error::new(ErrorKind::Disconnected, Operation::Sync))
    }

    async fn sync(&self) -> anystorage_api::Result<()> {
        self.populate().await
    }
}

#[test]
fn what_cannot_be_synced_any_more_is_let_go_as_it_is() {
    let vfs = Vfs::new();
    vfs.mount("/", memory(), MountOptions::new().populate(Arc::new(Gone))).unwrap();
    let file = vfs.open("/f", OpenFlags::O_CREAT, 0o644).unwrap();
    assert_eq!(vfs.unmount_unsynced("/"), Err(Errno::EBUSY));
    vfs.close(file).unwrap();
    for _ in 0..2 {
        let error = futures_lite::future::block_on(vfs.unmount_waiting("/")).unwrap_err();
        assert_eq!(vfs.last_error().unwrap().kind(), ErrorKind::Disconnected, "{error}");
        assert!(vfs.stat("/f").is_ok());
    }
    vfs.unmount_unsynced("/").unwrap();
    assert!(vfs.mounts().is_empty());
}

/// Being populated is a use.
#[test]
fn nobody_unmounts_what_is_being_populated() {
    let vfs = Vfs::new();
    let engine = Arc::new(MemoryBackend::new());
    let behind = Arc::new(Behind { engine: Arc::clone(&engine), times: AtomicU32::new(0), syncs: AtomicU32::new(0) });
    vfs.mount("/", Blocking::new(engine).unwrap(), MountOptions::new().populate(behind)).unwrap();
    futures_lite::future::block_on(async {
        let mut populating = Box::pin(vfs.syncfs("/", true));
        assert!(futures_lite::future::poll_once(&mut populating).await.is_none());
        assert_eq!(vfs.unmount_waiting("/").await, Err(Errno::EBUSY));
        populating.await.unwrap();
        vfs.unmount_waiting("/").await.unwrap();
    });
}

#[test]
fn every_engine_is_sane_and_leaves_nothing_behind() {
    for engine in NATIVE {
        let directory = engines::directory();
        let mut config = Config::new();
        config.sanity_checks = true;
        let vfs = Vfs::with_config(&config);
        engines::mount(&vfs, "/", engine, directory.path());
        vfs.mkdir("/sub", 0o755).unwrap();
        vfs.sanity_check("/sub").unwrap_or_else(|misbehaviour| panic!("{engine}: {misbehaviour}"));
        assert_eq!(vfs.readdir("/sub").unwrap(), [], "{engine}");
        assert_eq!(vfs.readdir("/").unwrap().len(), 1, "{engine}");
        assert!(vfs.descriptors_open().is_empty());
        assert_eq!(vfs.sanity_check("/none").unwrap_err().call.as_str(), "mkdir");
    }
}

#[test]
fn calls_are_counted_with_their_bytes_and_their_time() {
    let directory = engines::directory();
    let vfs = engines::face("redb", directory.path());
    let file = vfs.open("/f", OpenFlags::O_CREAT | OpenFlags::O_RDWR, 0o644).unwrap();
    for _ in 0..10 {
        vfs.write(file, &[1; 1000]).unwrap();
        vfs.fsync(file).unwrap();
    }
    assert_eq!(vfs.pread(file, &mut [0; 20_000], 500), Ok(9_500));
    assert_eq!(vfs.open("/none", OpenFlags::O_RDONLY, 0), Err(Errno::ENOENT));
    let counters = vfs.counters();
    let counter = |name| counters.iter().find(|(call, _)| call.as_str() == name).unwrap().1;
    assert_eq!((counter("write").count, counter("write").bytes), (10, 10_000));
    assert_eq!((counter("pread").count, counter("pread").bytes), (1, 9_500));
    assert_eq!((counter("open").count, counter("open").failed), (2, 1));
    assert_eq!(counter("rename").count, 0);
    assert!(counter("fsync").micros > 0, "ten real flushes in no time");
}
