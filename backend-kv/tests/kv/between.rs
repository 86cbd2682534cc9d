//! What is seen in between: while a sync is under way, after it was refused half way, and of what it only moves.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use anystorage_api::{Attributes, Error, ErrorKind, FileKind, OpenOptions, StorageBackend, StoragePath};
use anystorage_kv::testing::{Fault, Outcome, SimMedium, SimStore};
use anystorage_kv::{KvBackend, KvOptions, MAX_RECORD_LEN};
use futures_lite::future::block_on;

use crate::{open, tiny};

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// Everything that is stored fits into the cache: what is wrong in it is seen.
fn cached(options: KvOptions) -> KvOptions {
    options.cache_bytes(4 << 20)
}

/// The shadows of a published sync are moved in many commits. One that is refused leaves some of them moved.
#[test]
fn a_sync_that_has_no_space_to_be_moved_is_read_whole() {
    const FILES: usize = 600;
    for refused in 0..3 {
        let medium = SimMedium::new();
        let backend = open(&medium, &cached(tiny(128, 1536))).unwrap();
        let name = |number: usize| path(&format!("file {number}"));
        block_on(async {
            for number in 0..FILES {
                backend.write(&name(number), b"old").await?;
            }
            backend.sync().await?;
            for number in 0..FILES {
                let file = backend.open(&name(number), &OpenOptions::editing()).await?;
                file.write_at(0, b"newer").await?;
            }
            let moving = AtomicUsize::new(0);
            medium.fail(move |_, batch| {
                let moves = batch.iter().any(|(key, value)| key.starts_with(b"pw") && value.is_none());
                let fails = moves && moving.fetch_add(1, Ordering::Relaxed) >= refused;
                fails.then_some(Fault::NoSpace)
            });
            backend.sync().await?;
            for number in 0..FILES {
                assert_eq!(backend.read(&name(number)).await?, b"newer", "file {number}, refused at move {refused}");
            }
            medium.fail(|_, _| None);
            backend.write(&path("another"), b"1").await?;
            backend.sync().await?;
            for number in 0..FILES {
                assert_eq!(backend.read(&name(number)).await?, b"newer", "file {number}, moved later");
            }
            Ok::<(), Error>(())
        })
        .unwrap();
    }
}

/// A location over a store that waits, most of whose changes are shadows: `grown` has 300 bytes, of which 3 are published, and `new` is
/// not published at all.
fn with_shadows() -> (SimMedium, KvBackend<SimStore>) {
    let medium = SimMedium::new();
    let backend = open(&medium, &cached(tiny(128, 1536)).immediate(false)).unwrap();
    block_on(async {
        backend.create_dir(&path("d")).await?;
        backend.write(&path("d/grown"), b"old").await?;
        backend.sync().await?;
        backend.open(&path("d/grown"), &OpenOptions::editing()).await?.write_at(0, &[1; 300]).await?;
        backend.write(&path("d/new"), b"new").await?;
        for number in 0..40 {
            backend.create_dir(&path(&format!("a directory with a name that takes room {number}"))).await?;
        }
        Ok::<(), Error>(())
    })
    .unwrap();
    assert!(medium.records().keys().any(|key| key.starts_with(b"pwi")), "nothing is shadowed");
    medium.set_waiting(true);
    (medium, backend)
}

/// Contract line 5, however the calls of a reader fall among those of a file's sync.
#[test]
fn who_reads_during_a_sync_sees_what_was_written() {
    let mut context = Context::from_waker(Waker::noop());
    let mut overlaps = 0;
    for name in ["d/grown", "d/new"] {
        for before in 0..60 {
            for first in 0..8 {
                let (_medium, backend) = with_shadows();
                let backend = &backend;
                let file = block_on(backend.open(&path(name), &OpenOptions::editing())).unwrap();
                let mut sync = pin!(file.sync());
                let mut synced = (0..before).any(|_| sync.as_mut().poll(&mut context).is_ready());
                if synced {
                    break;
                }
                let mut read = pin!(async {
                    let names = backend.list(&path("d"), None, 10).await?.len();
                    let len = backend.stat(&path("d/grown")).await?.len;
                    let new = backend.read(&path("d/new")).await?;
                    Ok::<_, Error>((names, len, new))
                });
                let mut seen = None;
                for poll in 0..10_000 {
                    if seen.is_none()
                        && let Poll::Ready(result) = read.as_mut().poll(&mut context)
                    {
                        seen = Some(result.unwrap());
                    }
                    if poll >= first && !synced {
                        synced = sync.as_mut().poll(&mut context).map(Result::unwrap).is_ready();
                        overlaps += usize::from(synced && seen.is_none());
                    }
                    if synced && seen.is_some() {
                        break;
                    }
                }
                assert_eq!(seen, Some((2, 300, b"new".to_vec())), "the sync of {name} polled {before} times, the reader {first} before it");
            }
        }
    }
    println!("{overlaps} readers were not done when the sync was");
}

/// Whether the store makes a commit is not known when its call was dropped: nothing builds upon what may be published.
#[test]
fn a_sync_that_is_dropped_in_its_commit_is_one_that_failed() {
    let mut context = Context::from_waker(Waker::noop());
    let options = tiny(128, 1536).immediate(false);
    let mut refusals = 0;
    for polls in 1.. {
        let medium = SimMedium::new();
        let backend = open(&medium, &options).unwrap();
        let file = block_on(backend.open(&path("a"), &OpenOptions::editing())).unwrap();
        block_on(file.write_at(0, &[1; 900])).unwrap();
        medium.set_waiting(true);
        {
            let mut sync = pin!(file.sync());
            if (0..polls).any(|_| sync.as_mut().poll(&mut context).is_ready()) {
                break;
            }
        }
        medium.set_waiting(false);
        match block_on(file.write_at(0, &[2; 900])) {
            Ok(()) => block_on(file.sync()).unwrap(),
            Err(refused) => {
                assert_eq!(refused.kind(), ErrorKind::Io);
                assert!(refused.to_string().contains("dropped"), "{refused}");
                assert_eq!(block_on(backend.sync()).unwrap_err().kind(), ErrorKind::Io);
                assert_eq!(block_on(backend.read(&path("a"))).unwrap(), [1; 900]);
                block_on(backend.close()).unwrap();
                refusals += 1;
            }
        }
    }
    assert!(refusals > 0, "no sync was dropped in its commit");
}

/// A file that has become a link, and makes room for another one whose sync moves it, stays a file until it is synced itself.
#[test]
fn what_is_only_moved_keeps_the_kind_that_is_published() {
    let medium = SimMedium::new();
    let options = tiny(128, 1536);
    let backend = open(&medium, &options).unwrap();
    block_on(async {
        backend.write(&path("a"), b"").await?;
        backend.sync().await?;
        backend.set_attributes(&path("a"), &Attributes::new().link_target("elsewhere")).await?;
        backend.rename(&path("a"), &path("b")).await?;
        backend.open(&path("a"), &OpenOptions::editing()).await?.sync().await?;
        assert_eq!(backend.stat(&path("b")).await?.kind, FileKind::Symlink);
        let found = open(&medium.cut(Outcome::NothingUnsynced), &options)?;
        let listed: Vec<FileKind> = found.list(&path(""), None, 10).await?.iter().map(|entry| entry.kind).collect();
        assert_eq!(listed, [FileKind::File, FileKind::File]);
        assert_eq!(found.stat(&path("b")).await?.kind, FileKind::File);
        assert_eq!(found.read(&path("b")).await?, b"");
        backend.sync().await?;
        let found = open(&medium.cut(Outcome::NothingUnsynced), &options)?;
        assert_eq!(found.stat(&path("b")).await?.link_target.as_deref(), Some("elsewhere"));
        assert_eq!(found.list(&path(""), None, 10).await?.last().map(|entry| entry.kind), Some(FileKind::Symlink));
        Ok::<(), Error>(())
    })
    .unwrap();
}

/// However scattered what is written and let go, in one file or in many.
#[test]
fn no_record_but_a_block_is_longer_than_stores_are_told() {
    let medium = SimMedium::new();
    let backend = open(&medium, &tiny(1 << 10, 1 << 20)).unwrap();
    let longest = AtomicUsize::new(0);
    let longest = std::sync::Arc::new(longest);
    let seen = std::sync::Arc::clone(&longest);
    medium.fail(move |_, batch| {
        let values = batch.iter().filter(|(key, _)| !key.starts_with(b"b")).filter_map(|(_, value)| value);
        seen.fetch_max(values.map(<[u8]>::len).max().unwrap_or(0), Ordering::Relaxed);
        None
    });
    block_on(async {
        let file = backend.open(&path("scattered"), &OpenOptions::editing()).await?;
        for round in 0..3 {
            for block in 0..9000_u64 {
                if block % 3 != round {
                    file.write_at(block << 10, &[1]).await?;
                }
            }
            file.sync().await?;
        }
        file.set_len(0).await?;
        file.sync().await?;
        for round in 0..2 {
            for number in 0..3000 {
                let options = OpenOptions::editing().truncate(true);
                let file = backend.open(&path(&format!("file {number}")), &options).await?;
                file.write_at(0, &[round; 10]).await?;
            }
            backend.sync().await?;
        }
        assert_eq!(backend.read(&path("file 2999")).await?, [1; 10]);
        // What waits to be deleted is deleted with the syncs that follow.
        for _ in 0..40 {
            backend.sync().await?;
        }
        Ok::<(), Error>(())
    })
    .unwrap();
    let longest = longest.load(Ordering::Relaxed);
    println!("the longest record had {longest} bytes");
    assert!(longest > 2000 && longest <= MAX_RECORD_LEN, "{longest}");
    let blocks = medium.records().keys().filter(|key| key.starts_with(b"b")).count();
    assert_eq!(blocks, 3000, "one for each file that is there");
}

/// The names that were removed before the one that is asked for are not looked up one by one.
#[test]
fn removing_a_directory_asks_little_however_much_was_in_it() {
    let medium = SimMedium::new();
    let backend = open(&medium, &tiny(128, 16 << 20)).unwrap();
    block_on(async {
        backend.create_dir(&path("d")).await?;
        for number in 0..2000 {
            backend.write(&path(&format!("d/{number}")), b"").await?;
        }
        backend.sync().await?;
        for number in 0..2000 {
            backend.remove_file(&path(&format!("d/{number}"))).await?;
        }
        let scans = medium.scans();
        backend.remove_dir(&path("d")).await?;
        assert!(medium.scans() - scans < 100, "{} scans", medium.scans() - scans);
        backend.sync().await
    })
    .unwrap();
}

/// A damaged inode of which something was spilled and not published takes nothing else with it, in that session and later.
#[test]
fn a_location_opens_beside_a_damaged_inode_with_a_spill() {
    let medium = SimMedium::new();
    let options = tiny(128, 1536);
    let backend = open(&medium, &options).unwrap();
    let inodes = |medium: &SimMedium| medium.records().into_keys().filter(|key| key.starts_with(b"i")).collect::<Vec<_>>();
    let (damaged, before) = block_on(async {
        backend.write(&path("a"), &[1; 900]).await?;
        backend.sync().await?;
        let damaged = inodes(&medium).pop();
        backend.write(&path("b"), &[2; 900]).await?;
        backend.sync().await?;
        for name in ["a", "b"] {
            backend.open(&path(name), &OpenOptions::editing()).await?.write_at(0, &[3; 5000]).await?;
        }
        Ok::<_, Error>((damaged.unwrap(), medium.cut(Outcome::Everything)))
    })
    .unwrap();
    let mut value = before.records()[&damaged].clone();
    value[3] ^= 1;
    before.set(&damaged, Some(&value));
    let mut medium = before;
    for round in 0..3 {
        let backend = open(&medium, &options).unwrap();
        block_on(async {
            assert_eq!(backend.read(&path("a")).await.map_err(|error| error.kind()), Err(ErrorKind::Corrupt));
            let expected = if round == 0 { vec![2; 900] } else { [vec![4], vec![2; 899]].concat() };
            assert_eq!(backend.read(&path("b")).await?, expected, "round {round}");
            let file = backend.open(&path("b"), &OpenOptions::editing()).await?;
            file.write_at(0, &[4]).await?;
            file.sync().await
        })
        .unwrap();
        drop(backend);
        medium = medium.cut(Outcome::Everything);
    }
}
