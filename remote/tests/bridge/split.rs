//! Calls larger than the memory that is shared.

use anystorage_api::{Blocking, OpenOptions};
use anystorage_remote::shared::{self, SharedOptions};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{fresh, idb, memory, path};

/// Bytes that no shift and no repetition of a piece leaves as they are.
fn bytes(len: usize) -> Vec<u8> {
    (0..len as u32).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
}

#[wasm_bindgen_test]
async fn calls_of_any_length_come_through_whole() {
    for buffer in [1_024, 64 << 10] {
        let storage = Blocking::new(shared::open(memory, "", &SharedOptions::new().buffer_bytes(buffer)).await.unwrap()).unwrap();
        let file = storage.open(&path("a"), &OpenOptions::editing()).unwrap();
        for len in [0, 1, buffer as usize - 8, buffer as usize, buffer as usize * 2, 1_000_003] {
            let data = bytes(len);
            file.write_at(5, &data).unwrap();
            let mut read = vec![0; len];
            assert_eq!(file.read_at(5, &mut read).unwrap(), len);
            assert!(read == data, "{len} bytes by way of {buffer}");
            storage.write(&path("b"), &data).unwrap();
            assert!(storage.read(&path("b")).unwrap() == data, "{len} bytes by way of {buffer}");
        }
    }
}

/// Synchronous code reads and writes more than fits in the buffer, over IndexedDB, and finds it again.
#[wasm_bindgen_test]
async fn a_file_over_indexeddb_without_a_wait() {
    let name = fresh("bridge");
    let data = bytes(3 << 20);
    let storage = Blocking::new(shared::open(idb, &name, &SharedOptions::new()).await.unwrap()).unwrap();
    storage.write(&path("a"), &data).unwrap();
    storage.sync().unwrap();
    storage.close().unwrap();
    let storage = Blocking::new(shared::open(idb, &name, &SharedOptions::new()).await.unwrap()).unwrap();
    assert!(storage.read(&path("a")).unwrap() == data);
    storage.close().unwrap();
    anystorage_idb::remove(&name).await.unwrap();
}
