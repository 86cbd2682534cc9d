//! What is special about the layout `packed`.

use anystorage_api::{ErrorKind, StorageBackend};
use anystorage_opfs::packed::{self, PackedOptions};
use anystorage_opfs::{Layout, Mode, OpfsOptions, tree};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{fresh, path, refused, script};

#[wasm_bindgen_test]
async fn a_location_keeps_its_layout() {
    let (flat, deep) = (fresh("packed"), fresh("tree"));
    assert_eq!(Layout::of(&flat).await.unwrap(), None);
    packed::open(&flat, &PackedOptions::new()).await.unwrap().close().await.unwrap();
    tree::open(&deep, &OpfsOptions::new()).await.unwrap().close().await.unwrap();
    for _ in 0..2 {
        assert_eq!(Layout::of(&flat).await.unwrap(), Some(Layout::Packed));
        assert_eq!(Layout::of(&deep).await.unwrap(), Some(Layout::Tree));
        let (kind, text) = refused(tree::open(&flat, &OpfsOptions::new()).await);
        assert!(kind == ErrorKind::InvalidInput && text.contains("layout=packed"), "{text}");
        let (kind, text) = refused(packed::open(&deep, &PackedOptions::new()).await);
        assert!(kind == ErrorKind::InvalidInput && text.contains("layout=tree"), "{text}");
    }
    let listed = anystorage_opfs::list().await.unwrap();
    assert!(listed.contains(&flat) && listed.contains(&deep), "{listed:?}");
    anystorage_opfs::remove(&flat).await.unwrap();
    assert_eq!(Layout::of(&flat).await.unwrap(), None);
    tree::open(&flat, &OpfsOptions::new()).await.unwrap().close().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_missing_location_is_not_created_unless_asked_for() {
    let name = fresh("missing");
    let existing = PackedOptions::new().mode(Mode::ReadWrite);
    for _ in 0..2 {
        assert_eq!(refused(packed::open(&name, &existing).await).0, ErrorKind::NotFound);
        assert_eq!(Layout::of(&name).await.unwrap(), None);
    }
    let backend = packed::open(&name, &PackedOptions::new()).await.unwrap();
    assert_eq!(refused(packed::open(&name, &existing).await).0, ErrorKind::Locked);
    assert_eq!(refused(packed::open(&format!("{name}/in it"), &PackedOptions::new()).await).0, ErrorKind::Locked);
    backend.close().await.unwrap();
    packed::open(&name, &existing).await.unwrap().close().await.unwrap();
}

/// Files of other programs, and a file of ours that is none of ours.
#[wasm_bindgen_test]
async fn what_is_something_else_stays_as_it_is() {
    let name = fresh("foreign");
    let make = "const directory = await root.getDirectoryHandle(name, { create: true });
        const handle = await (await directory.getFileHandle(other, { create: true })).createSyncAccessHandle();
        handle.write(new Uint8Array(300000).fill(7)); handle.close();";
    let sum = "const directory = await root.getDirectoryHandle(name);
        const bytes = new Uint8Array(await (await (await directory.getFileHandle(other)).getFile()).arrayBuffer());
        return bytes.reduce((sum, byte) => sum + byte, 0)";
    for (file, kind) in [("mine", ErrorKind::InvalidInput), (".anystorage-~packed", ErrorKind::Corrupt)] {
        let (name, file) = (format!("{name} {kind:?}"), JsValue::from_str(file));
        script(make, &name, &file).await;
        for _ in 0..2 {
            let (found, text) = refused(packed::open(&name, &PackedOptions::new()).await);
            assert_eq!(found, kind, "{text}");
        }
        assert_eq!(script(sum, &name, &file).await.as_f64(), Some(2_100_000.0));
    }
}

/// Half of what is stored is removed, and the file gives the space back by itself.
#[wasm_bindgen_test]
async fn removed_files_give_their_space_back() {
    let name = fresh("space");
    let len = "const directory = await root.getDirectoryHandle(name);
        return (await (await directory.getFileHandle('.anystorage-~packed')).getFile()).size";
    let backend = packed::open(&name, &PackedOptions::new()).await.unwrap();
    for number in 0..24 {
        backend.write(&path(&format!("{number}")), &vec![number; 1 << 20]).await.unwrap();
        backend.sync().await.unwrap();
    }
    let full = script(len, &name, &JsValue::UNDEFINED).await.as_f64().unwrap();
    assert!((24e6..40e6).contains(&full), "{full}");
    for number in 0..23 {
        backend.remove_file(&path(&format!("{number}"))).await.unwrap();
    }
    backend.sync().await.unwrap();
    backend.close().await.unwrap();
    let left = script(len, &name, &JsValue::UNDEFINED).await.as_f64().unwrap();
    assert!(left < full, "{left} of {full}");
    let backend = packed::open(&name, &PackedOptions::new()).await.unwrap();
    assert_eq!(backend.read(&path("23")).await.unwrap(), vec![23; 1 << 20]);
    backend.close().await.unwrap();
}
