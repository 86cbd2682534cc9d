//! Running out of space is `SQLITE_FULL`, loses nothing, and is over when space is there again.

use anystorage_api::{Blocking, ErrorKind, StorageBackend, StoragePath};
use anystorage_conformance::simdisk::SimDisk;
use anystorage_kv::testing::SimMedium;
use anystorage_kv::{KvBackend, KvOptions};
use anystorage_memory::MemoryBackend;
use anystorage_native::files::FilesBackend;
use anystorage_sqlite::{Journal, Settings, Synchronous};
use futures_lite::future::block_on;
use rusqlite::{Connection, ffi, params};

use crate::engines::{JOURNALS, assert_sound, refused, vfs};
use crate::power_cut::SimHost;

const ROOM: u64 = 2 << 20;

/// Engines that hold two megabytes.
fn small(name: &str) -> Box<dyn StorageBackend> {
    match name {
        "memory" => Box::new(MemoryBackend::with_limit(ROOM)),
        "files" => {
            let disk = SimDisk::new();
            disk.set_capacity(ROOM);
            Box::new(FilesBackend::over(SimHost(disk)))
        }
        _ => {
            let medium = SimMedium::new();
            medium.set_limit(ROOM);
            let options = KvOptions::new().immediate(true).dirty_bytes(64 << 10);
            Box::new(block_on(KvBackend::open(medium.open().unwrap(), options)).unwrap())
        }
    }
}

fn add(database: &Connection, id: i64) -> rusqlite::Result<usize> {
    database.execute("INSERT INTO t VALUES (?, randomblob(30000))", params![id])
}

fn ids(database: &Connection) -> (i64, i64) {
    database.query_row("SELECT count(*), coalesce(max(id), 0) FROM t", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn a_full_engine_is_a_full_database_until_space_is_freed() {
    for engine in ["memory", "files", "kv"] {
        for journal in JOURNALS {
            // Without a rollback a transaction that fails half-way leaves what it leaves: SQLite says so.
            if matches!(journal, Journal::Off) {
                continue;
            }
            let storage = std::sync::Arc::new(small(engine));
            let vfs = vfs(storage.clone());
            let storage = Blocking::new(storage).unwrap();
            let ballast = StoragePath::parse("ballast").unwrap();
            storage.write(&ballast, &vec![1; 1 << 20]).unwrap();
            storage.sync().unwrap();
            let what = format!("{engine}, {}", journal.as_str());
            let database = vfs.open_with("a.db", &Settings::recommended().journal(journal).synchronous(Synchronous::Full)).unwrap();
            database.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)").unwrap();
            let mut done = 0;
            let code = loop {
                match add(&database, done + 1) {
                    Ok(_) => done += 1,
                    Err(error) => break error.sqlite_error().unwrap().extended_code,
                }
                assert!(done < 200, "{what}: it never gets full");
            };
            assert_eq!(code, ffi::SQLITE_FULL, "{what}: {:?}", vfs.last_error());
            let cause = vfs.last_error().unwrap();
            assert_eq!(cause.kind(), ErrorKind::NoSpace, "{what}: {cause}");
            assert_eq!(ids(&database), (done, done), "{what}: what was committed stays readable");
            assert_eq!(refused(add(&database, done + 1)), ffi::SQLITE_FULL, "{what}");
            storage.remove_file(&ballast).unwrap();
            storage.sync().unwrap();
            add(&database, done + 1).unwrap_or_else(|error| panic!("{what}: after freeing space: {error}, {:?}", vfs.last_error()));
            assert_eq!(ids(&database), (done + 1, done + 1), "{what}");
            assert_sound(&database);
            database.close().unwrap();
            let database = vfs.open("a.db").unwrap();
            assert_eq!(ids(&database), (done + 1, done + 1), "{what}");
            assert_sound(&database);
        }
    }
}
