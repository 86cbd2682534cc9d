//! What must not grow with what is stored, and what must fit into little memory. The command compares every byte that it reads, and fails
//! where one differs; here are its counts of calls, bytes and memory. No time is a verdict.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::process::Command;

use serde_json::Value;

const MEBIBYTE: u64 = 1 << 20;

/// What `scale` found of one engine.
fn scale(engine: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anystorage-bench"));
    let output = command.args(["scale", "--format", "json", "--engine", engine]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{found}");
    assert_eq!(found[0]["engine"], engine);
    found[0].clone()
}

fn number(of: &Value) -> u64 {
    of.as_u64().unwrap_or_else(|| panic!("{of} is no number"))
}

/// An opening asks the store as often, and for as much, with 20,000 files as with 1,000: after a close and after a kill.
fn opening_does_not_grow(engine: &str) {
    let found = scale(engine, &["--part", "many", "--files", "20000"]);
    let (few, much) = (&found["many"][0], &found["many"][1]);
    assert_eq!((number(&few["files"]), number(&much["files"])), (1000, 20_000));
    for opening in ["opened", "opened_after_kill"] {
        let (few, much) = (&few[opening], &much[opening]);
        // A store may have to look through what is pending, which is bounded by one sync and not by what is stored.
        assert!(number(&much["store_calls"]) <= number(&few["store_calls"]) + 4, "{opening}: {few} {much}");
        assert!(number(&much["store_bytes"]) <= number(&few["store_bytes"]) + 4096, "{opening}: {few} {much}");
    }
    assert!(number(&much["visited"]["peak_memory"]) < number(&few["visited"]["peak_memory"]) + 64 * MEBIBYTE, "{few} {much}");
}

#[test]
fn opening_redb_does_not_grow() {
    opening_does_not_grow("redb");
}

#[test]
fn opening_sled_does_not_grow() {
    opening_does_not_grow("sled");
}

/// redb keeps its own opening small too. Its debug build reads everything at every opening, to check itself: this is about the other one,
/// which `cargo xtask test` runs as a step.
#[cfg(not(debug_assertions))]
#[test]
fn redb_reads_little_to_open() {
    let found = scale("redb", &["--part", "many", "--files", "20000"]);
    for many in found["many"].as_array().unwrap() {
        for opening in ["opened", "opened_after_kill"] {
            let (read, stored) = (number(&many[opening]["read_bytes"]), number(&many["disk_bytes"]));
            assert!(read < 2 * MEBIBYTE && read < stored, "{opening}: {read} of {stored}");
        }
    }
}

fn a_crowded_directory(engine: &str) {
    let found = scale(engine, &["--part", "crowded"]);
    assert_eq!(number(&found["crowded"]["entries"]), 100_000);
    assert!(number(&found["crowded"]["peak_memory"]) < 256 * MEBIBYTE, "{found}");
}

#[test]
fn a_directory_of_100_000_entries_in_redb() {
    a_crowded_directory("redb");
}

#[test]
fn a_directory_of_100_000_entries_in_sled() {
    a_crowded_directory("sled");
}

#[test]
fn a_sparse_tebibyte_takes_no_room() {
    for engine in ["redb", "sled"] {
        let found = scale(engine, &["--part", "sparse"]);
        let sparse = &found["sparse"];
        assert_eq!(number(&sparse["len"]), 1 << 40);
        // Three pieces of 4 KiB; a store sets its file out in larger parts.
        assert!(number(&sparse["disk_bytes"]) < 16 * MEBIBYTE, "{sparse}");
        assert!(number(&sparse["used_bytes"]) < 16 * MEBIBYTE, "{sparse}");
        assert!(number(&sparse["peak_memory"]) < 64 * MEBIBYTE, "{sparse}");
    }
}

/// In the small; the full size is a step of `cargo xtask test`.
#[test]
fn a_file_larger_than_memory_is_written_with_one_sync() {
    for engine in ["redb", "sled"] {
        let found = scale(engine, &["--part", "bounded", "--large", "512", "--limit", "192"]);
        let bounded = &found["bounded"];
        for (pass, limit) in [("written", &bounded["limit"]), ("read", &bounded["read_limit"])] {
            assert_eq!(number(&bounded[pass]["bytes"]), 512 * MEBIBYTE);
            match limit.as_u64() {
                Some(limit) => assert!(number(&bounded[pass]["peak_addresses"]) <= limit, "{bounded}"),
                None => assert_eq!((engine, pass), ("sled", "read"), "{bounded}"),
            }
        }
    }
}
