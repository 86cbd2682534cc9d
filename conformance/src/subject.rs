//! What the suite runs against: an engine that can be opened at a place again and again.

use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anystorage_api::{Capabilities, MaybeSend, MaybeSync, Result, StorageBackend, engine};

/// An engine under test: gives places, each empty and away from all others.
#[engine]
pub trait Subject: Debug + MaybeSend + MaybeSync {
    /// A short name for reports: the scheme of its URL.
    fn name(&self) -> String;

    /// The URL pattern or description shown in reports.
    fn url(&self) -> String {
        format!("{}:", self.name())
    }

    /// What the project's table says of this engine. The suite fails if the engine declares something else. None for engines of others.
    fn expected(&self) -> Option<Capabilities> {
        None
    }

    /// A place that nobody has used, the same one for the same label within this subject.
    async fn place(&self, label: &str) -> Result<Box<dyn Place>>;
}

/// One location of an engine under test.
#[engine]
pub trait Place: Debug + MaybeSend + MaybeSync {
    /// Opens the location. Every call opens the same one: what an earlier instance synced is there, unless the engine's durability is
    /// `None`.
    async fn open(&self) -> Result<Box<dyn StorageBackend>>;

    /// What another process needs to open the same location: a URL or a path. None where no other process can.
    fn address(&self) -> Option<String> {
        None
    }

    /// A fresh place like this one that runs out of space after about `bytes`. None if this subject has none to give; an error if it
    /// should have and could not make it.
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        let _ = bytes;
        Ok(None)
    }

    /// Opens the location over a host whose flushes can be made to fail. None if this subject cannot.
    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        Ok(None)
    }

    /// Damages stored bytes of the location while nobody has it open: each `seed` another place in them. None if nothing is stored that
    /// could be damaged, otherwise what was done, in words.
    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let _ = seed;
        Ok(None)
    }
}

/// The switch behind [`Place::open_with_faults`].
pub trait FlushFaults: Debug + MaybeSend + MaybeSync {
    /// From now on every flush of the host fails with an input/output error (`true`), or works again (`false`).
    fn set_failing(&self, failing: bool);

    /// How many flushes have failed so far.
    fn failed(&self) -> u64;
}

/// A subject from a function that opens the location of a label; equal labels are the same location.
///
/// ```
/// use anystorage_conformance::subject;
/// use anystorage_memory::MemoryBackend;
///
/// let memory = subject::from_fn("memory", |_location: String| async { Ok(MemoryBackend::new()) });
/// ```
pub fn from_fn<F, Fut, B>(name: impl Into<String>, open: F) -> impl Subject
where
    F: Fn(String) -> Fut + MaybeSend + MaybeSync + 'static,
    Fut: Future<Output = Result<B>> + MaybeSend + 'static,
    B: StorageBackend,
{
    let open = move |label: String| -> Opening {
        let opening = open(label);
        Box::pin(async move { Ok(Box::new(opening.await?) as Box<dyn StorageBackend>) })
    };
    Function { name: name.into(), run: fresh(), open: Arc::new(open) }
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
type Opening = Pin<Box<dyn Future<Output = Result<Box<dyn StorageBackend>>> + Send>>;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
type Open = Arc<dyn Fn(String) -> Opening + Send + Sync>;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
type Opening = Pin<Box<dyn Future<Output = Result<Box<dyn StorageBackend>>>>>;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
type Open = Arc<dyn Fn(String) -> Opening>;

/// A word that no other subject has, in this run and in earlier ones.
fn fresh() -> String {
    static SUBJECTS: AtomicU32 = AtomicU32::new(0);
    let number = SUBJECTS.fetch_add(1, Ordering::Relaxed);
    // Where there is a clock. Without one, a browser's test run starts with an empty profile.
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        format!("{:x}-{}-{number}", since.as_nanos(), std::process::id())
    }
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    number.to_string()
}

struct Function {
    name: String,
    run: String,
    open: Open,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

#[engine]
impl Subject for Function {
    fn name(&self) -> String {
        self.name.clone()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(Labelled { label: format!("{label}-{}", self.run), open: Arc::clone(&self.open) }))
    }
}

struct Labelled {
    label: String,
    open: Open,
}

impl fmt::Debug for Labelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Labelled").field(&self.label).finish()
    }
}

#[engine]
impl Place for Labelled {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        (self.open)(self.label.clone()).await
    }
}
