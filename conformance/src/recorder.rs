//! An engine around the one under test that remembers the last operations, so that a failing case can say what led to it.
//!
//! It changes nothing: every call goes to the engine at once, is ready when the engine is, and is dropped when its caller drops it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, Usage, engine,
};

use crate::subject::{FlushFaults, Place};

/// How many operations are remembered.
pub const REMEMBERED: usize = 40;

/// The last operations on everything that was opened through one recorder. Cloning gives another handle on the same list.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    /// The number of the first operation in `last`.
    first: u64,
    last: VecDeque<Operation>,
}

#[derive(Debug)]
struct Operation {
    text: String,
    outcome: Option<String>,
}

impl Recorder {
    /// A recorder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `backend`, watched.
    #[must_use]
    pub fn backend(&self, backend: Box<dyn StorageBackend>) -> Box<dyn StorageBackend> {
        Box::new(RecordedBackend { inner: backend, recorder: self.clone() })
    }

    /// `place`, with everything opened there watched.
    #[must_use]
    pub fn place<'a>(&self, place: &'a dyn Place) -> Box<dyn Place + 'a> {
        Box::new(RecordedPlace { inner: Inner::Borrowed(place), recorder: self.clone() })
    }

    fn begin(&self, text: String) -> u64 {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.last.len() == REMEMBERED {
            log.last.pop_front();
            log.first += 1;
        }
        log.last.push_back(Operation { text, outcome: None });
        log.first + log.last.len() as u64 - 1
    }

    fn end(&self, number: u64, outcome: String) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let index = number.checked_sub(log.first).and_then(|index| usize::try_from(index).ok());
        if let Some(operation) = index.and_then(|index| log.last.get_mut(index)) {
            operation.outcome = Some(outcome);
        }
    }

    async fn watch<T>(&self, text: String, call: impl Future<Output = Result<T>>, show: impl FnOnce(&T) -> String) -> Result<T> {
        let number = self.begin(text);
        let outcome = call.await;
        let shown = match &outcome {
            Ok(value) => show(value),
            Err(error) => format!("error: {}", error.kind()),
        };
        self.end(number, shown);
        outcome
    }
}

/// The operations, numbered from the first one on, a line each; an operation without an outcome was dropped or is still running.
impl fmt::Display for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, operation) in (log.first + 1..).zip(&log.last) {
            let outcome = operation.outcome.as_deref().unwrap_or("no answer");
            writeln!(f, "  {number}. {} -> {outcome}", operation.text)?;
        }
        Ok(())
    }
}

fn done(_: &()) -> String {
    "ok".to_owned()
}

fn metadata(metadata: &Metadata) -> String {
    format!("{} of {} bytes", metadata.kind.as_str(), metadata.len)
}

/// A path as the list shows it: long ones cut in the middle.
fn shown(path: &StoragePath) -> String {
    let text = path.as_str();
    let count = text.chars().count();
    if count <= 80 {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(40).collect();
    let tail: String = text.chars().skip(count - 20).collect();
    format!("\"{}...{}\" ({} bytes)", head.escape_debug(), tail.escape_debug(), text.len())
}

fn flags(options: &OpenOptions) -> String {
    [
        (options.is_read(), "read"),
        (options.is_write(), "write"),
        (options.is_create() && !options.is_create_new(), "create"),
        (options.is_create_new(), "create_new"),
        (options.is_truncate(), "truncate"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect::<Vec<_>>()
    .join("+")
}

#[derive(Debug)]
struct RecordedBackend {
    inner: Box<dyn StorageBackend>,
    recorder: Recorder,
}

#[engine]
impl StorageBackend for RecordedBackend {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let text = format!("open {} {}", shown(path), flags(options));
        let file = self.recorder.watch(text, self.inner.open(path, options), |_| "ok".to_owned()).await?;
        Ok(Box::new(RecordedFile { inner: file, name: shown(path), recorder: self.recorder.clone() }))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.recorder.watch(format!("stat {}", shown(path)), self.inner.stat(path), metadata).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let text = format!("list {} after {after:?} limit {limit}", shown(directory));
        self.recorder.watch(text, self.inner.list(directory, after, limit), |entries| format!("{} entries", entries.len())).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.recorder.watch(format!("create_dir {}", shown(path)), self.inner.create_dir(path), done).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.recorder.watch(format!("remove_file {}", shown(path)), self.inner.remove_file(path), done).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.recorder.watch(format!("remove_dir {}", shown(path)), self.inner.remove_dir(path), done).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.recorder.watch(format!("rename {} to {}", shown(from), shown(to)), self.inner.rename(from, to), done).await
    }
    async fn sync(&self) -> Result<()> {
        self.recorder.watch("sync everything".to_owned(), self.inner.sync(), done).await
    }
    async fn close(&self) -> Result<()> {
        self.recorder.watch("close the location".to_owned(), self.inner.close(), done).await
    }
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.recorder.watch(format!("read {}", shown(path)), self.inner.read(path), |data| format!("{} bytes", data.len())).await
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.recorder.watch(format!("write {}, {} bytes", shown(path), data.len()), self.inner.write(path, data), done).await
    }
    async fn usage(&self) -> Result<Usage> {
        self.recorder.watch("usage".to_owned(), self.inner.usage(), |usage| format!("{usage:?}")).await
    }
    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.recorder.watch(format!("set_attributes {}", shown(path)), self.inner.set_attributes(path, attributes), done).await
    }
}

#[derive(Debug)]
struct RecordedFile {
    inner: Box<dyn StorageFile>,
    name: String,
    recorder: Recorder,
}

#[engine]
impl StorageFile for RecordedFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let text = format!("{}: read_at {offset}, {} bytes", self.name, buf.len());
        self.recorder.watch(text, self.inner.read_at(offset, buf), |count| format!("{count} bytes")).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let text = format!("{}: write_at {offset}, {} bytes", self.name, data.len());
        self.recorder.watch(text, self.inner.write_at(offset, data), done).await
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        self.recorder.watch(format!("{}: set_len {len}", self.name), self.inner.set_len(len), done).await
    }
    async fn stat(&self) -> Result<Metadata> {
        self.recorder.watch(format!("{}: stat", self.name), self.inner.stat(), metadata).await
    }
    async fn sync(&self) -> Result<()> {
        self.recorder.watch(format!("{}: sync", self.name), self.inner.sync(), done).await
    }
    async fn close(self: Box<Self>) -> Result<()> {
        let Self { inner, name, recorder } = *self;
        recorder.watch(format!("{name}: close"), inner.close(), done).await
    }
}

#[derive(Debug)]
enum Inner<'a> {
    Borrowed(&'a dyn Place),
    Owned(Box<dyn Place>),
}

#[derive(Debug)]
struct RecordedPlace<'a> {
    inner: Inner<'a>,
    recorder: Recorder,
}

impl RecordedPlace<'_> {
    fn place(&self) -> &dyn Place {
        match &self.inner {
            Inner::Borrowed(place) => *place,
            Inner::Owned(place) => &**place,
        }
    }
}

#[engine]
impl Place for RecordedPlace<'_> {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        let backend = self.recorder.watch("open the location".to_owned(), self.place().open(), |_| "ok".to_owned()).await?;
        Ok(self.recorder.backend(backend))
    }
    fn address(&self) -> Option<String> {
        self.place().address()
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        let small = self.place().small(bytes).await?;
        Ok(small.map(|place| Box::new(RecordedPlace { inner: Inner::Owned(place), recorder: self.recorder.clone() }) as Box<dyn Place>))
    }
    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        let opened = self.place().open_with_faults().await?;
        Ok(opened.map(|(backend, faults)| {
            self.recorder.begin("open the location over a host whose flushes can fail".to_owned());
            (self.recorder.backend(backend), faults)
        }))
    }
    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let text = format!("damage the stored bytes, seed {seed}");
        self.recorder.watch(text, self.place().damage(seed), |done| done.clone().unwrap_or_else(|| "nothing to damage".to_owned())).await
    }
}
