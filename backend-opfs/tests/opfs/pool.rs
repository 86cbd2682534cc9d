//! What is special about the layout `pool`.

use anystorage_api::{Blocking, ErrorKind, OpenOptions, StorageBackend};
use anystorage_opfs::packed::{self, PackedOptions};
use anystorage_opfs::pool::{self, PoolOptions};
use anystorage_opfs::{Layout, Mode, OpfsOptions, tree};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{fresh, path, refused, script};

#[wasm_bindgen_test]
async fn a_pool_keeps_its_layout() {
    let few = PoolOptions::new().capacity(2);
    let (pooled, deep, flat) = (fresh("pool"), fresh("tree beside"), fresh("packed beside"));
    pool::open(&pooled, &few).await.unwrap().close().await.unwrap();
    tree::open(&deep, &OpfsOptions::new()).await.unwrap().close().await.unwrap();
    packed::open(&flat, &PackedOptions::new()).await.unwrap().close().await.unwrap();
    for _ in 0..2 {
        assert_eq!(Layout::of(&pooled).await.unwrap(), Some(Layout::Pool));
        for (kind, text) in
            [refused(tree::open(&pooled, &OpfsOptions::new()).await), refused(packed::open(&pooled, &PackedOptions::new()).await)]
        {
            assert!(kind == ErrorKind::InvalidInput && text.contains("layout=pool"), "{text}");
        }
        for (name, layout) in [(&deep, "layout=tree"), (&flat, "layout=packed")] {
            let (kind, text) = refused(pool::open(name, &few).await);
            assert!(kind == ErrorKind::InvalidInput && text.contains(layout), "{text}");
        }
    }
    assert!(anystorage_opfs::list().await.unwrap().contains(&pooled));
    anystorage_opfs::remove(&pooled).await.unwrap();
    assert_eq!(Layout::of(&pooled).await.unwrap(), None);
}

#[wasm_bindgen_test]
async fn a_missing_pool_is_not_created_unless_asked_for() {
    let name = fresh("missing pool");
    let existing = PoolOptions::new().mode(Mode::ReadWrite).capacity(1);
    assert_eq!(refused(pool::open(&name, &existing).await).0, ErrorKind::NotFound);
    assert_eq!(Layout::of(&name).await.unwrap(), None);
    let pool = pool::open(&name, &PoolOptions::new().capacity(1)).await.unwrap();
    for within in [name.clone(), format!("{name}/in it")] {
        assert_eq!(refused(pool::open(&within, &existing).await).0, ErrorKind::Locked);
    }
    pool.close().await.unwrap();
    pool::open(&name, &existing).await.unwrap().close().await.unwrap();
}

/// All of it synchronously, while a clone makes room.
#[wasm_bindgen_test]
async fn more_files_are_reserved_while_it_is_in_use() {
    let name = fresh("reserve");
    let pool = pool::open(&name, &PoolOptions::new().capacity(2)).await.unwrap();
    let storage = Blocking::new(pool.clone()).unwrap();
    for name in ["a", "b"] {
        storage.write(&path(name), name.as_bytes()).unwrap();
    }
    let error = storage.write(&path("c"), b"c").unwrap_err();
    let text = error.to_string();
    assert!(error.kind() == ErrorKind::NoSpace && text.contains("capacity") && text.contains("reserve"), "{text}");
    let (one, other) = futures_lite::future::zip(pool.reserve(3), pool.reserve(2)).await;
    one.and(other).unwrap();
    assert!(pool.spare() >= 3, "{}", pool.spare());
    storage.write(&path("c"), b"c").unwrap();
    storage.sync().unwrap();
    let capacity = pool.capacity();
    storage.close().unwrap();
    assert_eq!(refused(pool.reserve(9).await).0, ErrorKind::Closed);
    drop((storage, pool));

    let pool = pool::open(&name, &PoolOptions::new().capacity(1)).await.unwrap();
    assert!(pool.capacity() >= capacity, "what was reserved stays");
    for name in ["a", "b", "c"] {
        assert_eq!(pool.read(&path(name)).await.unwrap(), name.as_bytes());
    }
    pool.close().await.unwrap();
}

/// Other programs of the origin see the bytes of a file, from its first to its last, and nothing of files that were removed.
#[wasm_bindgen_test]
async fn a_file_is_an_opfs_file_as_it_is() {
    let name = fresh("as it is");
    let sizes = "const directory = await (await root.getDirectoryHandle(name)).getDirectoryHandle('.anystorage-~pool');
        const sizes = [];
        for await (const [file, handle] of directory) { if (file !== 'table') sizes.push((await handle.getFile()).size); }
        return sizes.sort((one, other) => one - other).join()";
    let pool = pool::open(&name, &PoolOptions::new().capacity(3)).await.unwrap();
    let file = pool.open(&path("file"), &OpenOptions::editing()).await.unwrap();
    file.write_at(0, &[1; 70_001]).await.unwrap();
    pool.write(&path("other"), &[2; 500]).await.unwrap();
    pool.sync().await.unwrap();
    drop(file);
    pool.close().await.unwrap();
    drop(pool);
    assert_eq!(script(sizes, &name, &JsValue::UNDEFINED).await.as_string().unwrap(), "0,500,70001");
    let pool = pool::open(&name, &PoolOptions::new()).await.unwrap();
    pool.rename(&path("other"), &path("file")).await.unwrap();
    pool.sync().await.unwrap();
    pool.close().await.unwrap();
    drop(pool);
    let left = script(sizes, &name, &JsValue::UNDEFINED).await.as_string().unwrap();
    assert_eq!(left, format!("{}500", "0,".repeat(15)));
}
