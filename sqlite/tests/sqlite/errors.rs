//! What an engine says reaches SQLite as a code, and whoever asks in full; its panics reach nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anystorage_api::{
    Capabilities, DirEntry, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath, engine,
};
use anystorage_memory::MemoryBackend;
use anystorage_native::files::fault::FlushFaults;
use anystorage_native::files::{FilesBackend, HostDisk};
use anystorage_sqlite::{Journal, Settings};
use rusqlite::{Connection, ffi};

use crate::engines::{assert_sound, directory, open_engine, refused, vfs};

/// What goes wrong: nothing, or a call of one kind.
#[derive(Clone, Debug, Default)]
struct Switch(Arc<AtomicU8>);

const READS_FAIL: u8 = 1;
const READS_PANIC: u8 = 2;
const SYNCS_PANIC: u8 = 3;
const OPENS_ARE_LOCKED: u8 = 4;
const READS_ARE_DAMAGED: u8 = 5;
const OPENS_PANIC: u8 = 6;

impl Switch {
    fn set(&self, what: u8) {
        self.0.store(what, Ordering::Relaxed);
    }

    fn is(&self, what: u8) -> bool {
        self.0.load(Ordering::Relaxed) == what
    }
}

/// The memory engine with calls that go wrong.
#[derive(Debug)]
struct Failing {
    inner: MemoryBackend,
    switch: Switch,
}

#[derive(Debug)]
struct FailingFile {
    inner: Box<dyn StorageFile>,
    switch: Switch,
    path: StoragePath,
}

#[engine]
impl StorageBackend for Failing {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        assert!(!self.switch.is(OPENS_PANIC), "this opening panics");
        if self.switch.is(OPENS_ARE_LOCKED) {
            return Err(Error::new(ErrorKind::Locked, Operation::Open).with_path(path));
        }
        let inner = self.inner.open(path, options).await?;
        Ok(Box::new(FailingFile { inner, switch: self.switch.clone(), path: path.clone() }))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.inner.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.inner.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.inner.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.inner.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.inner.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.inner.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.inner.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[engine]
impl StorageFile for FailingFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        assert!(!self.switch.is(READS_PANIC), "this read panics");
        let failed = |kind, cause: &str| Err(Error::new(kind, Operation::Read).with_path(&self.path).with_cause(cause.to_owned()));
        if self.switch.is(READS_FAIL) {
            return failed(ErrorKind::Io, "the platter is on fire");
        }
        if self.switch.is(READS_ARE_DAMAGED) {
            return failed(ErrorKind::Corrupt, "a checksum that does not fit");
        }
        self.inner.read_at(offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.inner.write_at(offset, data).await
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        self.inner.set_len(len).await
    }
    async fn stat(&self) -> Result<Metadata> {
        self.inner.stat().await
    }
    async fn sync(&self) -> Result<()> {
        assert!(!self.switch.is(SYNCS_PANIC), "this sync panics");
        self.inner.sync().await
    }
    async fn close(self: Box<Self>) -> Result<()> {
        self.inner.close().await
    }
}

fn failing() -> (anystorage_sqlite::Vfs, Switch) {
    let switch = Switch::default();
    (vfs(Failing { inner: MemoryBackend::new(), switch: switch.clone() }), switch)
}

/// A database of which nothing is in the cache of its connection.
fn filled(vfs: &anystorage_sqlite::Vfs, journal: Journal) -> Connection {
    let settings = Settings::recommended().journal(journal);
    let database = vfs.open_with("a.db", &settings).unwrap();
    database.execute_batch("CREATE TABLE t (x); INSERT INTO t SELECT randomblob(2000) FROM (VALUES (1), (2), (3), (4))").unwrap();
    database.close().unwrap();
    vfs.open_with("a.db", &settings).unwrap()
}

fn read(database: &Connection) -> rusqlite::Result<i64> {
    database.query_row("SELECT sum(length(x)) FROM t", [], |row| row.get(0))
}

/// SQLite's number for the host's error of the last call.
fn system_errno(database: &Connection) -> i32 {
    #[allow(unsafe_code)]
    // SAFETY: the handle is that of an open connection, and the call reads it.
    unsafe {
        ffi::sqlite3_system_errno(database.handle())
    }
}

#[test]
fn a_failed_read_keeps_its_cause() {
    let (vfs, switch) = failing();
    let database = filled(&vfs, Journal::Delete);
    assert!(vfs.last_error().is_none_or(|error| error.kind() == ErrorKind::NotFound));
    switch.set(READS_FAIL);
    assert_eq!(refused(read(&database)), ffi::SQLITE_IOERR_READ);
    let cause = vfs.last_error().unwrap();
    assert_eq!((cause.kind(), cause.operation(), cause.path().unwrap().as_str()), (ErrorKind::Io, Operation::Read, "a.db"));
    assert_eq!(std::error::Error::source(&cause).unwrap().to_string(), "the platter is on fire");
    assert_eq!(system_errno(&database), ErrorKind::Io.errno());
    switch.set(0);
    assert_eq!(read(&database).unwrap(), 8000);
}

#[test]
fn damage_that_the_engine_finds_is_a_malformed_database() {
    let (vfs, switch) = failing();
    let database = filled(&vfs, Journal::Delete);
    switch.set(READS_ARE_DAMAGED);
    assert_eq!(refused(read(&database)), ffi::SQLITE_CORRUPT);
    assert_eq!(vfs.last_error().unwrap().kind(), ErrorKind::Corrupt);
    assert!(vfs.last_error().unwrap().to_string().contains("a checksum that does not fit"));
}

/// SQLite's serialisation takes pages that cannot be read for zeros, and the copy went for a whole database.
#[test]
fn an_export_of_what_cannot_be_read_fails() {
    let (vfs, switch) = failing();
    let mut database = filled(&vfs, Journal::Persist);
    for (what, kind, code) in
        [(READS_FAIL, ErrorKind::Io, ffi::SQLITE_IOERR_READ), (READS_ARE_DAMAGED, ErrorKind::Corrupt, ffi::SQLITE_CORRUPT)]
    {
        switch.set(what);
        assert_eq!(refused(anystorage_sqlite::export(&mut database)), code);
        assert_eq!(vfs.last_error().unwrap().kind(), kind);
        switch.set(0);
    }
    database.close().unwrap();
    let failures =
        [(READS_FAIL, ErrorKind::Io, "the platter is on fire"), (READS_ARE_DAMAGED, ErrorKind::Corrupt, "a checksum that does not fit")];
    for (what, kind, cause) in failures {
        switch.set(what);
        let error = vfs.export("a.db").unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(cause), "{error}");
        switch.set(0);
    }
    assert!(vfs.export("a.db").unwrap().len() > 8000);
}

/// A connection in a variable of a thread is closed when the thread ends, maybe after what the VFS remembers there.
#[test]
fn a_connection_may_be_closed_when_its_thread_ends() {
    thread_local! {
        static OPEN: std::cell::RefCell<Option<Connection>> = const { std::cell::RefCell::new(None) };
    }
    let (vfs, switch) = failing();
    let (inside, panics) = (vfs.clone(), switch.clone());
    std::thread::spawn(move || {
        OPEN.with_borrow(|open| assert!(open.is_none()));
        let database = filled(&inside, Journal::Wal);
        database.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        panics.set(READS_FAIL);
        OPEN.set(Some(database));
    })
    .join()
    .unwrap();
    switch.set(0);
    assert_eq!(read(&vfs.open("a.db").unwrap()).unwrap(), 8001);
}

#[test]
fn what_is_locked_is_busy_and_what_panics_cannot_be_opened() {
    let (vfs, switch) = failing();
    switch.set(OPENS_ARE_LOCKED);
    assert_eq!(refused(vfs.open("a.db")), ffi::SQLITE_BUSY);
    assert_eq!(vfs.last_error().unwrap().kind(), ErrorKind::Locked);
    switch.set(OPENS_PANIC);
    assert!(vfs.open("a.db").is_err());
    assert!(vfs.last_error().unwrap().to_string().contains("this opening panics"));
    switch.set(0);
    filled(&vfs, Journal::Wal);
    // Nothing that failed to open is still counted as open.
    vfs.unregister().unwrap();
}

#[test]
fn a_panic_of_the_engine_is_an_error_that_stays_until_the_database_is_opened_again() {
    for journal in [Journal::Delete, Journal::Wal] {
        let (vfs, switch) = failing();
        let database = filled(&vfs, journal);
        switch.set(SYNCS_PANIC);
        assert_eq!(refused(database.execute("INSERT INTO t VALUES (zeroblob(5))", [])), ffi::SQLITE_IOERR_FSYNC, "{journal:?}");
        let cause = vfs.last_error().unwrap();
        assert!(cause.to_string().contains("the engine panicked: this sync panics"), "{cause}");
        switch.set(0);
        assert!(database.execute("INSERT INTO t VALUES (zeroblob(5))", []).is_err(), "{journal:?}");
        drop(database);
        let database = vfs.open_with("a.db", &Settings::recommended().journal(journal)).unwrap();
        assert_sound(&database);
        database.execute("INSERT INTO t VALUES (zeroblob(5))", []).unwrap();
        switch.set(READS_PANIC);
        drop(database);
        switch.set(0);
        assert_sound(&vfs.open("a.db").unwrap());
    }
}

/// A flush of the host that fails: the commit is refused, nothing more is written, and after reopening all that was committed is there.
#[test]
fn a_failed_flush_refuses_the_commit() {
    for journal in [Journal::Delete, Journal::Truncate, Journal::Wal] {
        let place = directory();
        let (disk, switch) = FlushFaults::new(HostDisk::open(place.path()).unwrap());
        let vfs = vfs(FilesBackend::over(disk));
        let database = filled(&vfs, journal);
        switch.set_failing(true);
        let code = refused(database.execute("INSERT INTO t VALUES (zeroblob(5))", []));
        assert!([ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC].contains(&code), "{journal:?}: {code}");
        // SQLite tried to roll back since, which is refused for the same reason (contract line 11).
        assert_eq!(vfs.last_error().unwrap().kind(), ErrorKind::Io);
        switch.set_failing(false);
        drop(database);
        vfs.unregister().unwrap();
        let vfs = crate::engines::vfs(open_engine("files", place.path()));
        let database = vfs.open("a.db").unwrap();
        assert!([8000, 8005].contains(&read(&database).unwrap()), "{journal:?}");
        assert_sound(&database);
    }
}
