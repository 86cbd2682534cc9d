//! An open location.

use anystorage::{Attempt, StorageBackend, StorageConfig, StorageUrl};
use anystorage_api::{Error, ErrorKind, Operation, StoragePath};
use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::{Result, object, plain, thrown};

/// How many entries of a directory are asked for at a time.
const PAGE: usize = 500;

/// An open location with the visitor's files. All that fails throws an `Error` with `kind`, a message in plain words, and `detail`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Storage(anystorage::Storage);

/// What is open.
#[derive(Debug, Serialize)]
struct Info<'a> {
    #[serde(flatten)]
    report: &'a anystorage::OpenReport,
    atomic_sync: bool,
    /// What was tried before, as an error says it.
    refusals: Vec<Refusal>,
}

/// A location that does not work.
#[derive(Debug, Serialize)]
struct Refusal {
    url: String,
    message: &'static str,
    detail: String,
}

/// A name in a directory.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    kind: &'static str,
    len: u64,
    /// In milliseconds since 1970.
    modified: Option<i64>,
}

#[wasm_bindgen]
impl Storage {
    /// Opens the first of these URLs that works.
    ///
    /// # Errors
    /// If none works.
    pub async fn open(urls: Vec<String>) -> Result<Storage> {
        Self::first_of(&urls).await.map(Storage).map_err(thrown)
    }

    /// What is open, why, and what was tried before: the report of the facade, and what the engine offers.
    ///
    /// # Errors
    /// None.
    pub fn info(&self) -> Result<JsValue> {
        let report = self.0.report();
        let refusal = |attempt: &Attempt| Refusal {
            url: attempt.url.to_string(),
            message: plain(attempt.error.kind()),
            detail: attempt.error.to_string(),
        };
        let refusals = report.tried.iter().map(refusal).collect();
        object(&Info { report, atomic_sync: self.0.capabilities().atomic_sync, refusals })
    }

    /// The entries of a directory, in the order of their names.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn list(&self, directory: String) -> Result<JsValue> {
        object(&self.entries(&directory).await.map_err(thrown)?)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn read(&self, path: String) -> Result<Vec<u8>> {
        self.reading(&path).await.map_err(thrown)
    }

    /// Writes a whole file, all or nothing. One that is there is replaced.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn write(&self, path: String, data: Vec<u8>) -> Result<()> {
        self.writing(&path, &data).await.map_err(thrown)
    }

    /// Gives a file another name, unless that is taken.
    ///
    /// # Errors
    /// What the engine answers; `already_exists`.
    pub async fn rename(&self, from: String, to: String) -> Result<()> {
        self.renaming(&from, &to).await.map_err(thrown)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn remove(&self, path: String) -> Result<()> {
        self.removing(&path).await.map_err(thrown)
    }

    /// Makes everything last that was done until now.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn sync(&self) -> Result<()> {
        self.0.sync().await.map_err(thrown)
    }

    /// Gives the location free.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn close(&self) -> Result<()> {
        self.0.close().await.map_err(thrown)
    }
}

impl Storage {
    async fn first_of(urls: &[String]) -> anystorage::Result<anystorage::Storage> {
        let mut urls = urls.iter().map(|url| StorageUrl::parse(url));
        let first = urls.next().unwrap_or_else(|| Err(Error::new(ErrorKind::InvalidInput, Operation::Configure)))?;
        urls.try_fold(StorageConfig::new(first), |config, url| Ok(config.or(url?)))?.open().await
    }

    async fn entries(&self, directory: &str) -> anystorage::Result<Vec<Entry>> {
        let directory = StoragePath::parse(directory)?;
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.0.list(&directory, after.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|entry| entry.name.clone());
            for entry in page {
                let known = self.0.stat(&directory.join(&entry.name)?).await?;
                let modified = known.modified.map(|moment| moment.unix_millis());
                found.push(Entry { name: entry.name, kind: known.kind.as_str(), len: known.len, modified });
            }
            if is_last {
                return Ok(found);
            }
        }
    }

    async fn reading(&self, path: &str) -> anystorage::Result<Vec<u8>> {
        self.0.read(&StoragePath::parse(path)?).await
    }

    async fn writing(&self, path: &str, data: &[u8]) -> anystorage::Result<()> {
        self.0.write(&named(path)?, data).await
    }

    async fn renaming(&self, from: &str, to: &str) -> anystorage::Result<()> {
        let (from, to) = (StoragePath::parse(from)?, named(to)?);
        match self.0.stat(&to).await {
            Ok(_) if from != to => return Err(Error::new(ErrorKind::AlreadyExists, Operation::Rename).with_path(&to)),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.0.rename(&from, &to).await
    }

    async fn removing(&self, path: &str) -> anystorage::Result<()> {
        self.0.remove_file(&StoragePath::parse(path)?).await
    }
}

/// A file at the top: the page has no folders.
fn named(name: &str) -> anystorage::Result<StoragePath> {
    StoragePath::root().join(name)
}
