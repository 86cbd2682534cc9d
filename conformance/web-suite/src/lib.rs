//! The project's own engines as a suite for browsers: what `anystorage-browser-runner` builds unless it is given another crate.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod memory;

use anystorage_conformance::browser::Exported;
use anystorage_idb::subject::IdbSubject;

use crate::memory::MemorySubject;

anystorage_conformance::browser_suite!(Exported::new(MemorySubject::new(u64::MAX)), Exported::new(IdbSubject::new("")));
