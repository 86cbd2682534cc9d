//! Connections of one process keep out of each other's way.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anystorage_api::ErrorKind;
use anystorage_sqlite::{Journal, Settings, Vfs};
use rusqlite::{Connection, TransactionBehavior, ffi};

use crate::engines::{assert_sound, directory, open_engine, refused, vfs};

fn impatient() -> Settings {
    Settings::shared().busy_timeout(Duration::ZERO)
}

fn two(vfs: &Vfs, settings: &Settings) -> (Connection, Connection) {
    let (one, other) = (vfs.open_with("app.db", settings).unwrap(), vfs.open_with("app.db", settings).unwrap());
    one.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    (one, other)
}

fn count(database: &Connection) -> rusqlite::Result<i64> {
    database.query_row("SELECT count(*) FROM t", [], |row| row.get(0))
}

/// The states of SQLite's documentation of locks, one after another, through SQLite itself.
#[test]
fn readers_and_a_writer_meet_as_sqlite_says() {
    let vfs = vfs(open_engine("memory", "".as_ref()));
    for journal in [Journal::Delete, Journal::Truncate, Journal::Persist, Journal::Memory] {
        let (one, other) = two(&vfs, &impatient().journal(journal));
        // SHARED and SHARED.
        one.execute_batch("BEGIN").unwrap();
        other.execute_batch("BEGIN").unwrap();
        assert_eq!((count(&one).unwrap(), count(&other).unwrap()), (1, 1));
        other.execute_batch("COMMIT").unwrap();
        // RESERVED beside SHARED, and no second RESERVED.
        one.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(count(&other).unwrap(), 1);
        assert_eq!(refused(other.execute_batch("BEGIN IMMEDIATE")), ffi::SQLITE_BUSY);
        let cause = vfs.last_error().unwrap();
        assert_eq!((cause.kind(), cause.path().unwrap().as_str()), (ErrorKind::Locked, "app.db"));
        // A reader keeps the commit waiting, which stays PENDING: no new readers.
        other.execute_batch("BEGIN").unwrap();
        assert_eq!(count(&other).unwrap(), 1);
        assert_eq!(refused(one.execute_batch("COMMIT")), ffi::SQLITE_BUSY);
        let third = vfs.connect("app.db", rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        third.busy_timeout(Duration::ZERO).unwrap();
        assert_eq!(refused(count(&third)), ffi::SQLITE_BUSY);
        assert_eq!(count(&other).unwrap(), 1);
        other.execute_batch("COMMIT").unwrap();
        one.execute_batch("COMMIT").unwrap();
        assert_eq!((count(&other).unwrap(), count(&third).unwrap()), (2, 2));
        // EXCLUSIVE beside nothing.
        one.execute_batch("BEGIN EXCLUSIVE").unwrap();
        assert_eq!(refused(count(&other)), ffi::SQLITE_BUSY);
        one.execute_batch("ROLLBACK; DROP TABLE t").unwrap();
    }
}

#[test]
fn exclusive_locking_lets_nobody_else_in_until_it_is_closed() {
    let vfs = vfs(open_engine("memory", "".as_ref()));
    let settings = Settings::recommended().busy_timeout(Duration::ZERO);
    let database = vfs.open_with("app.db", &settings).unwrap();
    database.execute_batch("CREATE TABLE t (x)").unwrap();
    for others in [settings, impatient()] {
        assert_eq!(refused(vfs.open_with("app.db", &others)), ffi::SQLITE_BUSY);
    }
    assert_eq!(vfs.export("app.db").unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(vfs.remove("app.db").unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(vfs.unregister().unwrap_err().kind(), ErrorKind::Locked);
    // Another database of the same VFS is another matter.
    vfs.open_with("other.db", &settings).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    database.close().unwrap();
    assert_eq!(count(&vfs.open_with("app.db", &settings).unwrap()).unwrap(), 0);
}

/// Transfers between accounts from several threads, with readers who must never see money come or go.
#[test]
fn threads_that_write_and_read_at_once_lose_nothing() {
    const WRITERS: i64 = 3;
    const TRANSFERS: i64 = 25;
    for engine in ["memory", "files", "redb"] {
        let place = directory();
        let vfs = vfs(open_engine(engine, place.path()));
        let settings = Settings::shared().busy_timeout(Duration::from_secs(60));
        let database = vfs.open_with("bank.db", &settings).unwrap();
        database
            .execute_batch("CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER); INSERT INTO account VALUES (0, 1000), (1, 1000)")
            .unwrap();
        let (sender, done) = mpsc::channel::<()>();
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                let (vfs, sender) = (vfs.clone(), sender.clone());
                scope.spawn(move || {
                    let mut database = vfs.open_with("bank.db", &settings).unwrap();
                    for amount in 1..=TRANSFERS {
                        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
                        transaction.execute("UPDATE account SET money = money - ? WHERE id = 0", [amount]).unwrap();
                        transaction.execute("UPDATE account SET money = money + ? WHERE id = 1", [amount]).unwrap();
                        transaction.commit().unwrap();
                    }
                    drop(sender);
                });
            }
            drop(sender);
            let mut reads = 0;
            while done.try_recv() != Err(mpsc::TryRecvError::Disconnected) || reads == 0 {
                let sum: i64 = database.query_row("SELECT sum(money) FROM account", [], |row| row.get(0)).unwrap();
                assert_eq!(sum, 2000, "{engine}");
                reads += 1;
            }
        });
        let first: i64 = database.query_row("SELECT money FROM account WHERE id = 0", [], |row| row.get(0)).unwrap();
        assert_eq!(first, 1000 - WRITERS * TRANSFERS * (TRANSFERS + 1) / 2, "{engine}");
        assert_sound(&database);
    }
}

#[test]
fn names_are_taken_once_and_given_free() {
    let first = vfs(open_engine("memory", "".as_ref()));
    let again = || anystorage_sqlite::register(first.name(), anystorage_api::Blocking::new(open_engine("memory", "".as_ref())).unwrap());
    assert_eq!(again().unwrap_err().kind(), ErrorKind::AlreadyExists);
    // A connection without a file does not keep it, and does not crash either.
    let temporary = Connection::open_with_flags_and_vfs("", rusqlite::OpenFlags::default(), first.name()).unwrap();
    first.unregister().unwrap();
    assert_eq!(first.unregister().unwrap_err().kind(), ErrorKind::Closed);
    assert!(first.open("app.db").is_err());
    assert!(
        temporary
            .execute_batch("PRAGMA cache_size = 1; CREATE TABLE t (x); INSERT INTO t SELECT randomblob(100000) FROM (VALUES (1), (2), (3))")
            .is_err()
    );
    let second = again().unwrap();
    second.open("app.db").unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    second.unregister().unwrap();
    for name in ["", "with\0nul"] {
        let refused = anystorage_sqlite::register(name, anystorage_api::Blocking::new(open_engine("memory", "".as_ref())).unwrap());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

/// One file under two names had two sets of locks, and two journals.
#[test]
fn a_database_behind_a_symbolic_link_is_refused() {
    let place = directory();
    let vfs = vfs(open_engine("files", place.path()));
    vfs.open("d/app.db").unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    std::os::unix::fs::symlink("app.db", place.path().join("d/link.db")).unwrap();
    std::os::unix::fs::symlink("d", place.path().join("e")).unwrap();
    for name in ["d/link.db", "e/app.db", "e/new.db"] {
        assert_eq!(refused(vfs.open(name)), ffi::SQLITE_CANTOPEN, "{name}");
        assert!(vfs.last_error().unwrap().to_string().contains("symbolic link"), "{name}");
        assert_eq!(vfs.export(name).unwrap_err().kind(), ErrorKind::InvalidPath, "{name}");
    }
    assert_eq!(count(&vfs.open("d/app.db").unwrap()).unwrap(), 0);
}
