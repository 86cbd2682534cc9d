//! Gives workers their tasks, and hears what becomes of them.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anystorage_browser_runner::package::{Module, Package};
use anystorage_browser_runner::server::{Served, Site};
use serde_json::{Value, json};

use crate::sahpool::Sqlite;
use crate::world::World;

/// How long a worker may be silent.
const PATIENCE: Duration = Duration::from_secs(600);

/// Starts a worker that stays in the page.
const START: &str = r#"
    const [script, order] = arguments;
    window.workers ??= new Map();
    const worker = new Worker(script, { type: "module" });
    workers.set(order.number, worker);
    worker.onerror = ({ message }) => fetch("/said", { method: "POST", body: JSON.stringify([order.number, "failed", message ?? "no worker"]) });
    worker.postMessage(order);"#;

const GO_ON: &str = "workers.get(arguments[0]).postMessage('go on')";

const TERMINATE: &str = "workers.forEach((worker) => worker.terminate()); workers.clear()";

/// A site whose workers report here.
pub(super) struct Desk {
    served: Served,
    heard: Receiver<String>,
}

/// A worker's number. None is given twice, so that what one said that is gone by now is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worker(u32);

/// What a worker said: a word, and what belongs to it.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) worker: Worker,
    pub(super) word: String,
    pub(super) what: Value,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self::with(|site| site)
    }

    /// In pages that are isolated from other origins, where workers share memory.
    pub(super) fn isolated() -> Self {
        Self::with(Site::isolated)
    }

    /// With SQLite's own pool of handles besides.
    pub(super) fn with_sahpool(sqlite: &Sqlite) -> Self {
        Self::with(|site| sqlite.on(site).file("/sahpool.js", include_bytes!("../../databases/sahpool.js").as_slice()))
    }

    fn with(add: impl FnOnce(Site) -> Site) -> Self {
        static MODULE: LazyLock<Module> =
            LazyLock::new(|| Package::new(Some("anystorage-databases".to_owned()), None).bind_as("release", "databases").unwrap());
        let site = Site::new()
            .module(&MODULE)
            .file("/index.html", b"<!doctype html><title>databases</title><link rel=\"icon\" href=\"data:,\">".as_slice())
            .file("/worker.js", include_bytes!("../../databases/worker.js").as_slice());
        let (site, heard) = add(site).listen("/said");
        Self { served: site.serve(0).unwrap(), heard }
    }

    pub(super) fn origin(&self) -> String {
        self.served.origin()
    }

    /// Goes to the page from which workers are started.
    pub(super) fn enter(&self, world: &World) {
        world.session.go(&self.origin()).unwrap();
    }

    pub(super) fn start(&self, world: &World, task: &str, url: &str, options: &Value) -> Worker {
        self.start_script(world, "/worker.js", task, url, options)
    }

    pub(super) fn start_script(&self, world: &World, script: &str, task: &str, url: &str, options: &Value) -> Worker {
        static NUMBERS: AtomicU32 = AtomicU32::new(1);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let order = json!({ "number": number, "task": task, "url": url, "options": options });
        world.session.run(START, &[json!(script), order]).unwrap();
        Worker(number)
    }

    pub(super) fn go_on(&self, world: &World, worker: Worker) {
        world.session.run(GO_ON, &[json!(worker.0)]).unwrap();
    }

    /// Terminates all workers of the page.
    pub(super) fn terminate(world: &World) {
        world.session.run(TERMINATE, &[]).unwrap();
    }

    /// What is said next, by whichever worker. That something failed is a failure of the test.
    #[track_caller]
    pub(super) fn hear(&self) -> Said {
        self.hear_within(PATIENCE).unwrap_or_else(|| panic!("no worker said anything for {PATIENCE:?}"))
    }

    /// The same, unless nothing is said within that time.
    #[track_caller]
    pub(super) fn hear_within(&self, time: Duration) -> Option<Said> {
        let line = match self.heard.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => return None,
            line => line.unwrap(),
        };
        let (number, word, what): (u32, String, Option<Value>) = match serde_json::from_str::<Value>(&line).unwrap() {
            Value::Array(words) => {
                let word = words[1].as_str().unwrap().to_owned();
                (words[0].as_u64().unwrap().try_into().unwrap(), word, words.get(2).cloned())
            }
            other => panic!("{other}"),
        };
        let what = what.unwrap_or_default();
        assert_ne!(word, "failed", "{what}");
        Some(Said { worker: Worker(number), word, what })
    }

    /// What belongs to a word that a worker says next, others being silent.
    #[track_caller]
    pub(super) fn expect(&self, worker: Worker, word: &str) -> Value {
        let said = self.hear();
        assert_eq!((said.worker, said.word.as_str()), (worker, word), "{said:?}");
        said.what
    }

    /// Runs a task to its end, whatever it says on the way.
    #[track_caller]
    pub(super) fn run(&self, world: &World, task: &str, url: &str, options: &Value) -> Value {
        let worker = self.start(world, task, url, options);
        loop {
            let said = self.hear();
            if (said.worker, said.word.as_str()) == (worker, "done") {
                return said.what;
            }
        }
    }
}
