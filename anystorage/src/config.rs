use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anystorage_api::{Blocking, Error, ErrorKind, Operation, Result, StorageBackend};
use serde::{Deserialize, Serialize};

use crate::engine::Running;
use crate::interval;
use crate::probe;
use crate::report::{Attempt, OpenReport, ProbeOutcome};
use crate::storage::Storage;
use crate::url::StorageUrl;

/// Where to keep files, as a configuration file says it: a URL, and others to fall back to.
///
/// The URLs are tried in order, and the first one that works is opened. By default each is probed: a file is written, synced, read back
/// and removed. Memory is used only if it is listed. A field that this version does not know is refused, never ignored.
///
/// In TOML:
///
/// ```
/// use anystorage::StorageConfig;
///
/// let config: StorageConfig = toml::from_str(
///     r#"
///         url = "file:///var/lib/notes"
///         fallback = ["file:///tmp/notes", "memory:?limit=64MiB"]   # optional, tried in order
///         probe = true                                              # optional, and the default
///         auto_sync = "5s"                                          # optional: sync so long after a change, and on close
///     "#,
/// )?;
/// assert_eq!(config.fallback.len(), 2);
///
/// let error = toml::from_str::<StorageConfig>("url = \"memory:\"\nautosync = \"5s\"").unwrap_err();
/// assert!(error.to_string().contains("autosync"));
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// A directory that is missing is created, and so are those above it. On a disk that may not be mounted, `mode=rw` says that the directory
/// must be there. Without it, the store would be created empty on the disk that holds the mount point, and the fallback never be used:
///
/// ```
/// use anystorage::StorageConfig;
///
/// let config: StorageConfig = toml::from_str(
///     r#"
///         url = "file:///mnt/disk/notes?mode=rw"
///         fallback = ["file:///var/lib/notes"]
///     "#,
/// )?;
/// assert_eq!(config.url.existing(), config.url);
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// In JSON:
///
/// ```
/// use anystorage::StorageConfig;
///
/// let config: StorageConfig = serde_json::from_str(r#"{"url": "memory:", "fallback": [], "probe": false}"#)?;
/// assert_eq!(config, StorageConfig::new("memory:".parse()?).probe(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StorageConfig {
    /// The location to open.
    pub url: StorageUrl,
    /// What to try in its place, in order.
    #[serde(default)]
    pub fallback: Vec<StorageUrl>,
    /// Whether each location is probed before it is taken. Locations that are opened for reading alone never are.
    #[serde(default = "yes")]
    pub probe: bool,
    /// So long after a change everything is synced, without being asked for: in TOML and JSON a number with `ms`, `s`, `min` or `h`. Also when
    /// a page is hidden, and on close. None if nobody is to. [`Storage`] tells what no sync has covered, and why the last one failed; the log
    /// does as well.
    #[serde(default, with = "interval", skip_serializing_if = "Option::is_none")]
    pub auto_sync: Option<Duration>,
}

const fn yes() -> bool {
    true
}

impl StorageConfig {
    /// One location, no fallback, probed.
    #[must_use]
    pub const fn new(url: StorageUrl) -> Self {
        Self { url, fallback: Vec::new(), probe: true, auto_sync: None }
    }

    /// With one more location to try behind the others.
    #[must_use]
    pub fn or(mut self, url: StorageUrl) -> Self {
        self.fallback.push(url);
        self
    }

    /// Sets [`Self::probe`].
    #[must_use]
    pub const fn probe(mut self, yes: bool) -> Self {
        self.probe = yes;
        self
    }

    /// Sets [`Self::auto_sync`].
    #[must_use]
    pub const fn auto_sync(mut self, time: Duration) -> Self {
        self.auto_sync = Some(time);
        self
    }

    /// Opens the first location that works, for async callers: no call on it ever blocks the executor.
    ///
    /// What was opened, why, and what was tried before is in [`Storage::report`] and in the log: a warning for each location passed over,
    /// a line of information for the one that is open.
    ///
    /// # Errors
    /// That of the location if there is only one; otherwise one error that lists every location with its reason.
    pub async fn open(&self) -> Result<Storage> {
        self.open_running(Running::Offloaded).await
    }

    /// Like [`open`](Self::open), but the engine runs inside the calls, on the caller's thread: the fastest way where blocking is
    /// allowed, and where the engine's calls never wait.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_inline(&self) -> Result<Storage> {
        self.open_running(Running::Inline).await
    }

    /// Like [`open_inline`](Self::open_inline), with plain functions in the place of async ones.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`ErrorKind::Unsupported`] or [`ErrorKind::WouldBlock`] if the engine has to wait for its host, as some
    /// in browsers do.
    pub fn open_blocking(&self) -> Result<Blocking<Storage>> {
        let opening = pin!(self.open_inline());
        match opening.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(opened) => Blocking::new(opened?),
            Poll::Pending => {
                let error = Error::new(ErrorKind::WouldBlock, Operation::OpenLocation);
                Err(error.with_text("the engine has to wait for its host: open it from async code"))
            }
        }
    }

    /// Like [`open_blocking`](Self::open_blocking), whatever the engine: another worker is started, which opens the location there as
    /// [`open`](Self::open) does, and the calling worker sleeps in each call until that answers. What it asks of the page, and what becomes of a call
    /// whose other end dies, is told in [`anystorage_remote::shared`].
    ///
    /// Engines that are immediate in a dedicated worker, `memory:` and the layouts `packed` and `pool` of `opfs:`, are faster without:
    /// [`open_inline`](Self::open_inline) and [`Blocking::new`]. [`auto_sync`](Self::auto_sync) takes place where the calling worker returns to its
    /// event loop, and on close: code that never does has to sync by itself.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`Unsupported`](ErrorKind::Unsupported) in a page, and where the page is not isolated from other origins, with what
    /// works instead; [`Disconnected`](ErrorKind::Disconnected) if the other worker ends meanwhile.
    #[cfg(all(feature = "bridge", target_family = "wasm", target_os = "unknown"))]
    pub async fn open_bridged(&self, options: &anystorage_remote::shared::SharedOptions) -> Result<Blocking<Storage>> {
        Blocking::new(self.open_running(Running::Bridged(options.clone())).await?)
    }

    async fn open_running(&self, running: Running) -> Result<Storage> {
        let mut tried = Vec::new();
        for url in std::iter::once(&self.url).chain(&self.fallback) {
            match self.open_one(url, &running).await {
                Ok((backend, probe)) => {
                    let report = OpenReport {
                        opened: url.clone(),
                        engine: url.engine().scheme,
                        durability: backend.capabilities().durability,
                        why: self.why(tried.len()),
                        probe,
                        auto_sync: self.auto_sync.filter(|_| !url.is_read_only()),
                        tried,
                    };
                    log::info!("opened {url}: {}, durability {}", report.why, report.durability.as_str());
                    return Storage::new(backend, report);
                }
                Err(error) if self.fallback.is_empty() => return Err(error),
                Err(error) => {
                    log::warn!("passed over {url}: {error}");
                    tried.push(Attempt { url: url.clone(), error });
                }
            }
        }
        Err(none_works(&tried))
    }

    async fn open_one(&self, url: &StorageUrl, running: &Running) -> Result<(Box<dyn StorageBackend>, ProbeOutcome)> {
        let backend = running.open(url).await?;
        if url.is_read_only() {
            return Ok((backend, ProbeOutcome::ReadOnly));
        }
        if !self.probe {
            return Ok((backend, ProbeOutcome::NotAsked));
        }
        match probe::probe(&*backend).await {
            Ok(()) => Ok((backend, ProbeOutcome::Passed)),
            Err(error) => {
                // The probe's error is the one that matters; dropping the instance gives the location free as well.
                let _ = backend.close().await;
                Err(error)
            }
        }
    }

    fn why(&self, passed_over: usize) -> String {
        match (self.fallback.len(), passed_over) {
            (0, _) => "the only location asked for".to_owned(),
            (_, 0) => "the first choice".to_owned(),
            (fallbacks, passed) => format!("fallback {passed} of {fallbacks}, because what comes before it does not work"),
        }
    }
}

fn none_works(tried: &[Attempt]) -> Error {
    let kind = tried.last().map_or(ErrorKind::InvalidInput, |attempt| attempt.error.kind());
    let list: Vec<String> = tried.iter().map(Attempt::to_string).collect();
    Error::new(kind, Operation::OpenLocation).with_text(format!("none of {} locations works: {}", list.len(), list.join("; ")))
}
