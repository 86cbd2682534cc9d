//! Files that are used again: what is left of their old bytes, and when there are none.

use std::sync::atomic::Ordering;

use anystorage_api::{Blocking, ErrorKind, OpenOptions, StorageBackend, StoragePath};
use anystorage_conformance::simdisk::{Call, Operation, Outcome, SimDisk, Sweep};
use anystorage_conformance::subject::FlushFaults;
use futures_lite::future::block_on;

use crate::disk::{Disk, TABLE};

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// Without a flush of what was cut, a power cut could give a new file the bytes of one that was removed: somebody else's.
#[test]
fn bytes_of_a_removed_file_never_show_up_in_a_new_one() {
    const OLD: u8 = 0xee;
    let prepare = || {
        let disk = SimDisk::new();
        let pool = Disk::of(disk.clone(), 2).open().unwrap();
        block_on(async {
            pool.write(&path("old"), &[OLD; 5000]).await?;
            pool.sync().await?;
            pool.close().await
        })
        .unwrap();
        disk
    };
    let play = |disk: &SimDisk| {
        let played = async {
            let pool = Disk::of(disk.clone(), 2).open()?;
            pool.remove_file(&path("old")).await?;
            let new = pool.open(&path("new"), &OpenOptions::editing()).await?;
            let other = pool.open(&path("other"), &OpenOptions::editing()).await?;
            new.write_at(3000, b"new").await?;
            other.write_at(9000, b"other").await?;
            // It stores the name of both.
            other.sync().await?;
            new.write_at(10, b"more").await?;
            new.sync().await
        };
        let played = block_on(played);
        assert!(played.is_ok() || disk.is_off(), "{played:?}");
    };
    let check = |disk: &SimDisk, (): &()| {
        let pool = Disk::of(disk.clone(), 2).open().map_err(|error| error.to_string())?;
        for name in ["new", "other"] {
            match block_on(pool.read(&path(name))) {
                Ok(bytes) if bytes.contains(&OLD) => return Err(format!("{name:?} has bytes of the file that was removed")),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        match block_on(pool.read(&path("old"))) {
            Ok(bytes) if bytes != [OLD; 5000] => Err("the removed file came back in part".to_owned()),
            _ => Ok(()),
        }
    };
    let survey = Sweep::new(7).random_outcomes(40).run(prepare, play, check).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{} cuts, {} states", survey.positions, survey.states);
    let unflushed = || {
        let disk = prepare();
        disk.leave_out_syncs(|call| call.operation.call == Call::SyncFile && call.operation.path != TABLE);
        disk
    };
    let failure = Sweep::new(7).random_outcomes(40).run(unflushed, play, check).unwrap_err();
    assert!(failure.reason.contains("bytes of the file that was removed"), "{failure}");
}

/// The holder was killed with a table that was written and not flushed. The next one sees that table; but a power cut may bring the one before it
/// back, so nothing that only that one names may be used anew until the new one lasts.
#[test]
fn a_power_cut_behind_a_kill_loses_nothing_that_was_synced() {
    for seed in 0..200 {
        let disk = Disk::new(2);
        let pool = disk.open().unwrap();
        block_on(async {
            pool.write(&path("synced"), &[7; 5000]).await.unwrap();
            pool.sync().await.unwrap();
            pool.remove_file(&path("synced")).await.unwrap();
            disk.switch.set_failing(true);
            pool.sync().await.unwrap_err();
            disk.switch.set_failing(false);
        });
        drop(pool);
        let pool = disk.open().unwrap();
        assert_eq!(block_on(pool.read(&path("synced"))).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(pool.spare(), 2);
        let disk = Disk::of(disk.disk.cut(Outcome::Random(seed)), 2);
        match block_on(disk.open().unwrap().read(&path("synced"))) {
            Ok(bytes) => assert_eq!(bytes, [7; 5000], "seed {seed}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "seed {seed}: {error}"),
        }
    }
}

#[test]
fn when_no_file_is_left_the_error_says_what_to_do() {
    let pool = Blocking::new(Disk::new(2).open().unwrap()).unwrap();
    pool.write(&path("a"), b"a").unwrap();
    pool.write(&path("b"), b"b").unwrap();
    pool.sync().unwrap();
    for _ in 0..2 {
        let error = pool.write(&path("c"), b"c").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSpace);
        let text = error.to_string();
        assert!(text.contains("capacity") && text.contains("reserve") && text.contains("all 2 files"), "{text}");
        // To replace a file takes a second one for a while.
        assert_eq!(pool.write(&path("a"), b"A").unwrap_err().kind(), ErrorKind::NoSpace);
        assert_eq!(pool.read(&path("a")).unwrap(), b"a");
    }
    // Without a sync: the space of what was removed is had at once, and then it is removed for good.
    pool.remove_file(&path("a")).unwrap();
    pool.write(&path("c"), b"c").unwrap();
    assert_eq!(pool.read(&path("c")).unwrap(), b"c");
}

#[test]
fn a_file_that_is_open_is_not_used_anew() {
    let pool = Disk::new(1).open().unwrap();
    block_on(async {
        let file = pool.open(&path("a"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"kept").await.unwrap();
        pool.sync().await.unwrap();
        pool.remove_file(&path("a")).await.unwrap();
        pool.sync().await.unwrap();
        assert_eq!((pool.capacity(), pool.spare()), (1, 0));
        assert_eq!(pool.write(&path("b"), b"b").await.unwrap_err().kind(), ErrorKind::NoSpace);
        let mut bytes = [0; 9];
        assert_eq!(file.read_at(0, &mut bytes).await.unwrap(), 4);
        file.close().await.unwrap();
        assert_eq!(pool.spare(), 1);
        pool.write(&path("b"), b"b").await.unwrap();
    });
}

/// What databases pay for: bytes in place and one flush, and names by the table alone.
#[test]
fn a_sync_is_one_flush_and_names_touch_no_bytes() {
    let disk = Disk::new(4);
    let pool = disk.open().unwrap();
    let since = |from: usize| disk.disk.log()[from..].to_vec();
    let of = |log: &[Operation], call: Call| log.iter().filter(|operation| operation.call == call).count();
    block_on(async {
        pool.create_dir(&path("d")).await.unwrap();
        let file = pool.open(&path("d/data"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, &[1; 100_000]).await.unwrap();
        file.sync().await.unwrap();
        let from = disk.disk.operations();
        for round in 0..20 {
            file.write_at(round * 4096, &[2; 4096]).await.unwrap();
            file.sync().await.unwrap();
            file.sync().await.unwrap();
        }
        let log = since(from);
        assert_eq!((of(&log, Call::Write), of(&log, Call::SyncFile), log.len()), (20, 20, 40), "{log:?}");
        let from = disk.disk.operations();
        pool.rename(&path("d"), &path("e")).await.unwrap();
        pool.rename(&path("e/data"), &path("e/moved")).await.unwrap();
        drop(file);
        pool.sync().await.unwrap();
        let log = since(from);
        assert!(log.iter().all(|operation| operation.path == TABLE), "{log:?}");
        assert_eq!(of(&log, Call::SyncFile), 1, "{log:?}");
        let from = disk.disk.operations();
        pool.remove_file(&path("e/moved")).await.unwrap();
        assert_eq!(disk.disk.operations(), from, "a removal that no sync has covered");
    });
}

/// What reached the disk of it is unknown: another file's bytes had better be elsewhere.
#[test]
fn a_file_whose_flush_has_failed_is_not_used_anew() {
    let disk = Disk::new(1);
    let pool = disk.open().unwrap();
    block_on(async {
        let file = pool.open(&path("a"), &OpenOptions::editing()).await.unwrap();
        file.sync().await.unwrap();
        file.write_at(0, b"lost?").await.unwrap();
        disk.switch.set_failing(true);
        file.sync().await.unwrap_err();
        disk.switch.set_failing(false);
        file.close().await.unwrap();
        pool.sync().await.unwrap_err();
        pool.remove_file(&path("a")).await.unwrap();
        pool.sync().await.unwrap();
        assert_eq!(pool.spare(), 0);
        assert_eq!(pool.write(&path("b"), b"b").await.unwrap_err().kind(), ErrorKind::NoSpace);
    });
    drop(pool);
    let pool = disk.open().unwrap();
    block_on(pool.write(&path("b"), b"b")).unwrap();
    assert_eq!(block_on(pool.read(&path("b"))).unwrap(), b"b");
}

/// No table leads to it before it is flushed, so nothing else can be stored. The sync of another file said that it had failed itself.
#[test]
fn a_new_file_whose_flush_has_failed_is_named_by_who_cannot_store_a_table() {
    let disk = Disk::new(3);
    let pool = disk.open().unwrap();
    block_on(async {
        pool.write(&path("a"), b"a").await.unwrap();
        let a = pool.open(&path("a"), &OpenOptions::editing()).await.unwrap();
        disk.switch.set_failing(true);
        a.sync().await.unwrap_err();
        disk.switch.set_failing(false);
        pool.write(&path("b"), b"b").await.unwrap();
        let b = pool.open(&path("b"), &OpenOptions::editing()).await.unwrap();
        assert_eq!(b.sync().await.unwrap_err().path(), Some(&path("a")));
        drop(a);
        pool.remove_file(&path("a")).await.unwrap();
        b.sync().await.unwrap();
    });
}

/// Chromium counts what was cut off a file against the quota until its handle is closed. A spare file kept the space of the one that was removed,
/// and nothing could be written any more in a full origin, whatever was removed.
#[test]
fn a_spare_file_gives_its_space_back_when_there_is_none() {
    let disk = Disk::new(3).keeping();
    let pool = disk.open().unwrap();
    block_on(async {
        let large = vec![7; 300_000];
        pool.write(&path("ballast"), &large).await.unwrap();
        let kept = pool.open(&path("kept"), &OpenOptions::editing()).await.unwrap();
        kept.write_at(0, b"kept").await.unwrap();
        pool.sync().await.unwrap();
        let used: u64 = disk.bytes().iter().map(|(_, bytes)| bytes.len() as u64).sum();
        disk.quota.store(used + 10_000, Ordering::Relaxed);
        assert_eq!(kept.write_at(4, &large).await.unwrap_err().kind(), ErrorKind::NoSpace);
        pool.remove_file(&path("ballast")).await.unwrap();
        pool.sync().await.unwrap();
        kept.write_at(4, &large).await.unwrap();
        assert_eq!((pool.capacity(), pool.spare()), (2, 1), "the file that was closed is the host's to open again");
        kept.sync().await.unwrap();
        assert_eq!(pool.read(&path("kept")).await.unwrap().len(), 300_004);
        let number = (0..3).find(|number| pool.add(*number, disk.raw(&number.to_string(), None).unwrap()).is_ok());
        assert!(number.is_some());
        assert_eq!((pool.capacity(), pool.spare()), (3, 2));
    });
}
