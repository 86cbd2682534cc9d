//! Small files that are read one after another over a store that waits: they are fetched together, and are what is stored all the same.

use anystorage_api::{ErrorKind, StorageBackend, StoragePath};
use anystorage_kv::testing::{SimMedium, SimStore};
use anystorage_kv::{KvBackend, Paged};
use futures_lite::future::{block_on, zip};

use crate::tiny;

const FILES: usize = 300;

fn name(number: usize) -> StoragePath {
    StoragePath::parse(&format!("file {number:03}")).unwrap()
}

fn content(number: usize) -> Vec<u8> {
    (0..1000).map(|at| (number * 7 + at) as u8).collect()
}

/// The location with all files, opened anew, over a store that waits.
fn planted() -> (SimMedium, KvBackend<Paged<SimStore>>) {
    let medium = SimMedium::new();
    let options = tiny(4096, 1 << 20).immediate(false).cache_bytes(256 << 10);
    let open = || async { KvBackend::open(Paged::new(medium.open()?, 64 << 10), options.clone()).await };
    let backend = block_on(async {
        let backend = open().await?;
        for number in 0..FILES {
            backend.write(&name(number), &content(number)).await?;
        }
        backend.sync().await?;
        backend.close().await?;
        open().await
    });
    medium.set_waiting(true);
    (medium, backend.unwrap())
}

/// How often the store was asked.
fn questions(medium: &SimMedium) -> usize {
    usize::try_from(medium.gets() + medium.scans()).unwrap()
}

/// Each question costs a browser more than the bytes of a small file: a mirror took three times as long to load as IDBFS.
#[test]
fn small_files_in_a_row_are_few_questions() {
    let (medium, backend) = planted();
    let before = questions(&medium);
    block_on(async {
        for number in 0..FILES {
            assert_eq!(backend.read(&name(number)).await.unwrap(), content(number), "file {number}");
        }
    });
    let asked = questions(&medium) - before;
    assert!(asked < FILES / 4, "{asked} questions for {FILES} files");
}

/// All who missed the same page or block at the same time asked for it, each for itself.
#[test]
fn who_reads_side_by_side_asks_once() {
    let (medium, backend) = planted();
    let before = questions(&medium);
    block_on(async {
        for number in (0..FILES).step_by(2) {
            let (one, other) = (name(number), name(number + 1));
            let (one, other) = zip(backend.read(&one), backend.read(&other)).await;
            assert_eq!((one.unwrap(), other.unwrap()), (content(number), content(number + 1)));
        }
    });
    let asked = questions(&medium) - before;
    assert!(asked < FILES / 4, "{asked} questions for {FILES} files");
}

#[test]
fn what_was_read_ahead_is_not_taken_for_what_was_written_since() {
    let (medium, backend) = planted();
    block_on(async {
        for number in 0..3 {
            backend.read(&name(number)).await.unwrap();
        }
        let before = questions(&medium);
        backend.read(&name(3)).await.unwrap();
        assert_eq!(questions(&medium), before, "it was read ahead");
        for (number, synced) in [(4, false), (5, true)] {
            backend.write(&name(number), b"changed").await.unwrap();
            if synced {
                backend.sync().await.unwrap();
            }
            assert_eq!(backend.read(&name(number)).await.unwrap(), b"changed");
        }
        backend.remove_file(&name(6)).await.unwrap();
        backend.sync().await.unwrap();
        assert_eq!(backend.read(&name(6)).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(backend.read(&name(7)).await.unwrap(), content(7));
    });
}
