//! Databases that show what was lost or halved, for tests of [`anystorage_sqlite`] and of redb over the engines: natively, and as a module that
//! browsers load.
//!
//! - [`ledger`]: numbered transactions of SQLite
//! - [`shop`]: orders and documents in SQLite, made from a seed, searched, shrunk
//! - [`records`]: numbered commits of redb
//! - [`keys`]: many keys in redb
//! - `place`: all of them by URL, for a browser's worker
//! - `mirrored`: SQLite by URL over a mirror of an engine that has to be waited for
//! - `engine`: what such a URL opens

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod engine;
pub mod keys;
pub mod ledger;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub mod mirrored;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub mod place;
pub mod records;
pub mod shop;

use std::error::Error;

use rusqlite::Connection;

/// Done, or why not.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Whether SQLite finds no flaw in the database.
///
/// # Errors
/// The flaws that it finds, and what it says if it cannot look.
pub fn integrity_check(database: &Connection) -> Outcome<()> {
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(format!("integrity_check: {verdict}").into()) }
}

/// Anything that is not as it has to be.
fn wrong<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Outcome<()> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} where {expected:?} is expected").into()) }
}
