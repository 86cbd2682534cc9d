//! Names that cannot be there: the store is not asked for them, and none that is there is missed.

use std::collections::BTreeSet;

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend, StoragePath};
use anystorage_conformance::simdisk::Rng;
use anystorage_kv::testing::SimMedium;
use futures_lite::future::block_on;

use crate::{open, tiny};

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// How often the store was asked.
fn questions(medium: &SimMedium) -> u64 {
    medium.gets() + medium.scans()
}

/// Each question is a message in a page, and a transaction of IndexedDB.
#[test]
fn a_new_file_with_a_sync_of_its_own_asks_for_nothing() {
    let medium = SimMedium::new();
    let backend = open(&medium, &tiny(4096, 1 << 20).cache_bytes(256 << 10)).unwrap();
    block_on(async {
        for directory in ["", "new/"] {
            if !directory.is_empty() {
                backend.create_dir(&path("new")).await.unwrap();
            }
            backend.sync().await.unwrap();
            // What a directory itself is, is asked for once.
            backend.write(&path(&format!("{directory}first")), b"bytes").await.unwrap();
            let before = (questions(&medium), medium.commits());
            for number in 0..100 {
                let name = path(&format!("{directory}{number}"));
                let file = backend.open(&name, &OpenOptions::editing().create_new(true)).await.unwrap();
                file.write_at(0, b"bytes").await.unwrap();
                file.sync().await.unwrap();
            }
            let asked = (questions(&medium) - before.0, medium.commits() - before.1);
            assert_eq!(asked, (0, 100), "questions and commits, in {directory:?}");
        }
    });
}

/// In a location that is opened again nothing is known of its directories.
#[test]
fn what_others_left_is_asked_for() {
    let medium = SimMedium::new();
    block_on(async {
        let backend = open(&medium, &tiny(4096, 1 << 20)).unwrap();
        backend.create_dir(&path("directory")).await.unwrap();
        backend.write(&path("directory/file"), b"bytes").await.unwrap();
        backend.sync().await.unwrap();
        backend.close().await.unwrap();
        let backend = open(&medium, &tiny(4096, 1 << 20)).unwrap();
        let created = backend.open(&path("directory/file"), &OpenOptions::editing().create_new(true)).await;
        assert_eq!(created.map(drop).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(backend.read(&path("directory/file")).await.unwrap(), b"bytes");
    });
}

/// With so little memory that records go to the store before their sync, and caches that forget. One of the directories comes and goes.
#[test]
fn no_name_is_missed_whatever_is_done_with_it() {
    const COMES_AND_GOES: u64 = 3;
    let seed = crate::seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    let mut random = Rng::new(seed);
    let medium = SimMedium::new();
    let options = tiny(512, 16 << 10).cache_bytes(2 << 10);
    let mut backend = open(&medium, &options).unwrap();
    // Directories, and the files in them.
    let mut there = BTreeSet::new();
    let name = |random: &mut Rng| match random.below(4) {
        COMES_AND_GOES => format!("{COMES_AND_GOES}/{}", random.below(3)),
        directory => format!("{directory}/{}", random.below(120)),
    };
    let parent_of = |name: &str| name.split_once('/').unwrap().0.to_owned();
    block_on(async {
        for directory in 0..COMES_AND_GOES {
            backend.create_dir(&path(&format!("{directory}"))).await.unwrap();
            there.insert(directory.to_string());
        }
        for step in 0..6_000 {
            let (one, other) = (name(&mut random), name(&mut random));
            let coming = COMES_AND_GOES.to_string();
            match random.below(100) {
                0..35 => {
                    let written = backend.write(&path(&one), one.as_bytes()).await.is_ok();
                    assert_eq!(written, there.contains(&parent_of(&one)), "step {step}");
                    if written {
                        there.insert(one);
                    }
                }
                35..55 => assert_eq!(backend.remove_file(&path(&one)).await.is_ok(), there.remove(&one), "step {step}"),
                55..68 => {
                    let moved = backend.rename(&path(&one), &path(&other)).await.is_ok();
                    assert_eq!(moved, there.contains(&one) && there.contains(&parent_of(&other)), "step {step}");
                    if moved {
                        there.remove(&one);
                        there.insert(other);
                    }
                }
                68..72 => assert_eq!(backend.create_dir(&path(&coming)).await.is_ok(), there.insert(coming), "step {step}"),
                72..76 => {
                    let is_empty = there.contains(&coming) && !there.iter().any(|name| name.starts_with(&format!("{coming}/")));
                    assert_eq!(backend.remove_dir(&path(&coming)).await.is_ok(), is_empty, "step {step}");
                    if is_empty {
                        there.remove(&coming);
                    }
                }
                76..90 => assert_eq!(backend.stat(&path(&one)).await.is_ok(), there.contains(&one), "step {step}"),
                90..97 => {
                    if let Ok(file) = backend.open(&path(&one), &OpenOptions::editing().create(false)).await {
                        file.sync().await.unwrap();
                    }
                }
                97 | 98 => backend.sync().await.unwrap(),
                _ if random.below(10) == 0 => {
                    backend.sync().await.unwrap();
                    backend.close().await.unwrap();
                    backend = open(&medium, &options).unwrap();
                }
                _ => {}
            }
        }
    });
    println!("{} names are there at the end", there.len());
}
