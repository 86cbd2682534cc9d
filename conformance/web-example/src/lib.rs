//! An engine of one's own in the browsers' suite:
//! `cargo xtask conformance --browser chromium,firefox --manifest-path conformance/web-example/Cargo.toml`.

use anystorage_conformance::browser::Exported;
use anystorage_conformance::subject;

/// The engine, which would be a crate of its own.
#[allow(dead_code, reason = "it is a program besides")]
#[path = "../../examples/own_engine.rs"]
mod own_engine;

anystorage_conformance::browser_suite!(Exported::new(subject::from_fn("shelf", |_place: String| async { Ok(own_engine::Shelf::new()) })));
