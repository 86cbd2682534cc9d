//! Starting the two workers.

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::exception::{Exception, thrown};
use anystorage_browser_host::global::{member, random, sleep};
use anystorage_browser_host::worker::{ScriptUrl, WorkerUrl};
use futures_lite::future::or;
use js_sys::{Array, Object, Reflect, SharedArrayBuffer, Uint8Array};
use tokio::sync::mpsc;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, MessageEvent, Worker};

use super::buffer::Buffer;
use super::client::SharedTransport;
use super::opener::{Opener, number_of};
use super::{glue, isolation};
use crate::Remote;
use crate::protocol::{Answer, decode};

/// The script of both workers, for [`WorkerUrl::At`]: serve it as it is, as `text/javascript`, with the header
/// `Cross-Origin-Embedder-Policy: require-corp`.
pub const WORKER_SCRIPT: &str = include_str!("script.js");

/// The number in the script.
const VERSION: f64 = 2.0;

/// How long a worker may take to start, in milliseconds. Opening the engine may take as long as it needs.
const PATIENCE: f64 = 20_000.0;

/// How long after its end something may come that a worker said before, in milliseconds.
const LAST_WORDS: f64 = 500.0;

/// In bytes, the room for what is handed over at once, unless told otherwise.
const BUFFER_BYTES: u32 = 64 << 10;

/// The least of it: a head fits.
const LEAST: u32 = 1 << 10;

/// How the worker is started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SharedOptions {
    buffer_bytes: u32,
    worker: WorkerUrl,
    glue: Option<String>,
}

impl SharedOptions {
    /// 64 KiB of shared memory, the embedded script, and the module's script from where this one was loaded.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer_bytes: BUFFER_BYTES, worker: WorkerUrl::Embedded, glue: None }
    }

    /// The room for what is handed over at once, in bytes, at least 1,024. Larger calls are split.
    #[must_use]
    pub fn buffer_bytes(mut self, bytes: u32) -> Self {
        self.buffer_bytes = bytes.max(LEAST);
        self
    }

    /// From where the script of the workers comes.
    #[must_use]
    pub fn worker(mut self, url: WorkerUrl) -> Self {
        self.worker = url;
        self
    }

    /// From where the script comes that wasm-bindgen made for this module, as an absolute URL. It is loaded in the worker: one that does
    /// more than that, as what bundlers make, is not fit for it.
    #[must_use]
    pub fn glue_url(mut self, url: impl Into<String>) -> Self {
        self.glue = Some(url.into());
        self
    }
}

impl Default for SharedOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Starts a worker that opens an engine by `opener`, with this argument, and speaks to it through shared memory: an engine that is
/// [`immediate`](anystorage_api::Capabilities::immediate) from then on, whatever it was.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) where there is no memory to share or where one must not block, with what works instead, and where the
/// worker cannot be started; what the opener answers; [`Disconnected`](ErrorKind::Disconnected) if the worker ends meanwhile.
pub async fn open(opener: Opener, argument: &str, options: &SharedOptions) -> Result<Remote> {
    isolation::check()?;
    let shared = Buffer::allocate(options.buffer_bytes);
    let lock = format!("anystorage:remote-worker:{:016x}", random());
    let glue = match &options.glue {
        Some(url) => url.clone(),
        None => {
            glue::url().ok_or_else(|| unsupported("it is not known from where the script of this module was loaded: name it (glue_url)"))?
        }
    };
    let (mut server, mut watch) = (Started::new(&options.worker)?, Started::new(&options.worker)?);
    server.greeted(&options.worker).await?;
    watch.greeted(&options.worker).await?;
    let begin = message(&[
        ("role", "serve".into()),
        ("glue", glue.as_str().into()),
        ("module", wasm_bindgen::module()),
        ("opener", JsValue::from_f64(number_of(opener) as f64)),
        ("argument", argument.into()),
        ("buffer", shared.clone().into()),
        ("lock", lock.as_str().into()),
    ])?;
    server.worker.post_message(&begin).map_err(thrown(Operation::OpenLocation))?;
    // It has its lock from here on, so it is known when it ends.
    server.next(Some(PATIENCE)).await?;
    watch.worker.post_message(&watching(&shared, &lock)?.into()).map_err(thrown(Operation::OpenLocation))?;
    watch.next(Some(PATIENCE)).await?;
    let said = async { Some(server.next(None).await) };
    let ends = async {
        // Whatever it says then.
        let _ = watch.next(None).await;
        None
    };
    let opened = match or(said, ends).await {
        Some(said) => said?,
        None => server.next(Some(LAST_WORDS)).await?,
    };
    let opened: Uint8Array =
        member(&opened, "opened").dyn_into().map_err(|_| unsupported("the worker of the bridge says what makes no sense"))?;
    match decode::<Answer<'_>>(&opened.to_vec()) {
        Ok((_, Answer::Done, _)) => {}
        Ok((_, Answer::Failed(error), _)) => return Err(error.into_error(Operation::OpenLocation)),
        _ => return Err(unsupported("the worker of the bridge says what makes no sense")),
    }
    Remote::connect(SharedTransport::new(Buffer::over(&shared), server.into_worker(), watch.into_worker())).await
}

fn watching(shared: &SharedArrayBuffer, lock: &str) -> Result<Object> {
    message(&[("role", "watch".into()), ("buffer", shared.clone().into()), ("lock", lock.into())])
}

fn message(members: &[(&str, JsValue)]) -> Result<Object> {
    let message = Object::new();
    for (name, value) in members {
        Reflect::set(&message, &JsValue::from_str(name), value).map_err(thrown(Operation::OpenLocation))?;
    }
    Ok(message)
}

/// A worker that is about to say something. It is ended when this is dropped, unless it is taken out.
#[derive(Debug)]
struct Started {
    worker: Worker,
    heard: mpsc::UnboundedReceiver<Heard>,
    script: Option<ScriptUrl>,
    kept: bool,
    _hearing: (OnMessage, OnError),
}

type OnMessage = Closure<dyn FnMut(MessageEvent)>;
type OnError = Closure<dyn FnMut(Event)>;

/// What it said, or that its script failed.
type Heard = std::result::Result<JsValue, Exception>;

impl Started {
    fn new(url: &WorkerUrl) -> Result<Self> {
        let (worker, script) = url.start(WORKER_SCRIPT).map_err(|exception| not_started(url, exception))?;
        let (sender, heard) = mpsc::unbounded_channel();
        let failing = sender.clone();
        let on_message = Closure::new(move |event: MessageEvent| {
            // It is listened to for as long as this is there.
            let _ = sender.send(Ok(event.data()));
        });
        let on_error = Closure::new(move |event: Event| {
            event.prevent_default();
            // One about a script that does not load has none.
            let message = member(&event, "message").as_string().unwrap_or_else(|| "its script was not loaded".to_owned());
            let _ = failing.send(Err(Exception::named("Error", message)));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, heard, script: Some(script), kept: false, _hearing: (on_message, on_error) })
    }

    /// Waits until its script runs.
    async fn greeted(&mut self, url: &WorkerUrl) -> Result<()> {
        let hello = self.next(Some(PATIENCE)).await.map_err(|error| not_started(url, error))?;
        self.script = None;
        if member(&hello, "version").as_f64() == Some(VERSION) {
            return Ok(());
        }
        let text =
            format!("the script of the worker is not that of this version ({url}): serve WORKER_SCRIPT of anystorage-remote as it is");
        Err(Error::new(ErrorKind::InvalidInput, Operation::OpenLocation).with_text(text))
    }

    /// The next thing that it says, in so many milliseconds if they are given.
    async fn next(&mut self, patience: Option<f64>) -> Result<JsValue> {
        let heard = async { self.heard.recv().await.unwrap_or_else(|| Err(Exception::named("Error", "nothing"))) };
        let heard = match patience {
            None => heard.await,
            Some(patience) => {
                let impatient = async {
                    sleep(patience).await;
                    Err(Exception::named("TimeoutError", "it does not answer"))
                };
                or(heard, impatient).await
            }
        };
        let said = heard.map_err(ended)?;
        for word in ["failed", "died"] {
            if let Ok(threw) = member(&said, word).dyn_into::<Array>() {
                let text = |at: u32| threw.get(at).as_string().unwrap_or_default();
                return Err(ended(Exception::named(text(0), text(1))));
            }
        }
        Ok(said)
    }

    fn into_worker(mut self) -> Worker {
        self.kept = true;
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.clone()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if !self.kept {
            self.worker.set_onmessage(None);
            self.worker.set_onerror(None);
            self.worker.terminate();
        }
    }
}

/// That a worker ended while the location was being opened.
fn ended(exception: Exception) -> Error {
    let text = "the worker of the bridge has ended while it was opening the location";
    Error::new(ErrorKind::Disconnected, Operation::OpenLocation).with_text(text).with_cause(exception)
}

/// Why there is no worker.
fn not_started(url: &WorkerUrl, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let text = format!(
        "the worker of the bridge could not be started ({url}): a content security policy has to allow `worker-src blob:`, or WORKER_SCRIPT \
         of anystorage-remote has to be served, as text/javascript, and its URL named"
    );
    unsupported(&text).with_cause(cause)
}

fn unsupported(text: &str) -> Error {
    Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text)
}
