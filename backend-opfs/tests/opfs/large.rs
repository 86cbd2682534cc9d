//! Many files, and files that are larger than 32 bits can count.

use anystorage_api::{OpenOptions, StorageBackend};
use anystorage_opfs::{OpfsOptions, tree};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{fresh, is_firefox, path};

#[wasm_bindgen_test]
async fn thousands_of_files_in_one_directory() {
    // Firefox takes minutes for as many.
    let files: usize = if is_firefox() { 2_000 } else { 10_000 };
    let name = fresh("many");
    let backend = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    backend.create_dir(&path("d")).await.unwrap();
    let file = |number: usize| path(&format!("d/{number:05}"));
    for number in 0..files {
        let file = backend.open(&file(number), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, format!("file {number}").as_bytes()).await.unwrap();
    }
    backend.sync().await.unwrap();
    backend.close().await.unwrap();

    let backend = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    let (mut after, mut names) = (None, Vec::new());
    loop {
        let page = backend.list(&path("d"), after.as_deref(), 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        names.extend(page.into_iter().map(|entry| entry.name));
    }
    assert_eq!(names, (0..files).map(|number| format!("{number:05}")).collect::<Vec<_>>());
    for number in (0..files).step_by(977) {
        assert_eq!(backend.read(&file(number)).await.unwrap(), format!("file {number}").as_bytes());
    }
    for number in (0..files).filter(|number| number % 10 == 1) {
        backend.remove_file(&file(number)).await.unwrap();
    }
    assert_eq!(backend.list(&path("d"), None, files).await.unwrap().len(), files - files / 10);
    backend.close().await.unwrap();
    anystorage_opfs::remove(&name).await.unwrap();
}

/// Holes count towards the quota, in Chromium at least.
#[wasm_bindgen_test]
async fn sparse_files_reach_beyond_four_gibibytes() {
    let name = fresh("sparse");
    let offsets = [0, (1 << 32) - 3, (1 << 32) + (1 << 29)];
    let backend = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    let file = backend.open(&path("sparse"), &OpenOptions::editing()).await.unwrap();
    for offset in offsets {
        file.write_at(offset, &offset.to_be_bytes()[1..]).await.unwrap();
    }
    file.sync().await.unwrap();
    drop(file);
    backend.close().await.unwrap();
    let backend = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    let file = backend.open(&path("sparse"), &OpenOptions::editing()).await.unwrap();
    assert_eq!(file.stat().await.unwrap().len, offsets[2] + 7);
    for offset in offsets {
        let mut seen = [0; 7];
        assert_eq!(file.read_at(offset, &mut seen).await.unwrap(), 7);
        assert_eq!(seen, offset.to_be_bytes()[1..], "at {offset}");
    }
    let mut hole = [1; 100_000];
    assert_eq!(file.read_at(1 << 31, &mut hole).await.unwrap(), hole.len());
    assert!(hole.iter().all(|byte| *byte == 0));
    file.set_len((1 << 32) + 1).await.unwrap();
    file.sync().await.unwrap();
    assert_eq!(file.read_at(1 << 32, &mut hole).await.unwrap(), 1);
    drop(file);
    backend.close().await.unwrap();
    anystorage_opfs::remove(&name).await.unwrap();
}

/// What was read into before is read into again after the memory of the module has grown, which takes from JavaScript what it saw of it.
#[wasm_bindgen_test]
async fn the_same_bytes_are_read_into_after_the_memory_has_grown() {
    const LEN: usize = 4096;
    let name = fresh("grown");
    let backend = tree::open(&name, &OpfsOptions::new()).await.unwrap();
    let file = backend.open(&path("file"), &OpenOptions::editing()).await.unwrap();
    for block in 0..4_u8 {
        file.write_at(u64::from(block) * LEN as u64, &[block + 1; LEN]).await.unwrap();
    }
    let mut bytes = vec![0; LEN];
    // The first time, twice in a row, after other bytes, and after the memory has grown.
    for (round, block) in [0, 1, 2, 3, 2, 1, 0].into_iter().enumerate() {
        if round == 3 {
            let mut others = [0; 100];
            assert_eq!(file.read_at(0, &mut others).await.unwrap(), others.len());
            assert_eq!(others, [1; 100]);
        }
        if round == 5 {
            assert_ne!(core::arch::wasm32::memory_grow(0, 16), usize::MAX);
        }
        assert_eq!(file.read_at(u64::from(block) * LEN as u64, &mut bytes).await.unwrap(), LEN);
        assert_eq!(bytes, [block + 1; LEN], "round {round}");
    }
}
