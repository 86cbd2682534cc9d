//! Every journal mode on every engine: written, rolled back, closed, opened again.

use std::sync::Arc;

use anystorage_api::{Blocking, StorageBackend, StoragePath};
use anystorage_memory::MemoryBackend;
use anystorage_sqlite::{Journal, Settings, Synchronous};
use futures_lite::future::block_on;
use rusqlite::{Connection, params};

use crate::engines::{DURABLE, JOURNALS, assert_sound, directory, open_engine, refused, vfs};

const ROWS: u32 = 300;

fn fill(database: &mut Connection, round: u32, rolls_back: bool) {
    database.execute_batch("CREATE TABLE IF NOT EXISTS item (round INTEGER, number INTEGER, text TEXT)").unwrap();
    let add = |transaction: &rusqlite::Transaction<'_>, round: u32| {
        for number in 0..ROWS {
            let text = format!("{number} of {round} ").repeat(20);
            transaction.execute("INSERT INTO item VALUES (?, ?, ?)", params![round, number, text]).unwrap();
        }
    };
    let transaction = database.transaction().unwrap();
    add(&transaction, round);
    transaction.commit().unwrap();
    if rolls_back {
        let transaction = database.transaction().unwrap();
        add(&transaction, 1_000 + round);
        transaction.execute("DELETE FROM item WHERE round = ?", [round]).unwrap();
        transaction.rollback().unwrap();
    }
}

fn rounds(database: &Connection) -> Vec<(u32, u32)> {
    let mut statement = database.prepare("SELECT round, count(*) FROM item GROUP BY round ORDER BY round").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn every_journal_mode_works_on_every_engine_and_after_reopening() {
    for engine in ["memory"].into_iter().chain(DURABLE) {
        for journal in JOURNALS {
            let place = directory();
            let settings = Settings::recommended().journal(journal);
            let mut vfs = vfs(open_engine(engine, place.path()));
            for round in 0..3 {
                let mut database = vfs.open_with("dir/sub/app.db", &settings).unwrap();
                let mode: String = database.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
                assert_eq!(mode, journal.as_str(), "{engine}");
                fill(&mut database, round, journal != Journal::Off);
                assert_eq!(rounds(&database), (0..=round).map(|round| (round, ROWS)).collect::<Vec<_>>(), "{engine} {journal:?}");
                assert_sound(&database);
                database.close().unwrap();
                if engine != "memory" {
                    // The whole location again, not only the database.
                    vfs.unregister().unwrap();
                    vfs = crate::engines::vfs(open_engine(engine, place.path()));
                }
            }
            let database = vfs.open("dir/sub/app.db").unwrap();
            assert_eq!(rounds(&database).len(), 3, "{engine} {journal:?}");
            assert_sound(&database);
        }
    }
}

/// The journal of the transaction that creates a database is removed, and nothing made that durable: over stores, whose files are synced one
/// by one, it was there again after a kill, and was rolled back into a database whose commits were in the log since. All of them were gone.
#[test]
fn a_journal_that_was_removed_stays_away_from_what_is_committed_after_it() {
    for engine in DURABLE {
        for journal in [Journal::Wal, Journal::Delete] {
            let place = directory();
            let storage = std::sync::Arc::new(open_engine(engine, place.path()));
            let interrupted = vfs(storage.clone());
            let mut database = interrupted.open_with("app.db", &Settings::recommended().journal(journal)).unwrap();
            fill(&mut database, 0, true);
            // As a kill would have it: what is not synced is in the memory of the engine, and goes with it.
            Blocking::new(storage).unwrap().close().unwrap();
            drop(database);
            interrupted.unregister().unwrap();
            let vfs = vfs(open_engine(engine, place.path()));
            let database = vfs.open_with("app.db", &Settings::recommended().journal(journal)).unwrap();
            assert_eq!(rounds(&database), [(0, ROWS)], "{engine}, {journal:?}");
            assert_sound(&database);
        }
    }
}

/// A log that is left behind by a kill: the database can then be opened in exclusive locking alone, in which every setting begins.
#[test]
fn a_database_left_with_its_log_opens_with_other_settings() {
    let place = directory();
    let storage = std::sync::Arc::new(open_engine("files", place.path()));
    let registered = vfs(storage.clone());
    let mut database = registered.open("app.db").unwrap();
    fill(&mut database, 0, false);
    let blocking = Blocking::new(storage).unwrap();
    let copied = ["app.db", "app.db-wal"].map(|name| (name, blocking.read(&StoragePath::parse(name).unwrap()).unwrap()));
    for settings in [Settings::shared(), Settings::recommended().journal(Journal::Delete), Settings::recommended()] {
        let elsewhere = directory();
        for (name, bytes) in &copied {
            std::fs::write(elsewhere.path().join(name), bytes).unwrap();
        }
        let vfs = vfs(open_engine("files", elsewhere.path()));
        let database = vfs.open_with("app.db", &settings).unwrap();
        assert_eq!(rounds(&database), [(0, ROWS)]);
        assert_sound(&database);
    }
}

#[test]
fn the_recommended_settings_are_set_and_wal_without_exclusive_locking_is_refused() {
    let vfs = vfs(open_engine("memory", "".as_ref()));
    let database = vfs.open("a.db").unwrap();
    database.execute_batch("CREATE TABLE t (x)").unwrap();
    let text = |pragma: &str| database.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
    assert_eq!(text("page_size"), 4096.into());
    assert_eq!(text("foreign_keys"), 1.into());
    assert_eq!(text("synchronous"), 2.into());
    assert_eq!(text("locking_mode"), "exclusive".to_owned().into());
    assert_eq!(text("journal_mode"), "wal".to_owned().into());
    assert_eq!(refused(vfs.open_with("b.db", &Settings::recommended().exclusive(false))), rusqlite::ffi::SQLITE_MISUSE);
    let delete = vfs.open_with("c.db", &Settings::shared().journal(Journal::Delete)).unwrap();
    // EXTRA: the removal of the journal is the commit.
    assert_eq!(delete.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0)).unwrap(), 3);
}

/// Names that SQLite itself takes for something else are files here.
#[test]
fn every_path_is_a_file_of_the_engine() {
    let storage = std::sync::Arc::new(open_engine("memory", "".as_ref()));
    let vfs = vfs(storage.clone());
    let storage = Blocking::new(storage).unwrap();
    for name in [":memory:", "file:x?mode=memory", "ä ö/😀.db", "/rooted.db"] {
        let database = vfs.open(name).unwrap();
        database.execute_batch("CREATE TABLE t (x)").unwrap();
        let path = StoragePath::parse(name.trim_start_matches('/')).unwrap();
        assert!(storage.is_file(&path).unwrap(), "{name}");
    }
    for name in ["", "a/../b", "a//b", &"n".repeat(250)] {
        let error = vfs.open(name).unwrap_err();
        assert_eq!(error.sqlite_error().unwrap().extended_code, rusqlite::ffi::SQLITE_CANTOPEN, "{name}");
        assert_eq!(vfs.last_error().unwrap().kind(), anystorage_api::ErrorKind::InvalidPath, "{name}");
    }
    // A name that leaves room for the journals, and just so.
    let longest = "n".repeat(243);
    vfs.open(&longest).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
}

/// Sorters, temporary tables, VACUUM and statement journals leave nothing behind.
#[test]
fn temporary_files_leave_nothing_in_the_engine() {
    let storage = std::sync::Arc::new(open_engine("memory", "".as_ref()));
    let vfs = vfs(storage.clone());
    let mut database = vfs.open_with("app.db", &Settings::recommended().journal(Journal::Delete)).unwrap();
    database.execute_batch("PRAGMA cache_size = 10; PRAGMA temp_store = FILE; PRAGMA cache_spill = 1").unwrap();
    for round in 0..20 {
        fill(&mut database, round, true);
    }
    database.execute_batch("CREATE TEMP TABLE copy AS SELECT * FROM item; CREATE INDEX temp.by_text ON copy (text)").unwrap();
    database.execute_batch("CREATE INDEX by_text ON item (text, number); UPDATE OR IGNORE item SET number = number + 1; VACUUM").unwrap();
    let sorted: u32 =
        database.query_row("SELECT count(*) FROM (SELECT DISTINCT text FROM copy ORDER BY text DESC)", [], |row| row.get(0)).unwrap();
    assert_eq!(sorted, 20 * ROWS);
    assert_sound(&database);
    database.close().unwrap();
    let names: Vec<String> =
        Blocking::new(storage).unwrap().list_all(&StoragePath::root()).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["app.db"]);
    vfs.unregister().unwrap();
}

/// A transaction over two files commits in both or in none, by a journal of its own, which is gone afterwards.
#[test]
fn two_databases_commit_together() {
    for engine in DURABLE {
        let place = directory();
        let storage = std::sync::Arc::new(open_engine(engine, place.path()));
        let vfs = vfs(storage.clone());
        let settings = Settings::recommended().journal(Journal::Delete);
        let database = vfs.open_with("one.db", &settings).unwrap();
        database.execute("ATTACH ? AS other", ["/two.db"]).unwrap();
        database
            .execute_batch(
                "CREATE TABLE t (x); CREATE TABLE other.t (x); BEGIN; INSERT INTO t VALUES (1); INSERT INTO other.t VALUES (1); COMMIT",
            )
            .unwrap();
        database.close().unwrap();
        let names = Blocking::new(storage).unwrap().list_all(&StoragePath::root()).unwrap();
        let names: Vec<&str> = names.iter().map(|entry| entry.name.as_str()).filter(|name| name.contains(".db")).collect();
        assert_eq!(names, ["one.db", "two.db"], "{engine}");
        let other = vfs.open("two.db").unwrap();
        assert_eq!(other.query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    }
}

/// A location that can be read and no more gives databases that can be read and no more.
#[test]
fn a_location_that_is_read_only_is_read() {
    let place = directory();
    let writable = vfs(open_engine("files", place.path()));
    let mut database = writable.open_with("app.db", &Settings::shared()).unwrap();
    fill(&mut database, 0, false);
    database.close().unwrap();
    writable.unregister().unwrap();
    let vfs = vfs(anystorage_native::files::FilesBackend::open_read_only(place.path()).unwrap());
    let database = vfs.connect("app.db", rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    assert_eq!(rounds(&database), [(0, ROWS)]);
    assert_eq!(refused(database.execute("DELETE FROM item", [])), rusqlite::ffi::SQLITE_READONLY);
}

/// Pages that are written before the commit, and again, have SQLite write heads of frames anew: the last of them stayed behind where no sync
/// followed, and a copy of the files, as a mirror's, had one commit less.
#[test]
fn the_engine_has_each_transaction_when_it_commits_without_a_sync_too() {
    let storage = Arc::new(MemoryBackend::new());
    let vfs_here = vfs(Arc::clone(&storage));
    let mut database = vfs_here.open_with("a.db", &Settings::recommended().synchronous(Synchronous::Off)).unwrap();
    database.execute_batch("PRAGMA cache_size = 8; PRAGMA wal_autocheckpoint = 12; CREATE TABLE t (number INTEGER, data BLOB)").unwrap();
    for number in 1..=60_u32 {
        let transaction = database.transaction().unwrap();
        for part in 0..1 + number % 5 {
            let data = vec![part as u8; if number.is_multiple_of(4) { 6_000 } else { 700 }];
            transaction.execute("INSERT INTO t VALUES (?, ?)", params![number, data]).unwrap();
        }
        transaction.execute("DELETE FROM t WHERE number < ?", [number.saturating_sub(3)]).unwrap();
        transaction.execute("UPDATE t SET data = zeroblob(900) WHERE number = ?", [number.saturating_sub(2)]).unwrap();
        transaction.commit().unwrap();

        let copy = MemoryBackend::new();
        block_on(async {
            for name in ["a.db", "a.db-wal"].map(|name| StoragePath::parse(name).unwrap()) {
                copy.write(&name, &storage.read(&name).await.unwrap()).await.unwrap();
            }
        });
        let copied = vfs(copy).open("a.db").unwrap();
        assert_sound(&copied);
        let last: u32 = copied.query_row("SELECT max(number) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(last, number);
    }
}
