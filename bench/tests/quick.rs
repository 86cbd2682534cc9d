//! The benchmark runs to its end and says what it measured. The figures are no verdict.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::process::Command;

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_anystorage-bench")).arg("--quick").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_pair_is_measured_and_reported() {
    let report: serde_json::Value = serde_json::from_str(&run(&["--format", "json"])).unwrap();
    let measured = report["measurements"].as_array().unwrap();
    for (engine, goals) in [("memory", 6), ("files", if cfg!(target_os = "linux") { 9 } else { 8 }), ("redb", 6), ("sled", 4), ("none", 0)]
    {
        let pairs: Vec<_> = measured.iter().filter(|pair| pair["engine"] == engine).collect();
        assert_eq!(pairs.iter().filter(|pair| !pair["goal"].is_null()).count(), goals, "{engine}");
        for pair in &pairs {
            let (by_engine, floor) = (pair["engine_ns"].as_f64().unwrap(), pair["floor_ns"].as_f64().unwrap());
            assert!(by_engine > 0.0 && floor > 0.0, "{pair}");
            assert!((pair["ratio"].as_f64().unwrap() - by_engine / floor).abs() < 1e-9, "{pair}");
        }
        assert!(!pairs.is_empty(), "{engine}");
    }
    let spaces = report["spaces"].as_array().unwrap();
    assert_eq!(spaces.len(), 4);
    assert!(spaces.iter().all(|space| space["engine_bytes"].as_u64() > Some(0) && space["floor_bytes"].as_u64() > Some(0)), "{spaces:?}");
}

#[test]
fn the_table_has_a_line_for_every_pair() {
    let table = run(&[]);
    for case in [
        "4 KiB random read",
        "4 KiB random overwrite",
        "stream read",
        "small file created, synced",
        "4 KiB overwrites, one sync",
        "the boxed call by itself",
    ] {
        assert!(table.contains(case), "{case} is missing in\n{table}");
    }
}
