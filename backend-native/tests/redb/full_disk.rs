//! A disk that runs full: a small `tmpfs` in a user namespace. Where that cannot be made, the test fails.

use std::path::Path;

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};
use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_native::redb::{self, RedbOptions};
use futures_lite::future::block_on;

use crate::own_process::{in_namespace, own_part, passes};
use crate::support::{get, path, put, refused, store};

const MOUNT: &str = "mount -t tmpfs -o size=4m tmpfs \"$1\"";

fn fill(root: &Path) {
    let store = store(root.join("location"));
    for number in 0..20_u8 {
        put(&store, &[b'r', number], &[number; 10_000], Commit::Relaxed).unwrap();
    }
    for round in 0..40_u32 {
        let mut count = 0_u32;
        let key = |number: u32| [b"fill".to_vec(), number.to_be_bytes().to_vec()].concat();
        let how = if round % 2 == 0 { Commit::Durable } else { Commit::Relaxed };
        let error = loop {
            match put(&store, &key(count), &[7; 16_000], how) {
                Ok(()) => count += 1,
                Err(error) => break error,
            }
            // Relaxed commits need no space before they become durable.
            if round % 2 == 1 && count == 400 {
                match block_on(store.commit(Batch::new(), Commit::Durable)) {
                    Ok(()) => panic!("6 MB fit into 4 MB"),
                    Err(error) => break error,
                }
            }
            assert!(count < 4000, "the disk is not small");
        };
        assert_eq!(error.kind(), ErrorKind::NoSpace, "round {round}, after {count}: {error}");
        assert!(count > 50, "round {round}: no space after {count} values: what earlier rounds took was not given back");
        // Refused, whole; what was taken before stands.
        for number in 0..count {
            assert_eq!(get(&store, &key(number)).unwrap().unwrap(), [7; 16_000]);
        }
        assert_eq!(get(&store, &key(count)).unwrap(), None);
        for number in 0..20_u8 {
            assert_eq!(get(&store, &[b'r', number]).unwrap().unwrap(), [number; 10_000]);
        }
        // Removing works at once, in small pieces too; what relaxed commits put beyond the space has to go before anything can last.
        let mut batch = Batch::new();
        for number in 0..count {
            batch.delete(key(number));
            if number % 50 == 49 {
                block_on(store.commit(std::mem::take(&mut batch), how))
                    .unwrap_or_else(|error| panic!("round {round}: removing {number} of {count}: {error}"));
            }
        }
        block_on(store.commit(batch, Commit::Durable)).unwrap_or_else(|error| panic!("round {round}: removing {count}: {error}"));
    }
    drop(store);
}

/// Filled again and again in durable and in relaxed commits: each refusal is whole, and removing always works.
#[test]
fn a_refused_commit_is_refused_whole_and_removing_makes_room() {
    if let Some(root) = own_part() {
        return fill(Path::new(&root));
    }
    let root = tempfile::tempdir().unwrap();
    let test = "full_disk::a_refused_commit_is_refused_whole_and_removing_makes_room";
    passes(in_namespace(MOUNT, test, root.path()), "a full tmpfs in a user namespace");
}

fn fill_files(root: &Path) {
    let file = root.join("location");
    block_on(async {
        let backend = redb::open(&file, &RedbOptions::new()).unwrap();
        backend.write(&path("kept"), &vec![7; 200_000]).await.unwrap();
        backend.sync().await.unwrap();
        assert!(backend.usage().await.unwrap().free.unwrap() < 4 << 20);
        let ballast = backend.open(&path("ballast"), &OpenOptions::editing()).await.unwrap();
        let mut end = 0;
        let error = loop {
            let written = async {
                ballast.write_at(end, &[1; 65_536]).await?;
                ballast.sync().await
            };
            match written.await {
                Ok(()) => end += 65_536,
                Err(error) => break error,
            }
            assert!(end < 64 << 20, "the disk is not small");
        };
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
        assert!(error.to_string().contains("make room"), "{error}");
        drop(ballast);
        backend.close().await.unwrap();
        drop(backend);

        // Another program fills what is left, to the last byte.
        let others = std::fs::File::create(root.join("others")).unwrap();
        let mut at = 0;
        while std::os::unix::fs::FileExt::write_at(&others, &[1; 4096], at).is_ok_and(|len| len > 0) {
            at += 4096;
        }
        let backend = redb::open(&file, &RedbOptions::new()).unwrap();
        assert_eq!(backend.read(&path("kept")).await.unwrap(), vec![7; 200_000]);
        assert_eq!(backend.read(&path("ballast")).await.unwrap().len() as u64, backend.stat(&path("ballast")).await.unwrap().len);
        assert_eq!(refused(redb::open(root.join("new"), &RedbOptions::new())), ErrorKind::NoSpace);
        // Without a handle on it, or its space would stay taken.
        drop(others);
        std::fs::remove_file(root.join("others")).unwrap();
        backend.remove_file(&path("ballast")).await.unwrap();
        backend.sync().await.unwrap();
        backend.write(&path("kept"), &vec![8; 300_000]).await.unwrap();
        backend.sync().await.unwrap();
        assert_eq!(backend.read(&path("kept")).await.unwrap(), vec![8; 300_000]);
    });
}

#[test]
fn a_full_disk_is_opened_again_and_a_new_location_on_it_is_refused() {
    if let Some(root) = own_part() {
        return fill_files(Path::new(&root));
    }
    let root = tempfile::tempdir().unwrap();
    let test = "full_disk::a_full_disk_is_opened_again_and_a_new_location_on_it_is_refused";
    passes(in_namespace(MOUNT, test, root.path()), "a full tmpfs in a user namespace");
}
