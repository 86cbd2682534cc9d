//! SQLite over IndexedDB by way of the bridge: synchronous calls of a worker, served by another one through memory that they share.
//!
//! The failure that is feared is that of `ended`, and one more: what is ended are two workers, and the one that has the engine outlives the
//! other by a moment. `ANYSTORAGE_DATABASE_KILLS` and `ANYSTORAGE_SEED` are as there; `ANYSTORAGE_SQLITE_MEGABYTES` as in `kept`.

use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::Browser;
use serde_json::json;

use super::desk::Desk;
use super::ended::{End, Load, ended};
use super::kept::fill_and_find;
use crate::world::{World, browser};

const URL: &str = "remote+idb://bridged";

/// It is promised for Chromium and Firefox.
fn has_bridge() -> bool {
    let has = browser() != Browser::WebKit;
    if !has {
        println!("no bridge is promised for {}", browser().as_str());
    }
    has
}

fn bridged(end: End) {
    if !has_bridge() {
        return;
    }
    let loads = ["wal", "delete"].map(|journal| {
        Load::new(format!("remote idb, sqlite, {journal}"), format!("{URL}-{journal}-{end:?}"), json!({ "journal": journal }))
    });
    let within = ended(end, &Desk::isolated(), loads.into());
    // Only a kill can be aimed: a worker that is blocked when it is terminated, or its page reloaded, may go on for seconds (Chromium).
    assert!(within > 0 || !matches!(end, End::Killed), "no end came at the right time");
}

#[test]
fn a_killed_browser_loses_no_commit_behind_a_bridge() {
    bridged(End::Killed);
}

#[test]
fn a_reloaded_page_loses_no_commit_behind_a_bridge() {
    bridged(End::Reloaded);
}

#[test]
fn a_terminated_worker_loses_no_commit_behind_a_bridge() {
    bridged(End::Terminated);
}

#[test]
fn orders_and_documents_survive_a_reload_behind_a_bridge() {
    if !has_bridge() {
        return;
    }
    let desk = Desk::isolated();
    let world = World::new(Storage::Usual);
    desk.enter(&world);
    fill_and_find(&desk, &world, "remote idb", &format!("{URL}-shop"));
}
