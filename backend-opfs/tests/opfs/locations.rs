//! Which locations there are, and who may open them.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};
use anystorage_opfs::{Mode, OpfsOptions, tree};
use futures_lite::future::zip;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{fresh, path, refused, script};

#[wasm_bindgen_test]
async fn a_missing_location_is_not_created_unless_asked_for() {
    let name = fresh("missing");
    let existing = OpfsOptions::new().mode(Mode::ReadWrite);
    for _ in 0..2 {
        let (kind, text) = refused(tree::open(&name, &existing).await);
        assert_eq!(kind, ErrorKind::NotFound, "{text}");
        assert!(!anystorage_opfs::list().await.unwrap().contains(&name));
    }
    tree::open(&name, &OpfsOptions::new()).await.unwrap().close().await.unwrap();
    assert!(anystorage_opfs::list().await.unwrap().contains(&name));
    tree::open(&name, &existing).await.unwrap().close().await.unwrap();
}

#[wasm_bindgen_test]
async fn locations_are_removed_unless_they_are_open() {
    let name = fresh("removed");
    assert_eq!(refused(anystorage_opfs::remove(&name).await).0, ErrorKind::NotFound);
    let backend = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    backend.create_dir(&path("d")).await.unwrap();
    backend.write(&path("d/file"), b"bytes").await.unwrap();
    backend.sync().await.unwrap();
    assert_eq!(refused(anystorage_opfs::remove(&name).await).0, ErrorKind::Locked);
    assert_eq!(backend.read(&path("d/file")).await.unwrap(), b"bytes");
    backend.close().await.unwrap();
    anystorage_opfs::remove(&name).await.unwrap();
    assert!(!anystorage_opfs::list().await.unwrap().contains(&name));
    let again = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    assert_eq!(again.list(&path(""), None, 10).await.unwrap(), []);
}

/// A directory of another program is no location, and nothing is removed of it.
#[wasm_bindgen_test]
async fn what_was_never_a_location_is_neither_listed_nor_removed() {
    let name = fresh("foreign");
    let make =
        "const directory = await root.getDirectoryHandle(name, { create: true }); await directory.getFileHandle('file', { create: true })";
    script(make, &name, &JsValue::UNDEFINED).await;
    assert!(!anystorage_opfs::list().await.unwrap().contains(&name));
    assert_eq!(refused(anystorage_opfs::remove(&name).await).0, ErrorKind::NotFound);
    assert_eq!(refused(anystorage_opfs::remove("").await).0, ErrorKind::InvalidInput);
    let found = script("return (await (await root.getDirectoryHandle(name)).getFileHandle('file')).name", &name, &JsValue::UNDEFINED).await;
    assert_eq!(found.as_string().as_deref(), Some("file"));
}

#[wasm_bindgen_test]
async fn a_location_and_one_in_it_are_not_open_at_the_same_time() {
    let options = OpfsOptions::new();
    let outer = fresh("outer");
    let [inner, beside] = ["inner", "beside"].map(|name| format!("{outer}/deep/{name}"));
    let opened = tree::open(&inner, &options).await.unwrap();
    assert_eq!(refused(tree::open(&outer, &options).await).0, ErrorKind::Locked);
    assert_eq!(refused(tree::open(&format!("{outer}/deep"), &options).await).0, ErrorKind::Locked);
    assert_eq!(refused(tree::open("", &options).await).0, ErrorKind::Locked);
    assert_eq!(refused(anystorage_opfs::remove(&outer).await).0, ErrorKind::Locked);
    let other = tree::open(&beside, &options).await.unwrap();
    opened.write(&path("file"), b"inner").await.unwrap();
    other.write(&path("file"), b"beside").await.unwrap();
    opened.close().await.unwrap();
    assert_eq!(refused(tree::open(&outer, &options).await).0, ErrorKind::Locked);
    other.close().await.unwrap();

    let whole = tree::open(&outer, &options).await.unwrap();
    assert_eq!(refused(tree::open(&inner, &options).await).0, ErrorKind::Locked);
    assert_eq!(whole.read(&path("deep/inner/file")).await.unwrap(), b"inner");
    assert_eq!(whole.read(&path("deep/beside/file")).await.unwrap(), b"beside");
    whole.close().await.unwrap();
    tree::open(&inner, &options).await.unwrap().close().await.unwrap();
}

/// Two instances race for one location again and again: one gets it, and what it syncs is there for the next.
#[wasm_bindgen_test]
async fn of_two_instances_one_has_the_location() {
    let name = fresh("raced for");
    let options = OpfsOptions::new();
    for round in 0..20_u64 {
        let (first, second) = zip(tree::open(&name, &options), tree::open(&name, &options)).await;
        let winner = match (first, second) {
            (Ok(winner), Err(error)) | (Err(error), Ok(winner)) => {
                assert_eq!(error.kind(), ErrorKind::Locked);
                winner
            }
            (Ok(_), Ok(_)) => panic!("both have it"),
            (Err(first), Err(second)) => panic!("none has it: {first}; {second}"),
        };
        let log = winner.open(&path("log"), &OpenOptions::editing()).await.unwrap();
        assert_eq!(log.stat().await.unwrap().len, round);
        log.write_at(round, b"x").await.unwrap();
        log.sync().await.unwrap();
        if round % 2 == 0 {
            winner.close().await.unwrap();
        }
    }
}
