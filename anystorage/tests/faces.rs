//! The three ways to open one and the same location: async and offloaded, async and inline, blocking.
#![cfg(all(feature = "memory", feature = "files", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{Read, Seek, Write};

use anystorage::{ErrorKind, OpenOptions, StorageBackend, StorageBackendExt, StorageConfig, StoragePath, StorageUrl};
use futures_lite::future::block_on;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

#[test]
fn what_one_writes_the_others_read() {
    let directory = tempfile::tempdir().unwrap();
    let url = StorageUrl::directory(directory.path()).unwrap();
    block_on(async {
        let offloaded = anystorage::open(url.as_str()).await.unwrap();
        assert!(!offloaded.capabilities().immediate, "a call that may touch a disk must not be made in the executor");
        let declared = offloaded.capabilities();
        offloaded.create_dir_all(&path("a/b")).await.unwrap();
        offloaded.write(&path("a/b/c"), b"one").await.unwrap();
        offloaded.sync().await.unwrap();
        offloaded.close().await.unwrap();

        let inline = anystorage::open_inline(url.as_str()).await.unwrap();
        assert!(inline.capabilities().immediate);
        assert_eq!(inline.read(&path("a/b/c")).await.unwrap(), b"one");
        assert_eq!(inline.capabilities().immediate(false), declared, "only where the work is done differs");
    });
    let blocking = anystorage::open_blocking(url.as_str()).unwrap();
    let mut file = blocking.open(&path("a/b/c"), &OpenOptions::editing()).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    file.rewind().unwrap();
    file.write_all(b"two").unwrap();
    file.sync().unwrap();
    assert_eq!((text.as_str(), std::fs::read(directory.path().join("a/b/c")).unwrap().as_slice()), ("one", &b"two"[..]));
    assert_eq!(blocking.backend().report().opened, url);
}

#[test]
fn futures_can_be_spawned_on_any_executor() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let config = StorageConfig::new("memory:".parse().unwrap());
    let storage = block_on(assert_send(config.open())).unwrap();
    block_on(assert_send(async move {
        storage.write(&path("a"), b"a").await?;
        storage.sync().await
    }))
    .unwrap();
    drop(assert_send(anystorage::open("memory:")));
    drop(assert_send(anystorage::open_inline("memory:")));
}

#[test]
fn a_configuration_opens_blocking_too_and_falls_back() {
    let config = StorageConfig::new("file:///dev/null/notes".parse().unwrap()).or("memory:".parse().unwrap());
    let storage = config.open_blocking().unwrap();
    assert_eq!(storage.backend().report().tried[0].error.kind(), ErrorKind::NotADirectory);
    storage.write(&path("a"), b"a").unwrap();
    assert_eq!(storage.read(&path("a")).unwrap(), b"a");
}

/// Layers and engines take anything that is a backend: a storage is one, whole or as what is inside it.
#[test]
fn a_storage_is_a_backend() {
    fn name_of<B: StorageBackend>(backend: &B) -> String {
        format!("{backend:?}")
    }
    let storage = block_on(anystorage::open("memory:")).unwrap();
    assert!(name_of(&storage).contains("Memory"), "{storage:?}");
    let backend = storage.into_backend();
    block_on(backend.write(&path("a"), b"a")).unwrap();
    assert!(block_on(backend.exists(&path("a"))).unwrap());
}
