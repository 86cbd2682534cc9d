//! Every persistence case across a process that ends and across a SIGKILL, and every case of a full disk on a tmpfs.

use anystorage_conformance::crossing::Elsewhere;
use anystorage_conformance::suite::SMALL_BYTES;
use anystorage_conformance::table;
use futures_lite::future::block_on;

use crate::process_cases;
use crate::support::processes;

#[test]
fn persistence_cases_hold_across_processes_and_kills() {
    process_cases::persistence_cases_hold(&processes(), &table::SLED, |directory| directory.to_str().unwrap().to_owned());
}

#[test]
fn cases_of_a_full_disk_hold_in_a_small_place() {
    process_cases::full_disk_cases_hold(&processes(), &table::SLED);
}

/// How much a removal of many files leaves for a new log depends on when sled writes its leaves.
#[test]
fn a_removal_of_many_files_leaves_space_for_a_new_log_each_time() {
    let case = process_cases::offered(&table::SLED).find(|case| case.name == "space::many_small_files_run_out").unwrap();
    let failures: Vec<String> =
        (0..20).filter_map(|_| block_on(processes().in_small_place(case, SMALL_BYTES)).err()).map(|broken| broken.to_string()).collect();
    assert!(failures.is_empty(), "{} of 20 failed: {}", failures.len(), failures.join("\n"));
}
