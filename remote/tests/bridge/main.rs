//! The bridge in a dedicated worker of a browser: any engine, without a wait, behind shared memory; and what becomes of a call whose other end dies.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod conformance;
mod databases;
mod garbage;
mod lost;
mod port;
mod refused;
mod split;

use anystorage_remote::shared::Opening;

/// A location that no other test and no other run has.
fn fresh(name: &str) -> String {
    format!("{name} {:x}", anystorage_browser_host::global::random())
}

fn path(text: &str) -> anystorage_api::StoragePath {
    anystorage_api::StoragePath::parse(text).unwrap()
}

fn idb(name: String) -> Opening {
    Box::pin(async move { Ok(Box::new(anystorage_idb::open(&name, &anystorage_idb::IdbOptions::new()).await?) as _) })
}

fn memory(_: String) -> Opening {
    Box::pin(async { Ok(Box::new(anystorage_memory::MemoryBackend::new()) as _) })
}
