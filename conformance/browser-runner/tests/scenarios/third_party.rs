//! An engine of somebody else, in a crate of its own, by the program as anybody runs it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::world::{browser, target};

const CASES: &str = "tree::";

#[test]
fn a_crate_outside_of_the_workspace_runs_in_the_same_runner() {
    let program = Path::new(env!("CARGO_BIN_EXE_anystorage-browser-runner"));
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web-example/Cargo.toml");
    let mut command = Command::new(program);
    command.args(["conformance", "--browser", browser().as_str(), "--filter", CASES, "--format", "json", "--manifest-path"]).arg(manifest);
    // Nothing is built into the tree of sources.
    command.env("CARGO_TARGET_DIR", target());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let engines = report["engines"].as_array().unwrap();
    assert_eq!(engines.iter().map(|engine| engine["context"].as_str().unwrap()).collect::<Vec<_>>(), ["page", "worker"]);
    for engine in engines {
        let cases = engine["cases"].as_array().unwrap();
        let passed = cases.iter().filter(|case| case["status"] == "passed").count();
        println!("{}: {} in a {}: {passed} of {} cases passed", engine["browser"], engine["url"], engine["context"], cases.len());
        assert!(engine["url"] == "shelf:" && passed == cases.len() && passed > 5, "{engine}");
    }
}
