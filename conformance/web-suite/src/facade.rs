//! The engines as programs open them: by URL, through the facade.

use anystorage::{StorageConfig, StorageUrl};
use anystorage_api::{Error, ErrorKind, Operation, Result, StorageBackend, StoragePath, engine};
use anystorage_conformance::browser::wire::Refusal;
use anystorage_conformance::subject::{Place, Subject};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

/// Whatever a URL opens: the labels of its places are URLs. Not for the suite, which has each engine by itself.
#[derive(Debug)]
pub(crate) struct AnySubject;

#[derive(Debug)]
struct AnyPlace(StorageUrl);

#[engine]
impl Subject for AnySubject {
    fn name(&self) -> String {
        "any".to_owned()
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(AnyPlace(StorageUrl::parse(label)?)))
    }
}

#[engine]
impl Place for AnyPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(StorageConfig::new(self.0.clone()).probe(false).open().await?.into_backend())
    }
}

/// Opens what a configuration says (JSON), keeps a file there, and tells what was opened, or why nothing was: `{"Ok": report}` or
/// `{"Err": {"kind": ..., "text": ...}}`.
#[wasm_bindgen]
pub async fn anystorage_open(config: String) -> String {
    let kept = keep(&config).await.map_err(Refusal::from);
    serde_json::to_string(&kept).unwrap_or_else(|error| error.to_string())
}

async fn keep(config: &str) -> Result<impl Serialize> {
    let unknown = |error: serde_json::Error| Error::new(ErrorKind::InvalidInput, Operation::OpenLocation).with_text(error.to_string());
    let config: StorageConfig = serde_json::from_str(config).map_err(unknown)?;
    let path = StoragePath::parse("kept")?;
    let storage = config.open().await?;
    storage.write(&path, b"as told").await?;
    storage.sync().await?;
    let found = storage.read(&path).await?;
    let report = storage.report().clone();
    storage.close().await?;
    if found == b"as told" {
        return Ok(report);
    }
    Err(Error::new(ErrorKind::Corrupt, Operation::Read).with_path(&path).with_text("not what was written"))
}
