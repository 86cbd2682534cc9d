//! How the reference can be made wrong.

/// One fault each; all off is the correct engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Twist {
    /// A file's sync answers and does nothing.
    pub(crate) file_sync_does_nothing: bool,
    /// The backend's sync answers and does nothing.
    pub(crate) sync_does_nothing: bool,
    /// A file's sync keeps the bytes, and not the names that lead to them.
    pub(crate) file_sync_forgets_names: bool,
    /// A file's sync keeps the names, and not the bytes.
    pub(crate) file_sync_forgets_bytes: bool,
    /// A file's sync keeps the bytes, and the old length.
    pub(crate) file_sync_forgets_growth: bool,
    /// The backend's sync covers only what is open.
    pub(crate) sync_forgets_closed_files: bool,
    /// The backend's sync leaves out what was removed.
    pub(crate) sync_forgets_removals: bool,
    /// The backend's sync leaves out renames.
    pub(crate) sync_forgets_renames: bool,
    /// The backend's sync leaves out empty directories.
    pub(crate) sync_forgets_empty_directories: bool,
    /// The backend's sync publishes every other file only.
    pub(crate) sync_publishes_half: bool,
    /// The backend's sync publishes first one half, waits, and then the other, and is cut where its future is dropped.
    pub(crate) sync_in_two_points: bool,
    /// A file's sync publishes the first half of every other file's bytes too.
    pub(crate) file_sync_publishes_half_of_others: bool,
    /// A file's sync publishes the files that were never synced too.
    pub(crate) file_sync_publishes_new_files: bool,
    /// What has to make room for a synced file comes with the bytes that nobody synced.
    pub(crate) displaced_files_bring_unsynced_bytes: bool,
    /// What has to make room for a synced file is lost.
    pub(crate) displaced_files_are_lost: bool,
    /// A file's sync publishes every other file and the tree too.
    pub(crate) file_sync_publishes_others: bool,
    /// A file's sync keeps everything but the attributes.
    pub(crate) file_sync_forgets_attributes: bool,
    /// A file's sync publishes the attributes of all others too.
    pub(crate) file_sync_publishes_attributes_of_others: bool,
    /// The backend's sync keeps everything but the attributes.
    pub(crate) sync_forgets_attributes: bool,
    /// The backend's sync keeps the attributes of files alone.
    pub(crate) sync_forgets_attributes_of_directories: bool,
    /// Unsynced attributes reach the store at once.
    pub(crate) unsynced_attributes_are_published: bool,
    /// Unsynced writes reach the store at once, the first page only.
    pub(crate) writes_leak: bool,
    /// Opening a file for writing cuts it in the store at once.
    pub(crate) open_for_writing_cuts_in_store: bool,
    /// A write without a sync zeroes its whole neighbourhood in the store.
    pub(crate) unsynced_write_harms_neighbours: bool,
    /// An unsynced write to one file takes another file out of the store.
    pub(crate) unsynced_write_harms_other_files: bool,
    /// `write` cuts the old file in the store before the new one is there.
    pub(crate) write_cuts_first: bool,
    /// A rename over a file removes that file from the store at once.
    pub(crate) rename_removes_target_first: bool,
    /// A rename leaves both names in the store after a file's sync.
    pub(crate) rename_keeps_both_names: bool,
    /// A rename removes the old name from the store at once, and adds the new one at the next sync.
    pub(crate) rename_removes_source_first: bool,
    /// Removing a file takes it from the store at once together with its directory's other files.
    pub(crate) removal_takes_siblings: bool,
    /// Nobody is locked out.
    pub(crate) lock_ignored: bool,
    /// Whoever opens second takes the location over, and the first is closed.
    pub(crate) lock_stolen: bool,
    /// A refused open closes the holder's lock.
    pub(crate) refusal_releases: bool,
    /// A refused open answers `Io`.
    pub(crate) refusal_is_io: bool,
    /// Closing keeps the lock.
    pub(crate) close_keeps_lock: bool,
    /// Closing keeps the lock while a file is still open.
    pub(crate) close_keeps_lock_while_files_are_open: bool,
    /// Dropping keeps the lock.
    pub(crate) drop_keeps_lock: bool,
    /// Dropping the backend gives the lock free though its files are still in use.
    pub(crate) drop_forgets_files: bool,
    /// A lack of space is reported as `Io`.
    pub(crate) no_space_is_io: bool,
    /// What has no space is dropped in silence.
    pub(crate) no_space_is_silent: bool,
    /// Running out of space empties the file that was written.
    pub(crate) no_space_empties_the_file: bool,
    /// Running out of space takes what was synced.
    pub(crate) no_space_loses_synced: bool,
    /// After running out of space nothing can be written any more.
    pub(crate) no_space_is_for_ever: bool,
    /// Removing and cutting frees nothing.
    pub(crate) nothing_is_freed: bool,
    /// After running out of space a sync fails.
    pub(crate) no_space_breaks_sync: bool,
    /// `usage` always says the same.
    pub(crate) usage_is_constant: bool,
    /// Checksums are not looked at.
    pub(crate) damage_undetected: bool,
    /// Damaged pages read as zeros.
    pub(crate) damage_reads_as_zeros: bool,
    /// Damage ends in a panic.
    pub(crate) damage_panics: bool,
    /// Damage is reported as `Io`.
    pub(crate) damage_is_io: bool,
    /// Files with a damaged page are deleted at the next open.
    pub(crate) damage_deletes: bool,
    /// Files are cut before their first damaged page at the next open.
    pub(crate) damage_truncates: bool,
    /// Damage makes the location start afresh.
    pub(crate) damage_resets: bool,
    /// A failed flush is reported once, and the next sync says that all is well.
    pub(crate) failed_flush_retried: bool,
    /// A failed flush is not reported.
    pub(crate) failed_flush_hidden: bool,
    /// After a failed flush syncs answer with its error, and writes go on.
    pub(crate) failed_flush_lets_writes_on: bool,
    /// After a failed flush reads fail too.
    pub(crate) failed_flush_stops_reads: bool,
    /// After a failed flush only the handle that saw it answers with the error.
    pub(crate) failed_flush_latches_one_handle: bool,
    /// A failed flush is for ever, even after opening again.
    pub(crate) failed_flush_survives_reopening: bool,
    /// A failed flush publishes half of the bytes and empties the store of what was synced before.
    pub(crate) failed_flush_loses_synced: bool,
}
