//! What every test asks of a database.

use rusqlite::Connection;

/// What `PRAGMA integrity_check` says of a database without a flaw is `ok`.
pub(crate) fn integrity(database: &Connection) -> rusqlite::Result<String> {
    database.query_row("PRAGMA integrity_check", [], |row| row.get(0))
}

#[track_caller]
pub(crate) fn assert_sound(database: &Connection) {
    assert_eq!(integrity(database).unwrap(), "ok");
}

/// The extended code of the error that must be there.
#[cfg_attr(all(target_family = "wasm", target_os = "unknown"), expect(dead_code, reason = "native tests alone"))]
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: rusqlite::Result<T>) -> i32 {
    outcome.unwrap_err().sqlite_error().expect("an error of SQLite").extended_code
}
