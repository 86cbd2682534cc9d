//! The index of the suite: every case, with its contract line, what it needs, and how it runs. Everything else follows from this table.

use crate::case::{Case, Need, Run};

/// Calls `$callback!` with the whole table: `{ [argument] module (line) { kind name [needs]; ... } ... }`. A case is `plain` (over an open
/// location), `place` (over a place that it opens itself) or `persistence` (two halves).
#[doc(hidden)]
#[macro_export]
macro_rules! __case_table {
    ([$($callback:tt)*] [$($argument:tt)*]) => {
        $($callback)*! {
            [$($argument)*]
            syncs (1) {
                persistence a_file_synced_by_its_handle_is_there [Durable];
                persistence the_directories_that_lead_to_a_synced_file_are_there [Durable];
                persistence a_backend_sync_covers_files_that_were_closed [Durable];
                persistence a_backend_sync_covers_removes_and_renames [Durable];
                persistence a_file_sync_covers_the_writes_of_all_handles [Durable];
                persistence a_sync_through_a_reading_handle_covers_the_file [Durable];
                persistence a_synced_cut_stays [Durable];
                persistence a_synced_sparse_file_is_there [Durable];
                persistence synced_emptiness_is_there [Durable];
                persistence a_sync_after_a_rename_covers_the_new_name [Durable];
                persistence synced_names_come_back_byte_for_byte [Durable];
                persistence the_last_of_many_syncs_counts [Durable];
                persistence the_location_works_on_afterwards [Durable];
                persistence a_name_taken_over_is_the_new_file [Durable AtomicRenameFile];
                persistence a_directory_made_again_holds_only_new_files [Durable];
                persistence a_directory_under_an_old_name_takes_nothing [Durable AtomicRenameDir];
            }
            synced_attributes (1) {
                persistence a_file_sync_covers_its_attributes [Durable Attributes];
                persistence a_backend_sync_covers_all_attributes [Durable Attributes];
            }
            unsynced (2) {
                persistence an_overwrite_reaches_no_further_than_its_bytes [Durable];
                persistence an_append_leaves_the_old_bytes [Durable];
                persistence a_cut_leaves_what_lies_before_it [Durable];
                persistence other_files_are_as_they_were [Durable];
                persistence changes_of_the_tree_each_happened_or_not [Durable];
                persistence a_renamed_file_has_one_of_its_names [Durable AtomicRenameFile];
                persistence a_renamed_directory_has_one_of_its_names [Durable AtomicRenameDir];
                persistence a_file_that_was_never_synced_has_nothing_foreign [Durable];
                persistence a_sync_beside_unsynced_changes_covers_its_own_file [Durable];
            }
            atomic_sync (3) {
                persistence unsynced_changes_are_gone_whole [Durable AtomicSync];
                persistence a_backend_sync_is_one_point_for_all [Durable AtomicSync];
                persistence one_files_sync_does_not_publish_anothers [Durable AtomicSync];
                persistence a_file_stands_at_its_last_sync [Durable AtomicSync];
                persistence unsynced_changes_of_the_tree_are_gone [Durable AtomicSync];
                persistence a_large_change_is_there_whole_or_not_at_all [Durable AtomicSync];
                persistence a_displaced_file_stands_at_its_own_last_sync [Durable AtomicSync];
                persistence a_file_that_changed_places_stands_at_its_own_last_sync [Durable AtomicSync];
                persistence a_file_that_was_never_synced_is_not_there [Durable AtomicSync];
                persistence unsynced_attributes_are_gone [Durable AtomicSync Attributes];
            }
            replacing (4) {
                plain write_leaves_exactly_its_data [];
                plain write_leaves_nothing_beside_its_file [];
                plain write_works_for_the_longest_names [];
                plain a_refused_write_changes_nothing [];
                plain a_replaced_file_that_is_open_keeps_its_bytes [];
                plain a_read_beside_a_write_sees_old_or_new [];
                plain writes_together_leave_one_of_them_whole [];
                plain write_takes_no_name_that_is_in_use [];
                plain rename_over_a_file_replaces_it [];
                persistence an_unsynced_write_is_old_or_new [Durable];
                persistence one_of_many_unsynced_writes_is_there [Durable];
                persistence a_synced_write_is_new [Durable];
                persistence an_unsynced_rename_over_a_file_is_old_or_new [Durable AtomicRenameFile];
                persistence a_synced_rename_over_a_file_is_new [Durable];
                persistence saving_by_hand_is_old_or_new [Durable AtomicRenameFile];
            }
            reads (5) {
                plain a_write_is_seen_before_any_sync [];
                plain holes_read_as_zeros [];
                plain growth_reads_as_zeros_after_a_cut [];
                plain a_read_ends_where_the_file_ends [];
                plain offsets_beyond_four_gib_work [];
                plain two_handles_see_each_others_writes [];
                plain overlapping_writes_end_as_in_an_array [];
                plain growth_reads_as_zeros [];
                plain an_empty_write_changes_nothing [];
                plain a_large_file_reads_back_in_any_pieces [];
                plain stat_tells_what_is_there_now [];
                plain the_revision_differs_after_every_change [];
                plain the_revision_of_a_directory_differs_after_every_change [];
                plain read_gives_the_whole_file_or_an_error [];
            }
            options (5) {
                plain every_combination_does_what_it_says [];
                plain create_new_refuses_what_exists [];
                plain a_reading_handle_does_not_write [];
                plain a_writing_handle_does_not_read [];
                plain truncation_is_seen_by_all_handles [];
                plain a_directory_is_not_opened_as_a_file [];
            }
            tree (5) {
                plain create_dir_makes_one_directory [];
                plain remove_dir_removes_empty_directories_alone [];
                plain remove_file_removes_files_alone [];
                plain a_refused_rename_changes_nothing [];
                plain a_rename_to_itself_changes_nothing [];
                plain a_renamed_directory_takes_everything_along [];
                plain a_removed_name_made_again_is_empty [];
                plain paths_that_lead_nowhere_are_told_apart [];
                plain deep_trees_work [];
                plain large_directories_work [];
                plain two_files_change_places [];
            }
            listing (5) {
                plain names_come_in_byte_order [];
                plain pages_are_cut_where_they_should_be [];
                plain entries_tell_what_they_are [];
                plain only_directories_are_listed [];
                plain removals_between_pages_hide_nobody [];
                plain a_directory_lists_its_own_entries_alone [];
            }
            order (6) {
                plain a_write_polled_once_runs_to_its_end [];
                plain a_set_len_polled_once_runs_to_its_end [];
                plain a_replacing_write_polled_once_runs_to_its_end [];
                plain changes_of_the_tree_polled_once_run_to_their_end [];
                plain a_dropped_write_outlives_its_handle [];
                plain a_dropped_sync_disturbs_nothing [];
                plain writes_polled_together_end_in_some_order [];
                plain a_write_and_a_cut_together_end_in_some_order [];
                plain a_read_beside_a_write_sees_before_or_after [];
                plain many_writes_together_all_arrive [];
                plain many_files_together_do_not_mix [];
                plain one_of_many_creations_wins [];
                plain one_of_many_renames_wins [];
            }
            holder (7) {
                place a_second_open_is_locked_and_the_holder_goes_on [OneHolder];
                place closing_gives_the_location_free [OneHolder];
                place dropping_gives_the_location_free [OneHolder];
                place an_open_file_holds_the_location [OneHolder];
                place a_file_outlives_the_drop_of_its_instance [];
                place one_of_two_opens_wins [OneHolder];
                plain after_close_every_call_answers_closed [];
                plain files_can_be_closed_after_their_backend [];
            }
            space (8) {
                place running_out_is_no_space [SmallPlace];
                place what_was_synced_stays_readable [SmallPlace];
                place removing_makes_room [SmallPlace FreedSpace];
                place cutting_makes_room [SmallPlace FreedSpace];
                place closing_a_removed_file_makes_room [SmallPlace FreedSpace];
                place a_write_that_runs_out_leaves_the_old_file [SmallPlace FreedSpace];
                place a_write_at_that_runs_out_leaves_a_prefix [SmallPlace];
                place many_small_files_run_out [SmallPlace FreedSpace];
                place a_hole_takes_no_space_or_is_refused [SmallPlace];
                place a_full_location_opens_again [SmallPlace FreedSpace Durable];
                place usage_tells_that_space_runs_out [SmallPlace Usage];
            }
            damage (9) {
                place damage_is_corrupt_and_never_a_panic [Damage];
                place damage_stays_where_it_is [Damage];
                place checksums_catch_every_damage [Damage Checksums];
                place nothing_is_deleted_or_cut_to_repair [Damage];
                place a_damaged_file_can_be_replaced [Damage];
                place a_damaged_location_takes_new_files [Damage];
            }
            honesty (10) {
                place capabilities_do_not_change [];
                place durability_is_what_it_says [];
                plain what_is_not_offered_answers_unsupported [];
                plain immediate_calls_are_ready_at_once [Immediate];
                plain the_longest_file_is_as_declared [];
                plain errors_name_the_operation_and_the_path [];
                plain usage_moves_with_what_is_stored [Usage];
                place sharing_is_what_it_says [];
            }
            attributes (10) {
                plain what_was_set_is_told [Attributes];
                plain only_what_is_given_is_set [Attributes];
                plain bad_attributes_are_refused [Attributes];
                plain a_time_that_was_set_stays_until_the_next_change [Attributes];
                plain attributes_follow_a_rename [Attributes];
                plain a_mode_outlives_changes_of_the_bytes [Attributes];
                plain a_link_is_told_and_never_followed [Attributes];
                plain a_link_is_changed_renamed_and_removed_itself [Attributes];
            }
            paths (10) {
                plain names_are_case_sensitive [];
                plain names_are_not_normalised [];
                plain odd_names_are_names [];
                plain names_work_up_to_the_declared_length [];
                plain the_longest_path_works_or_is_refused [];
            }
            flush (11) {
                place a_failed_flush_is_reported [FlushFaults];
                place further_writes_answer_the_error [FlushFaults];
                place other_handles_answer_the_error [FlushFaults];
                place the_backend_sync_does_not_say_ok [FlushFaults];
                place a_failed_backend_sync_is_not_forgotten [FlushFaults];
                place a_failed_flush_of_the_tree_is_not_forgotten [FlushFaults];
                place reads_go_on_working [FlushFaults];
                place opening_anew_clears_it [FlushFaults];
                place a_write_whose_flush_fails_leaves_the_old_file [FlushFaults];
                place an_ok_after_a_failed_flush_is_true [FlushFaults];
                place a_commit_refused_for_space_may_be_tried_again [SmallPlace FreedSpace];
            }
            open_files (12) {
                plain an_open_file_outlives_its_removal [];
                plain handles_on_a_removed_file_are_one_file [];
                plain an_open_file_follows_its_rename [];
                plain an_open_file_follows_its_directorys_rename [];
                plain an_open_file_outlives_its_replacement [];
                plain open_files_change_names_in_a_circle [];
                plain an_open_file_outlives_its_directory [];
                persistence a_sync_does_not_bring_a_removed_file_back [Durable];
                persistence writes_after_a_rename_are_in_the_renamed_file [Durable];
            }
        }
    };
}

macro_rules! run {
    (plain $module:ident $name:ident) => {
        Run::Plain(|backend| Box::pin(crate::cases::$module::$name(backend)))
    };
    (place $module:ident $name:ident) => {
        Run::Place(|place| Box::pin(crate::cases::$module::$name(place)))
    };
    (persistence $module:ident $name:ident) => {
        Run::Persistence {
            before: |backend| Box::pin(crate::cases::$module::$name::before(backend)),
            after: |backend, carry| Box::pin(crate::cases::$module::$name::after(backend, carry)),
        }
    };
}

macro_rules! cases {
    ([] $($module:ident ($line:literal) { $($kind:ident $name:ident [$($need:ident)*];)* })*) => {
        static CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($module), "::", stringify!($name)),
            line: $line,
            needs: &[$(Need::$need),*],
            run: run!($kind $module $name),
        },)*)*];
    };
}

__case_table!([cases] []);

/// Every case, in the order of the table.
#[must_use]
pub fn cases() -> &'static [Case] {
    CASES
}

/// The case of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}
