//! The figures of one engine, for people.

use std::fmt::Write;

use super::Grown;
use crate::report::{duration, mebibytes};

pub(super) fn of(grown: &Grown) -> String {
    let mut table = format!("{}\n", grown.engine.name());
    if let [few, much] = grown.many.as_slice() {
        let mut line = |what: &str, few: String, much: String| {
            // Writing to a String does not fail.
            let _ = writeln!(table, "  {what:<52} {few:>12} {much:>12}");
        };
        line("files of 4 KiB", few.files.to_string(), much.files.to_string());
        let mut times = |what: &str, few: f64, much: f64| line(what, duration(few), duration(much));
        times("open what was closed", few.opened.ns, much.opened.ns);
        times("  of this, the store's own opening", few.opened.store_ns, much.opened.store_ns);
        times("open after a SIGKILL", few.opened_after_kill.ns, much.opened_after_kill.ns);
        times("  of this, the store's own opening", few.opened_after_kill.store_ns, much.opened_after_kill.store_ns);
        times("create, one sync for up to 10,000, each", few.filled.create_ns, much.filled.create_ns);
        times("stat", few.visited.stat_ns, much.visited.stat_ns);
        times("open and read 4 KiB", few.visited.read_ns, much.visited.read_ns);
        times("list a page of 1,000", few.visited.list_ns, much.visited.list_ns);
        times("remove, one sync for 500, each", few.remove_ns, much.remove_ns);
        let mut bytes = |what: &str, few: u64, much: u64| line(what, mebibytes(few), mebibytes(much));
        bytes("read to open what was closed", few.opened.read_bytes, much.opened.read_bytes);
        bytes("  of this, by the store's own opening", few.opened.store_read_bytes, much.opened.store_read_bytes);
        bytes("read to open after a SIGKILL", few.opened_after_kill.read_bytes, much.opened_after_kill.read_bytes);
        bytes("memory at most, while creating", few.filled.peak_memory, much.filled.peak_memory);
        bytes("memory at most, while looking", few.visited.peak_memory, much.visited.peak_memory);
        bytes("on the disk", few.disk_bytes, much.disk_bytes);
        line("calls of the store to open", few.opened.store_calls.to_string(), much.opened.store_calls.to_string());
        let after = (few.opened_after_kill.store_calls, much.opened_after_kill.store_calls);
        line("calls of the store to open after a SIGKILL", after.0.to_string(), after.1.to_string());
    }
    if let Some(crowd) = &grown.crowded {
        let (create, list, remove) = (duration(crowd.create_ns), duration(crowd.list_ns), duration(crowd.remove_ns));
        let memory = mebibytes(crowd.peak_memory);
        let _ = writeln!(
            table,
            "  a directory of {} entries: create {create} each, list all in {list}, remove {remove} each, memory {memory}",
            crowd.entries
        );
    }
    if let Some(sparse) = &grown.sparse {
        let (disk, memory) = (mebibytes(sparse.disk_bytes), mebibytes(sparse.peak_memory));
        let used = sparse.used_bytes.map_or_else(|| "unknown".to_owned(), mebibytes);
        let _ = writeln!(table, "  a sparse file of {}: {disk} on the disk, {used} in use, memory {memory}", mebibytes(sparse.len));
    }
    if let Some(bounded) = &grown.bounded {
        let passes = [
            ("written with one sync", &bounded.written, Some(bounded.limit)),
            ("read back and compared", &bounded.read, bounded.read_limit),
        ];
        for (what, streamed, limit) in passes {
            let limit = limit.map_or_else(|| "without a limit".to_owned(), |limit| format!("under a limit of {}", mebibytes(limit)));
            let _ = writeln!(
                table,
                "  a file of {} {what} {limit}: {}, memory {}, addresses {}",
                mebibytes(streamed.bytes),
                duration(streamed.ns),
                mebibytes(streamed.peak_memory),
                mebibytes(streamed.peak_addresses)
            );
        }
        let _ = writeln!(table, "    {} on the disk", mebibytes(bounded.disk_bytes));
    }
    table
}
