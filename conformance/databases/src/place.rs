//! What a browser's worker asks for.

use std::fmt::Display;
use std::sync::Arc;

use anystorage_api::{Blocking, StorageBackend, StoragePath};
use anystorage_redb_face::Databases;
use anystorage_sqlite::{Journal, Settings, Vfs, register};
use redb::Database;
use rusqlite::Connection;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::shop::Expected;
use crate::{engine, integrity_check, keys, ledger, records, shop};

pub(crate) type Told<T> = Result<T, JsError>;

pub(crate) fn told(error: impl Display) -> JsError {
    JsError::new(&error.to_string())
}

/// What a URL says. An error begins with its kind.
pub(crate) async fn open(url: &str) -> Told<Arc<dyn StorageBackend>> {
    engine::open(url).await.map_err(|error| told(format!("{}: {error}", error.kind().as_str())))
}

/// A location with databases.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Place {
    storage: Arc<dyn StorageBackend>,
    vfs: Vfs,
}

#[wasm_bindgen]
impl Place {
    /// Opens the location of a URL. Its engine has to be immediate, or a bridge to it: `remote+idb://name`. An error begins with its kind.
    pub async fn open(url: &str) -> Told<Self> {
        let storage = open(url).await?;
        let vfs = register("browser", Blocking::new(Arc::clone(&storage)).map_err(told)?).map_err(told)?;
        Ok(Self { storage, vfs })
    }

    /// Lets go of the location. Databases have to be closed before.
    pub async fn close(self) -> Told<()> {
        self.vfs.unregister().map_err(told)?;
        self.storage.close().await.map_err(told)
    }

    /// Opens the ledger with a journal of that name. A rollback journal has locks that last for a transaction: a connection that keeps them
    /// overwrites the header of the journal, in whatever mode.
    pub fn ledger(&self, journal: &str) -> Told<Ledger> {
        let settings = match journal {
            "wal" => Settings::recommended(),
            "delete" => Settings::shared().journal(Journal::Delete),
            other => return Err(told(format!("no journal is called {other}"))),
        };
        ledger::Ledger::open(&self.vfs, &settings).map(Ledger).map_err(|error| self.why(&error))
    }

    /// Opens the shop.
    pub fn shop(&self) -> Told<Shop> {
        self.vfs.open("shop/shop.db").map(Shop).map_err(|error| self.why(&error))
    }

    /// Opens a database of redb.
    pub fn keys(&self) -> Told<Keys> {
        let databases = Databases::on(Blocking::new(Arc::clone(&self.storage)).map_err(told)?).map_err(told)?;
        let file = databases.open(&StoragePath::parse("keys.redb").map_err(told)?).map_err(told)?;
        Database::builder().set_cache_size(16 << 20).create_with_backend(file).map(Keys).map_err(told)
    }

    /// Makes a file of that length.
    pub async fn fill_file(&self, path: &str, len: usize) -> Told<()> {
        let path = StoragePath::parse(path).map_err(told)?;
        self.storage.write(&path, &vec![1; len]).await.map_err(told)?;
        self.storage.sync().await.map_err(told)
    }

    /// Removes it.
    pub async fn remove_file(&self, path: &str) -> Told<()> {
        self.storage.remove_file(&StoragePath::parse(path).map_err(told)?).await.map_err(told)?;
        self.storage.sync().await.map_err(told)
    }

    /// The kind of the last error of the engine below SQLite, and its text.
    pub fn last_error(&self) -> Option<Vec<String>> {
        self.vfs.last_error().map(|error| vec![error.kind().as_str().to_owned(), error.to_string()])
    }

    fn why(&self, error: &rusqlite::Error) -> JsError {
        match self.vfs.last_error() {
            Some(cause) => told(format!("{error}: {cause}")),
            None => told(error),
        }
    }
}

/// See [`ledger::Ledger`].
#[wasm_bindgen]
#[derive(Debug)]
pub struct Ledger(pub(crate) ledger::Ledger);

#[wasm_bindgen]
impl Ledger {
    /// How many transactions there are.
    pub fn committed(&self) -> Told<u32> {
        u32::try_from(self.0.committed().map_err(told)?).map_err(told)
    }

    /// Makes one.
    pub fn commit(&mut self, number: u32) -> Told<()> {
        self.0.commit(number.into()).map_err(told)
    }

    /// How many there are, whole.
    pub fn check(&mut self) -> Told<u32> {
        u32::try_from(self.0.check().map_err(told)?).map_err(told)
    }
}

/// See [`shop`].
#[wasm_bindgen]
#[derive(Debug)]
pub struct Shop(Connection);

#[wasm_bindgen]
impl Shop {
    /// Fills it: what is to be found, as JSON.
    pub fn fill(&mut self, documents: u32) -> Told<String> {
        let expected = shop::fill(&mut self.0, documents.into()).map_err(told)?;
        serde_json::to_string(&expected).map_err(told)
    }

    /// Looks for it.
    pub fn check(&self, expected: &str) -> Told<()> {
        let expected: Expected = serde_json::from_str(expected).map_err(told)?;
        shop::check(&self.0, &expected).map_err(told)
    }

    /// Takes a third of it out: what is to be found then.
    pub fn shrink(&self, expected: &str) -> Told<String> {
        let expected: Expected = serde_json::from_str(expected).map_err(told)?;
        serde_json::to_string(&shop::shrunk(&self.0, expected).map_err(told)?).map_err(told)
    }

    /// How long it is, in pages.
    pub fn pages(&self) -> Told<u32> {
        u32::try_from(shop::pages(&self.0).map_err(told)?).map_err(told)
    }

    /// One transaction for each row of a table that has an identifier and a blob of that length: how many were made, and the name of SQLite's
    /// error if one was refused.
    pub fn rows(&self, count: u32, len: u32) -> Told<Rows> {
        self.0.execute_batch("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, data BLOB)").map_err(told)?;
        let mut insert = self.0.prepare("INSERT INTO rows (data) VALUES (zeroblob(?))").map_err(told)?;
        for made in 0..count {
            if let Err(error) = insert.execute([len]) {
                let code = error.sqlite_error().map(|error| error.extended_code);
                return Ok(Rows { made, code });
            }
        }
        Ok(Rows { made: count, code: None })
    }

    /// How many rows there are, in a database without a flaw.
    pub fn count_rows(&self) -> Told<u32> {
        integrity_check(&self.0).map_err(told)?;
        self.0.query_row("SELECT count(*) FROM rows", [], |row| row.get(0)).map_err(told)
    }

    /// Closes it.
    pub fn close(self) -> Told<()> {
        self.0.close().map_err(|(_, error)| told(error))
    }
}

/// What became of single rows.
#[wasm_bindgen]
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    made: u32,
    code: Option<i32>,
}

#[wasm_bindgen]
impl Rows {
    /// So many were committed.
    #[wasm_bindgen(getter)]
    pub fn made(&self) -> u32 {
        self.made
    }

    /// The extended code of what was refused.
    #[wasm_bindgen(getter)]
    pub fn code(&self) -> Option<i32> {
        self.code
    }
}

/// See [`keys`] and [`records`].
#[wasm_bindgen]
#[derive(Debug)]
pub struct Keys(Database);

#[wasm_bindgen]
impl Keys {
    /// Puts the keys of these numbers into it.
    pub fn fill(&self, from: u32, to: u32) -> Told<()> {
        keys::fill(&self.0, from.into()..to.into()).map_err(told)
    }

    /// Looks for each of them.
    pub fn check_keys(&self, count: u32) -> Told<()> {
        keys::check(&self.0, count.into()).map_err(told)
    }

    /// How many numbered commits there are.
    pub fn committed(&self) -> Told<u32> {
        u32::try_from(records::commits(&self.0).map_err(told)?).map_err(told)
    }

    /// Makes one.
    pub fn commit(&self, number: u32) -> Told<()> {
        records::commit(&self.0, number.into()).map_err(told)
    }

    /// How many there are, in a database without a flaw.
    pub fn check(&mut self) -> Told<u32> {
        if !self.0.check_integrity().map_err(told)? {
            return Err(told("redb had to repair it"));
        }
        self.committed()
    }
}

/// What went wrong below JavaScript, in the text of its errors.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_val(JsValue::from_str(&panic.to_string()))));
}
