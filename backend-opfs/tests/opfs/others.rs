//! What other programs of the origin see, and what they may do meanwhile.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};
use anystorage_browser_host::global;
use anystorage_opfs::{OpfsOptions, tree};
use futures_lite::future::zip;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{fresh, path, refused, script};

/// Names are the same outside, but for those that a browser refuses.
#[wasm_bindgen_test]
async fn another_program_finds_the_files_under_their_names() {
    let long = "n".repeat(255);
    let names = ["plain", "with space", "a:b", "\u{1f980}", "Case", "case", "back\\slash", long.as_str()];
    let name = fresh("names");
    let backend = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    for file in names {
        backend.write(&path(file), file.as_bytes()).await.unwrap();
    }
    backend.sync().await.unwrap();
    let read = "const directory = await root.getDirectoryHandle(name);
        const found = [];
        for await (const [name, file] of directory) if (file.kind === 'file') found.push([name, await (await file.getFile()).text()].join('='));
        return found.sort().join(';')";
    let seen = script(read, &name, &JsValue::UNDEFINED).await.as_string().unwrap();
    let mut expected = names.map(|file| format!("{}={file}", if file == "back\\slash" { ".anystorage-~=back%5Cslash" } else { file }));
    expected.sort_by_key(|name| name.encode_utf16().collect::<Vec<_>>());
    assert_eq!(seen, expected.join(";"));
}

/// What another program puts into the location is a file like every other.
#[wasm_bindgen_test]
async fn a_file_of_another_program_is_read() {
    let name = fresh("given");
    tree::open(&name, &OpfsOptions::new()).await.unwrap().close().await.unwrap();
    let write = "const file = await (await root.getDirectoryHandle(name)).getFileHandle('given', { create: true });
        const handle = await file.createSyncAccessHandle();
        handle.write(new Uint8Array([1, 2, 3]));
        handle.close()";
    script(write, &name, &JsValue::UNDEFINED).await;
    let backend = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    assert_eq!(backend.read(&path("given")).await.unwrap(), [1, 2, 3]);
}

/// The handle of a file that another program has open is waited for, and the file is told to be locked if it does not come.
#[wasm_bindgen_test]
async fn a_file_that_another_program_has_open_is_waited_for() {
    const TAKE: &str = "return await (await (await root.getDirectoryHandle(name)).getFileHandle('file')).createSyncAccessHandle()";
    let name = fresh("busy");
    let backend = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    backend.write(&path("file"), b"bytes").await.unwrap();

    let handle = script(TAKE, &name, &JsValue::UNDEFINED).await;
    let later = async {
        global::sleep(300.0).await;
        script("other.close()", "", &handle).await;
    };
    let (file, _) = zip(backend.open(&path("file"), &OpenOptions::editing()), later).await;
    drop(file.unwrap());

    let handle = script(TAKE, &name, &JsValue::UNDEFINED).await;
    let (kind, text) = refused(backend.open(&path("file"), &OpenOptions::editing()).await);
    assert_eq!(kind, ErrorKind::Locked, "{text}");
    script("other.close()", "", &handle).await;
    assert_eq!(backend.read(&path("file")).await.unwrap(), b"bytes");
}
