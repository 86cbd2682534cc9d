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
            }
            reads (5) {
                plain a_write_is_seen_before_any_sync [];
                plain holes_read_as_zeros [];
                plain growth_reads_as_zeros_after_a_cut [];
                plain a_read_ends_where_the_file_ends [];
                plain offsets_beyond_four_gib_work [];
                plain two_handles_see_each_others_writes [];
            }
            order (6) {
                plain a_call_polled_once_runs_to_its_end [];
                plain writes_polled_together_end_in_some_order [];
            }
            holder (7) {
                place a_second_open_is_locked_and_the_holder_goes_on [OneHolder];
                place closing_gives_the_location_free [OneHolder];
                plain after_close_every_call_answers_closed [];
            }
            open_files (12) {
                plain an_open_file_outlives_its_removal [];
                plain an_open_file_follows_its_rename [];
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
