//! Synchronous reads of an engine that has to wait, behind a bridge.

use anystorage::api::BlockingFile;
use anystorage::remote::shared::SharedOptions;
use anystorage::{Blocking, OpenOptions, Result, Storage, StoragePath};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{BLOCK, Random, STEP};

/// A large file that a worker of its own has open.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Bridged {
    storage: Blocking<Storage>,
    large: BlockingFile,
    blocks: u64,
}

#[wasm_bindgen]
impl Bridged {
    /// Opens the location behind a bridge, and fills a file of so many bytes.
    ///
    /// # Errors
    /// What the engine answers, and those of the bridge.
    pub async fn open(url: String, bytes: f64) -> std::result::Result<Bridged, JsError> {
        let blocks = (bytes as u64).div_ceil(BLOCK as u64);
        let storage = anystorage::open_bridged(&url, &SharedOptions::new()).await?;
        Ok(Self::filled(storage, blocks)?)
    }

    /// The same work as the floor's method of this name, as often, without a wait.
    ///
    /// # Errors
    /// What the engine answers; an error for work of which there is none of this name.
    pub fn run(&self, work: &str, times: u32, seed: u32) -> std::result::Result<(), JsError> {
        let mut random = Random(seed);
        let mut buffer = vec![0; BLOCK];
        // One is read again and again where the engine is to have it at hand.
        let first = random.block(self.blocks);
        for _ in 0..times {
            let block = match work {
                "reads" => random.block(self.blocks),
                "reads of one block" => first,
                other => return Err(JsError::new(&format!("no work is called {other:?}"))),
            };
            let count = self.large.read_at(block * BLOCK as u64, &mut buffer)?;
            // The last byte that came is that of this block.
            if count != BLOCK || buffer.last() != Some(&mark(block)) {
                return Err(JsError::new("not what was written"));
            }
        }
        Ok(())
    }

    /// Gives the location free.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn close(self) -> std::result::Result<(), JsError> {
        self.large.close()?;
        Ok(self.storage.close()?)
    }
}

impl Bridged {
    fn filled(storage: Blocking<Storage>, blocks: u64) -> Result<Self> {
        let large = storage.open(&StoragePath::parse("large")?, &OpenOptions::editing())?;
        for offset in (0..blocks * BLOCK as u64).step_by(STEP) {
            let step: Vec<u8> = (0..STEP as u64).map(|at| mark((offset + at) / BLOCK as u64)).collect();
            large.write_at(offset, &step)?;
        }
        large.sync()?;
        storage.sync()?;
        Ok(Self { storage, large, blocks })
    }
}

/// What a block is filled with.
const fn mark(block: u64) -> u8 {
    block.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
}
