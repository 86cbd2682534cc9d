//! Every case of the conformance suite over memory, natively and in browsers.

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::model::{self, ModelFailure, ModelOptions, ModelReport};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_conformance::table;
use anystorage_memory::MemoryBackend;

#[derive(Debug)]
struct Memory;

#[engine]
impl Subject for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }
    fn expected(&self) -> Option<Capabilities> {
        Some(table::MEMORY)
    }
    async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(Bytes { limit: None }))
    }
}

/// Every opening is a new, empty location: nothing outlives an instance.
#[derive(Debug)]
struct Bytes {
    limit: Option<u64>,
}

#[engine]
impl Place for Bytes {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(self.limit.map_or_else(MemoryBackend::new, MemoryBackend::with_limit)))
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(Some(Box::new(Self { limit: Some(bytes) })))
    }
}

anystorage_conformance::suite!(subject = Memory);

/// Long random sequences of calls beside a model. The seed is fixed, as there is nothing random to draw one from in a browser: the same
/// calls with addresses of 64 bits and of 32. Random seeds are played in the tests of the suite itself.
async fn plays_beside_the_model() -> Result<ModelReport, Box<ModelFailure>> {
    model::run(&Memory, ModelOptions::new(0x6d65_6d6f_7279).operations(5_000)).await
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#[test]
fn every_answer_is_the_models() -> Result<(), Box<ModelFailure>> {
    futures_lite::future::block_on(plays_beside_the_model()).map(drop)
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
#[wasm_bindgen_test::wasm_bindgen_test]
async fn every_answer_is_the_models() -> Result<(), Box<ModelFailure>> {
    plays_beside_the_model().await.map(drop)
}
