//! A real tree on its way through every engine that keeps something: file -> sled -> redb -> file; and the same with kills on the way.

use std::path::Path;
use std::time::Instant;

use crate::command::{anystorage, store_url, url};
use crate::real_tree::{Moment, copy_and_kill};
use crate::tree::{self, BYTES, FILES, Item, Manifest, Random, build_real_tree, manifest};

fn copy(from: &str, to: &str) -> serde_json::Value {
    let report = anystorage(["--format", "json", "cp", from, to]).ok().json();
    assert_eq!((report["complete"].as_bool(), report["failed"].as_array().map(Vec::len)), (Some(true), Some(0)), "{report}");
    assert_eq!(report["left_out"], serde_json::json!([]));
    report
}

fn files_in(manifest: &Manifest) -> u64 {
    manifest.values().filter(|item| matches!(item, Item::File { .. })).count() as u64
}

/// The stations of the way: the tree, a store of each kind, and a directory again.
fn stations(directory: &Path) -> [String; 4] {
    [
        url(&directory.join("original")),
        store_url("sled", &directory.join("store of sled")),
        store_url("redb", &directory.join("store.redb")),
        url(&directory.join("back")),
    ]
}

#[test]
fn through_every_engine_it_stays_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let original = directory.path().join("original");
    let (files, bytes) = build_real_tree(&original);
    assert!(files >= FILES && bytes >= BYTES, "{files} files, {bytes} bytes");
    let expected = manifest(&original);
    let all_files = files_in(&expected);

    let stations = stations(directory.path());
    for step in stations.windows(2) {
        let start = Instant::now();
        let report = copy(&step[0], &step[1]);
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(report["files"].as_u64(), Some(all_files), "{report}");
        println!("{} files, {:.1} MB in {seconds:.1} s: {step:?}", report["files"], report["bytes"].as_f64().unwrap() / 1e6);
    }
    tree::assert_same(&expected, &manifest(&directory.path().join("back")));
    tree::assert_same(&expected, &manifest(&original));
}

/// What an interrupted copy has synced is not copied again: not even where nothing else outlives a kill.
#[test]
fn killed_at_every_step_and_run_again_it_stays_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let original = directory.path().join("original");
    build_real_tree(&original);
    let expected = manifest(&original);
    let all_files = files_in(&expected);
    let mut random = Random::seeded("killed_at_every_step_and_run_again_it_stays_the_same");

    let stations = stations(directory.path());
    for step in stations.windows(2) {
        let (from, to) = (step[0].as_str(), step[1].as_str());
        // The program runs ahead of its reader by what a pipe holds, some four hundred lines: a kill comes at its moment or a little later.
        let moments = [
            Moment::InLargeFile((1 << 20) + random.below(48 << 20)),
            Moment::Synced(1),
            Moment::Files(1 + random.below(400)),
            Moment::Synced(1 + random.below(3)),
        ];
        let mut kills = 0;
        for moment in &moments {
            match copy_and_kill(from, to, moment) {
                None => kills += 1,
                Some(ran) => panic!("{step:?} was done before {moment:?}: {ran:#?}"),
            }
        }
        let report = copy(from, to);
        let (copied, skipped) = (report["files"].as_u64().unwrap(), report["skipped_equal"].as_u64().unwrap());
        assert_eq!(copied + skipped, all_files, "{report}");
        assert!(skipped > 0, "two syncs were behind it, and nothing was there: {report}");
        println!("{kills} kills, then {copied} files copied and {skipped} skipped: {step:?}");
    }
    tree::assert_same(&expected, &manifest(&directory.path().join("back")));
    tree::assert_same(&expected, &manifest(&original));
}
