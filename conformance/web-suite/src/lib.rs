//! The project's own engines as a suite for browsers: what `anystorage-browser-runner` builds unless it is given another crate.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod auto_sync;
mod bridged;
mod facade;
mod sahpool;

use anystorage_conformance::browser::Exported;
use anystorage_conformance::browser::wire::{Browser, Context};
use anystorage_conformance::subject::Subject;
use anystorage_idb::subject::IdbSubject;
use anystorage_layers::subject::Mirrored;
use anystorage_memory::subject::MemorySubject;
use anystorage_opfs::packed::subject::PackedSubject;
use anystorage_opfs::pool::subject::PoolSubject;
use anystorage_opfs::subject::OpfsSubject;
use anystorage_remote::shared::SharedOptions;
use anystorage_remote::subject::ThroughShared;

pub use crate::auto_sync::AutoSynced;
use crate::bridged::{Idb, Memory, Tree};
use crate::facade::AnySubject;
pub use crate::facade::anystorage_open;
pub use crate::sahpool::anystorage_copy_sahpool;

/// WebKitGTK has no OPFS.
const WITH_OPFS: [Browser; 2] = [Browser::Chromium, Browser::Firefox];

/// In a worker of a page that may share memory.
fn bridged(subject: impl Subject + 'static) -> Exported {
    Exported::new(subject).contexts(&[Context::Worker]).browsers(&WITH_OPFS).isolated()
}

anystorage_conformance::browser_suite!(
    Exported::new(MemorySubject::new(u64::MAX)),
    Exported::new(OpfsSubject::new("")).browsers(&WITH_OPFS).page_worker(),
    // It takes minutes, and has nothing in a worker that differs.
    Exported::new(OpfsSubject::new("").streaming()).contexts(&[Context::Page]).browsers(&WITH_OPFS),
    // Chromium doubles what it takes of the quota for a file that grows.
    Exported::new(PackedSubject::new("")).contexts(&[Context::Worker]).browsers(&WITH_OPFS).small_places_times(2),
    Exported::new(PackedSubject::new("").in_page()).contexts(&[Context::Page]).browsers(&WITH_OPFS).page_worker().small_places_times(2),
    // In pages it is refused.
    Exported::new(PoolSubject::new("")).contexts(&[Context::Worker]).browsers(&WITH_OPFS).small_places_times(2),
    Exported::new(IdbSubject::new("")).small_places_times(3),
    // For synchronous code in a worker. Opening it takes two more of them. As with the mirrors below, one browser does it as usual.
    bridged(ThroughShared::<Idb>::new(SharedOptions::new())).on_request(&[Browser::Firefox]).small_places_times(3),
    bridged(ThroughShared::<Tree>::new(SharedOptions::new())).on_request(&WITH_OPFS),
    bridged(ThroughShared::<Memory>::new(SharedOptions::new())),
    Exported::new(Mirrored::new(MemorySubject::new(u64::MAX))).contexts(&[Context::Page]),
    // Minutes in each browser, for what differs from the engine in memory alone: one of them does it as usual.
    Exported::new(Mirrored::new(IdbSubject::new("")))
        .contexts(&[Context::Worker])
        .on_request(&[Browser::Firefox, Browser::WebKit])
        .small_places_times(3),
    // It reads all of a sparse file beyond 4 GiB when it opens.
    Exported::new(Mirrored::new(OpfsSubject::new(""))).contexts(&[Context::Worker]).browsers(&WITH_OPFS).on_request(&WITH_OPFS),
    Exported::new(AnySubject).contexts(&[]),
);
