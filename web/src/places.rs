//! The places of a run of the suite, and their end. What a run leaves that was cut short, the next page removes.

use anystorage_api::{Capabilities, engine};
use anystorage_browser_host::global;
use anystorage_conformance::case::{Broken, Case, Need, Verdict};
use anystorage_conformance::crossing::Crossing;
use anystorage_conformance::subject::Subject;
use anystorage_conformance::suite::{self, Stage};
use anystorage_idb::subject::IdbSubject;
use anystorage_memory::subject::MemorySubject;
use anystorage_opfs::packed::subject::PackedSubject;
use anystorage_opfs::subject::OpfsSubject;

/// The names of all places begin with it, and no location of the page's files does.
const PREFIX: &str = "anystorage-proof-";

/// The suite in this page.
#[derive(Debug)]
pub(crate) struct Places {
    subject: Box<dyn Subject>,
    kept_in: KeptIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeptIn {
    Memory,
    Idb,
    Opfs,
}

impl Places {
    /// Of the engine that this URL opens.
    pub(crate) fn of(url: &str) -> Self {
        let prefix = format!("{PREFIX}{:x}-", global::random());
        let (subject, kept_in): (Box<dyn Subject>, _) = if url.starts_with("memory:") {
            (Box::new(MemorySubject::new(u64::MAX)), KeptIn::Memory)
        } else if url.starts_with("idb:") {
            (Box::new(IdbSubject::new(prefix)), KeptIn::Idb)
        } else if url.contains("layout=packed") {
            (Box::new(PackedSubject::new(prefix).in_page()), KeptIn::Opfs)
        } else if url.contains("io=stream") {
            (Box::new(OpfsSubject::new(prefix).streaming()), KeptIn::Opfs)
        } else {
            (Box::new(OpfsSubject::new(prefix)), KeptIn::Opfs)
        };
        Self { subject, kept_in }
    }

    /// Removes what the suite has stored in this engine.
    pub(crate) async fn sweep(&self) {
        self.kept_in.sweep().await;
    }
}

/// Removes what runs of the suite have left that were cut short, in whatever engine.
pub(crate) async fn sweep_all() {
    for kept_in in [KeptIn::Idb, KeptIn::Opfs] {
        kept_in.sweep().await;
    }
}

impl KeptIn {
    /// Where nothing can be listed, nothing is stored. What is still open stays for the next time.
    async fn sweep(self) {
        let names = match self {
            Self::Memory => return,
            Self::Idb => anystorage_idb::list().await,
            Self::Opfs => anystorage_opfs::list().await,
        };
        for name in names.unwrap_or_default().iter().filter(|name| name.starts_with(PREFIX)) {
            let _ = match self {
                Self::Idb => anystorage_idb::remove(name).await,
                _ => anystorage_opfs::remove(name).await,
            };
        }
    }
}

#[engine]
impl Stage for Places {
    fn url(&self) -> String {
        self.subject.url()
    }

    fn expected(&self) -> Option<Capabilities> {
        self.subject.expected()
    }

    async fn declared(&self) -> Result<Capabilities, Broken> {
        suite::declared(&*self.subject).await
    }

    fn crossings(&self) -> Vec<Crossing> {
        vec![Crossing::Reopen, Crossing::Drop]
    }

    /// A page cannot make its quota small.
    fn lacks(&self, _case: &Case, need: Need) -> bool {
        need == Need::SmallPlace && self.kept_in != KeptIn::Memory
    }

    async fn play(&self, case: &Case, crossing: Option<Crossing>) -> Verdict {
        // An engine that never waits leaves the page no time to show how far it is.
        global::sleep(0.0).await;
        let verdict = suite::here(&*self.subject, case, crossing).await;
        self.sweep().await;
        verdict
    }
}
