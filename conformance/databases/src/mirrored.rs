//! SQLite over a mirror, synchronously, whatever engine is below.

use anystorage_api::StorageBackend;
use anystorage_layers::{Mirror, MirrorIo, MirrorOptions};
use anystorage_sqlite::{Journal, Settings, Synchronous, Vfs, register};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::ledger;
use crate::place::{Ledger, Told, open, told};

/// A location with databases behind a mirror.
#[wasm_bindgen]
#[derive(Debug)]
pub struct MirroredPlace {
    mirror: Mirror,
    vfs: Vfs,
}

#[wasm_bindgen]
impl MirroredPlace {
    /// Opens the location of a URL, and loads it. An error begins with its kind.
    pub async fn open(url: &str) -> Told<Self> {
        let mirror = Mirror::open(open(url).await?, MirrorOptions::new()).await.map_err(told)?;
        let vfs = register::<MirrorIo>("browser", mirror.blocking().map_err(told)?).map_err(told)?;
        Ok(Self { mirror, vfs })
    }

    /// Opens the ledger with a journal of that name. SQLite syncs nothing: it could not wait for it, and [`Self::sync`] is one point of all
    /// files, between two transactions.
    pub fn ledger(&self, journal: &str) -> Told<Ledger> {
        let settings = match journal {
            "wal" => Settings::recommended(),
            "delete" => Settings::shared().journal(Journal::Delete),
            other => return Err(told(format!("no journal is called {other}"))),
        };
        let settings = settings.synchronous(Synchronous::Off);
        ledger::Ledger::open(&self.vfs, &settings).map(Ledger).map_err(|error| match self.vfs.last_error() {
            Some(cause) => told(format!("{error}: {cause}")),
            None => told(error),
        })
    }

    /// Makes durable what was committed until now.
    pub async fn sync(&self) -> Told<()> {
        self.mirror.sync().await.map_err(told)
    }

    /// How many bytes of files no sync has covered.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    pub fn unsynced_bytes(&self) -> f64 {
        self.mirror.unsynced_bytes() as f64
    }

    /// Lets go of the location. Databases have to be closed before.
    pub async fn close(self) -> Told<()> {
        self.vfs.unregister().map_err(told)?;
        self.mirror.close().await.map_err(told)
    }
}
