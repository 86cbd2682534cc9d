//! All broken engines.

use std::sync::Arc;

use anystorage_conformance::subject::Subject;

use crate::broken::{Broken, Named, attributes, bytes, durable, handles, honesty, listing, names, tree, whole_files};
use crate::broken_files::{FaultyFiles, HostFault, TemporaryFiles};
use crate::reference::{Reference, Twist};
use crate::subjects::Volatile;

macro_rules! twisted {
    ($($fault:ident),* $(,)?) => {
        vec![$((stringify!($fault), Twist { $fault: true, ..Twist::default() })),*]
    };
}

/// The reference, wrong in one way each.
pub(crate) fn twists() -> Vec<(&'static str, Twist)> {
    twisted![
        file_sync_does_nothing,
        sync_does_nothing,
        file_sync_forgets_names,
        file_sync_forgets_bytes,
        file_sync_forgets_growth,
        sync_forgets_closed_files,
        sync_forgets_removals,
        sync_forgets_renames,
        sync_forgets_empty_directories,
        sync_publishes_half,
        sync_in_two_points,
        file_sync_publishes_half_of_others,
        file_sync_publishes_others,
        file_sync_publishes_new_files,
        displaced_files_bring_unsynced_bytes,
        displaced_files_are_lost,
        file_sync_forgets_attributes,
        file_sync_publishes_attributes_of_others,
        sync_forgets_attributes,
        sync_forgets_attributes_of_directories,
        unsynced_attributes_are_published,
        writes_leak,
        open_for_writing_cuts_in_store,
        unsynced_write_harms_neighbours,
        unsynced_write_harms_other_files,
        write_cuts_first,
        rename_removes_target_first,
        rename_keeps_both_names,
        rename_removes_source_first,
        removal_takes_siblings,
        lock_ignored,
        lock_stolen,
        refusal_releases,
        refusal_is_io,
        close_keeps_lock,
        close_keeps_lock_while_files_are_open,
        drop_keeps_lock,
        drop_forgets_files,
        no_space_is_io,
        no_space_is_silent,
        no_space_empties_the_file,
        no_space_loses_synced,
        no_space_is_for_ever,
        nothing_is_freed,
        no_space_breaks_sync,
        usage_is_constant,
        damage_undetected,
        damage_reads_as_zeros,
        damage_panics,
        damage_is_io,
        damage_deletes,
        damage_truncates,
        damage_resets,
        failed_flush_retried,
        failed_flush_hidden,
        failed_flush_lets_writes_on,
        failed_flush_stops_reads,
        failed_flush_latches_one_handle,
        failed_flush_survives_reopening,
        failed_flush_loses_synced,
    ]
}

/// Faults that do not ask what is below them.
pub(crate) fn faults() -> impl Iterator<Item = &'static Named> {
    [bytes::FAULTS, listing::FAULTS, names::FAULTS, tree::FAULTS, whole_files::FAULTS, handles::FAULTS, honesty::FAULTS]
        .into_iter()
        .flatten()
}

/// Those of them that are tried over real files too.
const OVER_FILES: &[&str] = &[
    "write truncates and writes in place",
    "write leaves its temporary file",
    "rename copies and removes",
    "names are folded to lower case",
    "list is in reverse order",
    "the revision is always the same",
    "handles are paths",
    "close does nothing",
    "a dropped write is cut short",
    "truncate is ignored",
    "remove_dir removes what is in it",
    "what was cut off comes back",
    "capabilities say less than the table",
    "errors do not say which path",
];

pub(crate) fn engines() -> Vec<Box<dyn Subject>> {
    let mut all: Vec<Box<dyn Subject>> = Vec::new();
    for (name, twist) in twists() {
        all.push(Box::new(Reference::twisted(&format!("reference: {}", name.replace('_', " ")), twist)));
    }
    for (name, make) in durable::FAULTS.iter().chain(attributes::FAULTS) {
        all.push(Box::new(Broken::new(name, Arc::new(Reference::correct()), *make)));
    }
    for (name, make) in faults() {
        all.push(Box::new(Broken::new(name, Arc::new(Volatile::memory()), *make)));
    }
    for (name, make) in faults().filter(|(name, _)| OVER_FILES.contains(name)) {
        all.push(Box::new(Broken::new(name, Arc::new(TemporaryFiles::in_memory()), *make)));
    }
    all.extend(HostFault::ALL.into_iter().map(|fault| Box::new(FaultyFiles::new(fault)) as Box<dyn Subject>));
    all
}
