//! Through a channel.

use anystorage_api::{Capabilities, Detached, ErrorKind, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};

use crate::{ChannelLine, Remote, Server, channel};

/// How often a location is tried that an earlier server has not let go yet.
const TRIES: u32 = 30;

/// Has a future go on by itself: [`Server::serve`], at the other end.
pub type Spawn = fn(Server, ChannelLine);

/// Waits for a moment.
pub type Pause = fn() -> Detached;

/// Another subject through a [`channel`].
#[derive(Clone, Debug)]
pub struct ThroughChannel<S> {
    subject: S,
    way: Way,
}

#[derive(Clone, Copy, Debug)]
struct Way {
    spawn: Spawn,
    pause: Pause,
}

impl<S: Subject> ThroughChannel<S> {
    /// The places of `subject`, each served by what `spawn` starts. `pause` waits for some milliseconds, where an earlier server of a location
    /// is about to let it go.
    #[must_use]
    pub const fn new(subject: S, spawn: Spawn, pause: Pause) -> Self {
        Self { subject, way: Way { spawn, pause } }
    }
}

#[engine]
impl<S: Subject> Subject for ThroughChannel<S> {
    fn name(&self) -> String {
        format!("remote-{}", self.subject.name())
    }
    fn url(&self) -> String {
        format!("{} through a channel", self.subject.url())
    }
    fn expected(&self) -> Option<Capabilities> {
        self.subject.expected().map(|expected| expected.immediate(false))
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(Far { place: self.subject.place(label).await?, way: self.way }))
    }
}

#[derive(Debug)]
struct Far {
    place: Box<dyn Place>,
    way: Way,
}

impl Way {
    async fn serve(self, engine: Box<dyn StorageBackend>) -> Result<Box<dyn StorageBackend>> {
        let (transport, line) = channel();
        (self.spawn)(Server::new(engine), line);
        Ok(Box::new(Remote::connect(transport).await?))
    }
}

/// The outcome of `$attempt`, made again while an earlier server has not let the location go.
macro_rules! when_free {
    ($way:expr, $attempt:expr) => {{
        let mut tries = 0;
        loop {
            match $attempt {
                Err(error) if error.kind() == ErrorKind::Locked && tries < TRIES => tries += 1,
                outcome => break outcome?,
            }
            ($way.pause)().await;
        }
    }};
}

#[engine]
impl Place for Far {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        let engine = when_free!(self.way, self.place.open().await);
        self.way.serve(engine).await
    }
    fn address(&self) -> Option<String> {
        self.place.address()
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        let small = self.place.small(bytes).await?;
        Ok(small.map(|place| Box::new(Self { place, way: self.way }) as Box<dyn Place>))
    }
    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        let Some((engine, faults)) = when_free!(self.way, self.place.open_with_faults().await) else { return Ok(None) };
        Ok(Some((self.way.serve(engine).await?, faults)))
    }
    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        Ok(when_free!(self.way, self.place.damage(seed).await))
    }
}
