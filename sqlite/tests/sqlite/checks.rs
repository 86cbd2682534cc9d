//! What every test asks of a database.

use anystorage_databases::integrity_check;
use rusqlite::Connection;

#[track_caller]
pub(crate) fn assert_sound(database: &Connection) {
    integrity_check(database).unwrap();
}

/// The extended code of the error that must be there.
#[cfg_attr(all(target_family = "wasm", target_os = "unknown"), expect(dead_code, reason = "native tests alone"))]
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: rusqlite::Result<T>) -> i32 {
    outcome.unwrap_err().sqlite_error().expect("an error of SQLite").extended_code
}
