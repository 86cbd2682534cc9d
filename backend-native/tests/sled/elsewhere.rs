//! Every persistence case across a process that ends and across a SIGKILL, and every case of a full disk on a tmpfs.

use anystorage_api::StorageBackend;
use anystorage_conformance::case::{Case, Need, Run};
use anystorage_conformance::crossing::Elsewhere;
use anystorage_conformance::list;
use anystorage_conformance::suite::SMALL_BYTES;
use anystorage_native::sled::{self, SledOptions};
use futures_lite::future::block_on;

use crate::support::processes;

#[test]
fn persistence_cases_hold_across_processes_and_kills() {
    let (mut runs, mut failures) = (0, Vec::new());
    for case in offered().filter(|case| matches!(case.run, Run::Persistence { .. }) && !case.needs.contains(&Need::SmallPlace)) {
        for crossing in processes().crossings() {
            let root = tempfile::tempdir().unwrap();
            let address = root.path().to_str().unwrap();
            let verdict = block_on(async {
                let carry = processes().before(*crossing, case, address).await?;
                processes().after(*crossing, case, address, &carry).await
            });
            runs += 1;
            failures.extend(verdict.err().map(|broken| format!("{}@{}: {broken}", case.name, crossing.as_str())));
        }
    }
    println!("{runs} runs of persistence cases, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(runs > 0);
}

#[test]
fn cases_of_a_full_disk_hold_in_a_small_place() {
    let (mut runs, mut failures) = (0, Vec::new());
    for case in offered().filter(|case| case.needs.contains(&Need::SmallPlace)) {
        runs += 1;
        let verdict = block_on(processes().in_small_place(case, SMALL_BYTES));
        failures.extend(verdict.err().map(|broken| format!("{}: {broken}", case.name)));
    }
    println!("{runs} cases of a full disk, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(runs > 0);
}

/// How much a removal of many files leaves for a new log depends on when sled writes its leaves.
#[test]
fn a_removal_of_many_files_leaves_space_for_a_new_log_each_time() {
    let case = offered().find(|case| case.name == "space::many_small_files_run_out").unwrap();
    let failures: Vec<String> =
        (0..20).filter_map(|_| block_on(processes().in_small_place(case, SMALL_BYTES)).err()).map(|broken| broken.to_string()).collect();
    assert!(failures.is_empty(), "{} of 20 failed: {}", failures.len(), failures.join("\n"));
}

/// The cases whose needs sled meets.
fn offered() -> impl Iterator<Item = &'static Case> {
    let root = tempfile::tempdir().unwrap();
    let capabilities = sled::open(root.path(), &SledOptions::new()).unwrap().capabilities();
    list::cases().iter().filter(move |case| case.needs.iter().all(|need| need.met_by(&capabilities) != Some(false)))
}
