//! Every persistence case on files across a process that ends and across a SIGKILL, and every case of a full disk on a tmpfs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod process_cases;

use std::path::Path;

use anystorage_api::StorageBackend;
use anystorage_conformance::process::{Processes, run_child_if_asked};
use anystorage_conformance::table;
use anystorage_native::files::FilesBackend;

/// Where children begin.
#[test]
fn child_entry() {
    run_child_if_asked(|address| async move { Ok(Box::new(FilesBackend::open(address)?) as Box<dyn StorageBackend>) });
}

#[test]
fn persistence_cases_hold_across_processes_and_kills() {
    process_cases::persistence_cases_hold(&processes(), &table::FILES, shown);
}

#[test]
fn cases_of_a_full_disk_hold_in_a_small_place() {
    process_cases::full_disk_cases_hold(&processes(), &table::FILES);
}

fn processes() -> Processes {
    Processes::this_test_program("child_entry").unwrap().with_small_places(shown)
}

fn shown(directory: &Path) -> String {
    directory.to_str().unwrap().to_owned()
}
