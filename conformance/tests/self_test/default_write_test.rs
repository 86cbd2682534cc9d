//! `StorageBackend`'s own `read` and `write`, over an engine that lets others run at every call.

use std::sync::Arc;

use anystorage_api::{
    Attributes, Capabilities, DirEntry, ErrorKind, Metadata, OpenOptions, Result, StorageBackend, StorageBackendExt, StorageFile,
    StoragePath, Usage, engine,
};
use anystorage_conformance::report::Status;
use anystorage_conformance::subject::Subject;
use anystorage_conformance::suite;
use anystorage_memory::MemoryBackend;
use futures_lite::future::{block_on, poll_once, yield_now};

use crate::reference::Reference;
use crate::subjects::Volatile;

/// Memory behind calls that are pending once. Only what an engine must write is written.
#[derive(Clone, Debug)]
struct Yielding {
    inner: Arc<dyn StorageBackend>,
}

impl Yielding {
    fn new() -> Self {
        Self { inner: Arc::new(MemoryBackend::new()) }
    }

    /// Over an engine that keeps attributes, fresh.
    fn with_attributes() -> Self {
        let place = block_on(Reference::correct().place("")).unwrap();
        Self { inner: Arc::from(block_on(place.open()).unwrap()) }
    }
}

#[engine]
impl StorageBackend for Yielding {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().immediate(false)
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        yield_now().await;
        Ok(Box::new(YieldingFile { inner: self.inner.open(path, options).await? }))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        yield_now().await;
        self.inner.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        yield_now().await;
        self.inner.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        yield_now().await;
        self.inner.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        yield_now().await;
        self.inner.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        yield_now().await;
        self.inner.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        yield_now().await;
        self.inner.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        yield_now().await;
        self.inner.sync().await
    }
    async fn close(&self) -> Result<()> {
        yield_now().await;
        self.inner.close().await
    }
    async fn usage(&self) -> Result<Usage> {
        self.inner.usage().await
    }
    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        yield_now().await;
        self.inner.set_attributes(path, attributes).await
    }
}

#[derive(Debug)]
struct YieldingFile {
    inner: Box<dyn StorageFile>,
}

#[engine]
impl StorageFile for YieldingFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        yield_now().await;
        self.inner.read_at(offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        yield_now().await;
        self.inner.write_at(offset, data).await
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        yield_now().await;
        self.inner.set_len(len).await
    }
    async fn stat(&self) -> Result<Metadata> {
        yield_now().await;
        self.inner.stat().await
    }
    async fn sync(&self) -> Result<()> {
        yield_now().await;
        self.inner.sync().await
    }
    async fn close(self: Box<Self>) -> Result<()> {
        yield_now().await;
        self.inner.close().await
    }
}

/// Calls that overlap wrote through one sibling: they mixed, failed, and took a user's file of that name.
#[test]
fn the_default_write_keeps_line_4_where_every_call_waits() {
    let subject = Volatile::new("yielding", || Box::new(Yielding::new()));
    let report = block_on(suite::run(&subject, &suite::Options::new().filter("replacing::"), None, &mut |_| {}));
    let of = |wanted| report.cases.iter().filter(|case| case.status == wanted).map(|case| case.name.as_str()).collect::<Vec<_>>();
    assert_eq!(of(Status::Failed), [""; 0]);
    let passed = of(Status::Passed);
    for case in ["writes_together_leave_one_of_them_whole", "write_takes_no_name_that_is_in_use", "write_works_for_the_longest_names"] {
        assert!(passed.contains(&format!("replacing::{case}").as_str()), "{case} did not run: {passed:?}");
    }
}

/// It writes a new file in the place of the old one, and refuses to write over a link.
#[test]
fn the_default_write_keeps_modes_and_leaves_links() {
    let subject = Volatile::new("yielding with attributes", || Box::new(Yielding::with_attributes()));
    let report = block_on(suite::run(&subject, &suite::Options::new().filter("attributes::"), None, &mut |_| {}));
    let plain = || report.cases.iter().filter(|case| case.name.starts_with("attributes::"));
    for case in plain() {
        assert_eq!(case.status, Status::Passed, "{}: {}", case.name, case.detail);
    }
    assert!(plain().count() >= 8);
}

/// A copy takes the place of a file as a write does.
#[test]
fn a_copy_keeps_the_mode_of_what_it_replaces_and_leaves_links() {
    block_on(async {
        let storage = Yielding::with_attributes();
        let [from, to, link] = ["from", "to", "link"].map(|text| StoragePath::parse(text).unwrap());
        storage.write(&from, b"bytes").await.unwrap();
        storage.set_attributes(&from, &Attributes::new().mode(0o700)).await.unwrap();
        storage.write(&to, b"old").await.unwrap();
        storage.set_attributes(&to, &Attributes::new().mode(0o640)).await.unwrap();
        storage.write(&link, b"").await.unwrap();
        storage.set_attributes(&link, &Attributes::new().link_target("to")).await.unwrap();
        assert_eq!(storage.copy(&from, &to).await.unwrap(), 5);
        assert_eq!((storage.stat(&to).await.unwrap().mode, storage.read(&to).await.unwrap()), (Some(0o640), b"bytes".to_vec()));
        for (from, to) in [(&from, &link), (&link, &to)] {
            assert_eq!(storage.copy(from, to).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{from} to {to}");
        }
        assert_eq!(storage.stat(&link).await.unwrap().link_target.as_deref(), Some("to"));
        let names: Vec<String> = storage.list_all(&StoragePath::root()).await.unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["from", "link", "to"]);
    });
}

/// Wherever the default of `write` is dropped, the file is old or new, whole; and the next `write` works, whatever was left.
#[test]
fn a_default_write_that_is_dropped_leaves_the_old_file() {
    block_on(async {
        let path = StoragePath::parse("file").unwrap();
        for polls in 1.. {
            let storage = Yielding::new();
            storage.write(&path, b"old").await.unwrap();
            let mut writing = storage.write(&path, b"new");
            let mut done = false;
            for _ in 0..polls {
                done = done || poll_once(&mut writing).await.is_some();
            }
            drop(writing);
            assert_eq!(storage.read(&path).await.unwrap(), if done { b"new" } else { b"old" }, "after {polls} polls");
            storage.write(&path, b"next").await.unwrap();
            assert_eq!(storage.read(&path).await.unwrap(), b"next", "after {polls} polls");
            if done {
                assert!(polls > 5, "every call of the default waits once");
                break;
            }
        }
    });
}
