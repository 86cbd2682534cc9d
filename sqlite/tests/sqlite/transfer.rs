//! Databases as bytes.

use anystorage_api::{Blocking, ErrorKind, StoragePath};
use anystorage_sqlite::{Journal, Settings};
use rusqlite::Connection;

use crate::engines::{DURABLE, assert_sound, directory, open_engine, vfs};

fn sum(database: &Connection) -> i64 {
    database.query_row("SELECT sum(x) FROM t", [], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_exported_opens_in_any_sqlite_and_is_imported_again() {
    for engine in DURABLE {
        let place = directory();
        let vfs = vfs(open_engine(engine, place.path()));
        let mut database = vfs.open("a.db").unwrap();
        database.execute_batch("CREATE TABLE t (x); INSERT INTO t SELECT value FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 5000) SELECT value FROM n)").unwrap();
        // All of it is in the log, so far.
        let open = anystorage_sqlite::export(&mut database).unwrap();
        database.close().unwrap();
        let closed = vfs.export("a.db").unwrap();
        for bytes in [&open, &closed] {
            let file = place.path().join("exported.db");
            std::fs::write(&file, bytes).unwrap();
            let elsewhere = Connection::open(&file).unwrap();
            assert_eq!(sum(&elsewhere), 12_502_500);
            assert_sound(&elsewhere);
        }
        vfs.import("deep/down/b.db", &closed).unwrap();
        assert_eq!(sum(&vfs.open("deep/down/b.db").unwrap()), 12_502_500, "{engine}");
        assert_eq!(vfs.import("a.db", &closed).unwrap_err().kind(), ErrorKind::AlreadyExists);
        vfs.remove("a.db").unwrap();
        assert_eq!(vfs.remove("a.db").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(vfs.export("a.db").unwrap_err().kind(), ErrorKind::NotFound);
        vfs.import("a.db", &closed).unwrap();
        assert_sound(&vfs.open("a.db").unwrap());
    }
}

#[test]
fn what_is_no_database_is_not_imported() {
    let storage = std::sync::Arc::new(open_engine("memory", "".as_ref()));
    let vfs = vfs(storage.clone());
    let mut database = vfs.open("a.db").unwrap();
    database.execute_batch("CREATE TABLE t (x)").unwrap();
    let good = anystorage_sqlite::export(&mut database).unwrap();
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let bad = [
        Vec::new(),
        good[..50].to_vec(),
        good[..good.len() - 1].to_vec(),
        changed(0, b's'),
        changed(16, 3),
        changed(17, 1),
        changed(18, 9),
    ];
    for bytes in bad {
        let error = vfs.import("b.db", &bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(!Blocking::new(storage.clone()).unwrap().exists(&StoragePath::parse("b.db").unwrap()).unwrap());
    }
    vfs.import("b.db", &good).unwrap();
}

/// A journal that an earlier database left would be rolled back into the imported one.
#[test]
fn an_import_is_not_touched_by_old_journals() {
    let storage = std::sync::Arc::new(open_engine("memory", "".as_ref()));
    let vfs = vfs(storage.clone());
    let storage = Blocking::new(storage).unwrap();
    let path = |text: &str| StoragePath::parse(text).unwrap();
    let mut database = vfs.open_with("a.db", &Settings::recommended().journal(Journal::Delete)).unwrap();
    database.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1); PRAGMA cache_size = 1; BEGIN; UPDATE t SET x = 2; INSERT INTO t SELECT randomblob(9000) FROM (VALUES (1), (2), (3), (4))").unwrap();
    let journal = storage.read(&path("a.db-journal")).unwrap();
    assert!(!journal.is_empty());
    database.execute_batch("ROLLBACK; UPDATE t SET x = 5").unwrap();
    let bytes = anystorage_sqlite::export(&mut database).unwrap();
    storage.write(&path("b.db-journal"), &journal).unwrap();
    storage.write(&path("b.db-wal"), b"left").unwrap();
    vfs.import("b.db", &bytes).unwrap();
    assert!(!storage.exists(&path("b.db-journal")).unwrap() && !storage.exists(&path("b.db-wal")).unwrap());
    assert_eq!(sum(&vfs.open("b.db").unwrap()), 5);
}
