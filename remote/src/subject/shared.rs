//! Through memory that is shared with a worker.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile,
    StoragePath, Usage, engine,
};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};

use crate::Remote;
use crate::shared::{Opener, Opening, SharedOptions, open};

/// A subject that can be made anew in another worker: its places are the same locations there.
pub trait Served: Debug + 'static {
    /// Makes it.
    fn subject() -> impl Subject + 'static;
}

/// The subject that `S` makes, each place of which a worker of its own has open. The engine seen through it is immediate.
#[derive(Debug)]
pub struct ThroughShared<S> {
    subject: Box<dyn Subject>,
    options: SharedOptions,
    made_by: PhantomData<S>,
}

impl<S: Served> ThroughShared<S> {
    /// With workers that are started so.
    #[must_use]
    pub fn new(options: SharedOptions) -> Self {
        Self { subject: Box::new(S::subject()), options, made_by: PhantomData }
    }
}

#[engine]
impl<S: Served> Subject for ThroughShared<S> {
    fn name(&self) -> String {
        format!("remote-{}", self.subject.name())
    }
    fn url(&self) -> String {
        format!("remote+{}", self.subject.url())
    }
    fn expected(&self) -> Option<Capabilities> {
        self.subject.expected().map(|expected| expected.immediate(true))
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        // The engine by itself has a place of this label too.
        let label = format!("remote-{label}");
        let place = self.subject.place(&label).await?;
        Ok(Box::new(Far { label, place, options: self.options.clone(), plain: plain::<S>, faulty: faulty::<S> }))
    }
}

#[derive(Debug)]
struct Far {
    label: String,
    /// The same one, from here.
    place: Box<dyn Place>,
    options: SharedOptions,
    plain: Opener,
    faulty: Opener,
}

/// Ends the size of a small place, in front of its label.
const SMALL: char = '\u{1}';

/// The place of a label, small where that begins with a size.
async fn place<S: Served>(label: &str) -> Result<Box<dyn Place>> {
    let subject = S::subject();
    let Some((bytes, label)) = label.split_once(SMALL) else { return subject.place(label).await };
    let unsupported = || Error::new(ErrorKind::Unsupported, Operation::OpenLocation);
    let bytes = bytes.parse().map_err(|_| unsupported())?;
    subject.place(label).await?.small(bytes).await?.ok_or_else(unsupported)
}

fn plain<S: Served>(label: String) -> Opening {
    Box::pin(async move { place::<S>(&label).await?.open().await })
}

fn faulty<S: Served>(label: String) -> Opening {
    Box::pin(async move {
        let opened = place::<S>(&label).await?.open_with_faults().await?;
        let (engine, faults) = opened.ok_or_else(|| Error::new(ErrorKind::Unsupported, Operation::OpenLocation))?;
        Ok(Box::new(Switched { engine, faults }) as Box<dyn StorageBackend>)
    })
}

#[engine]
impl Place for Far {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(open(self.plain, &self.label, &self.options).await?))
    }
    fn address(&self) -> Option<String> {
        self.place.address()
    }
    /// Each opening makes a small place anew, as engines do that keep nothing.
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        if self.label.contains(SMALL) {
            return Ok(None);
        }
        let Some(place) = self.place.small(bytes).await? else { return Ok(None) };
        let label = format!("{bytes}{SMALL}{}", self.label);
        Ok(Some(Box::new(Self { label, place, options: self.options.clone(), plain: self.plain, faulty: self.faulty })))
    }
    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        match open(self.faulty, &self.label, &self.options).await {
            Ok(remote) => {
                let remote = Arc::new(remote);
                Ok(Some((Box::new(Arc::clone(&remote)), Box::new(Switch(remote)))))
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    }
    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        self.place.damage(seed).await
    }
}

/// What a switch is told by: names that no case uses.
const FAILING: &str = "\u{1}flushes fail";
const WORKING: &str = "\u{1}flushes work";
const FAILED: &str = "\u{1}flushes that failed";

/// An engine whose flushes fail on demand, with the switch reachable by calls.
#[derive(Debug)]
struct Switched {
    engine: Box<dyn StorageBackend>,
    faults: Box<dyn FlushFaults>,
}

/// The switch, at the other end.
#[derive(Debug)]
struct Switch(Arc<Remote>);

impl Switch {
    fn stat(&self, name: &str) -> Option<Metadata> {
        let path = StoragePath::parse(name).ok()?;
        match pin!(self.0.stat(&path)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found.ok(),
            Poll::Pending => None,
        }
    }
}

impl FlushFaults for Switch {
    fn set_failing(&self, failing: bool) {
        self.stat(if failing { FAILING } else { WORKING });
    }
    fn failed(&self) -> u64 {
        self.stat(FAILED).map_or(0, |found| found.len)
    }
}

#[engine]
impl StorageBackend for Switched {
    fn capabilities(&self) -> Capabilities {
        self.engine.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.engine.open(path, options).await
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        match path.as_str() {
            FAILING => self.faults.set_failing(true),
            WORKING => self.faults.set_failing(false),
            FAILED => {}
            _ => return self.engine.stat(path).await,
        }
        Ok(Metadata::file(self.faults.failed()))
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.engine.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.engine.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.engine.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.engine.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.engine.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.engine.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.engine.close().await
    }
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.engine.read(path).await
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.engine.write(path, data).await
    }
    async fn usage(&self) -> Result<Usage> {
        self.engine.usage().await
    }
    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.engine.set_attributes(path, attributes).await
    }
}
