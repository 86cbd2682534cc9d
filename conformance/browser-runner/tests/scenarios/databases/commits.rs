//! How often the system is asked to bring bytes to the disk for one durable commit of a row, told by strace; beside it SQLite's own pool of handles.

use anystorage_browser_runner::driver::Storage;
use serde_json::json;

use super::desk::Desk;
use super::{LAYOUTS, has_opfs, url};
use crate::flushes::{Counts, OPFS, counted};
use crate::sahpool::Sqlite;
use crate::world::{World, browser};

const COMMITS: u64 = 20;

/// Flushes of a sync of each layout. Below packed, redb has two in each commit of its own; those here fit into the log beside it.
const FLUSHES: [(&str, u64); 2] = [("pool", 1), ("packed", 1)];

#[test]
fn a_durable_commit_of_a_row_is_one_sync() {
    if !has_opfs() {
        return;
    }
    let sqlite = Sqlite::of_npm();
    let desk = Desk::with_sahpool(&sqlite);
    let world = World::new(Storage::Usual);
    desk.enter(&world);
    let rows = json!({ "count": COMMITS });
    for (layout, of_a_sync) in FLUSHES {
        assert!(LAYOUTS.contains(&layout));
        let worker = desk.start(&world, "rows", &url(layout, "rows"), &rows);
        desk.expect(worker, "ready");
        let counts = counted(&world, || {
            desk.go_on(&world, worker);
            assert_eq!(desk.expect(worker, "made"), json!(COMMITS));
        });
        println!("{}, {layout}: {} flushes for each commit: {counts:?}", browser().as_str(), own(&counts) as f64 / COMMITS as f64);
        assert_eq!(own(&counts), COMMITS * of_a_sync, "{layout}: {counts:?}");
        desk.go_on(&world, worker);
        desk.expect(worker, "done");
    }
    let worker = desk.start_script(&world, "/sahpool.js", "rows", "", &rows);
    let settings = desk.expect(worker, "ready");
    let counts = counted(&world, || {
        desk.go_on(&world, worker);
        assert_eq!(desk.expect(worker, "made"), json!(COMMITS));
    });
    println!("{}, opfs-sahpool, {settings}: {} flushes for each commit", browser().as_str(), own(&counts) as f64 / COMMITS as f64);
    assert!(own(&counts) > COMMITS, "{counts:?}");
}

/// Those of files of OPFS.
fn own(counts: &Counts) -> u64 {
    counts.iter().filter(|((_, kind), _)| *kind == OPFS).map(|(_, count)| count).sum()
}
