//! The engines' half of the benchmark in browsers: the same work as in `js/floor.js`, through the plug.
//!
//! `js/bench.js` runs both in turn and takes the times.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod bridged;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use anystorage::{OpenOptions, Result, Storage, StorageBackend, StorageBackendExt, StorageFile, StoragePath};
use futures_lite::future::{poll_once, try_zip};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

pub use crate::bridged::Bridged;

/// Bytes of an operation.
const BLOCK: usize = 4096;

/// Calls that are under way together.
const AT_ONCE: usize = 64;

/// Bytes of a step of a stream.
const STEP: usize = 1 << 20;

/// An open location with a large file in it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Bench {
    storage: Storage,
    large: Box<dyn StorageFile>,
    blocks: u64,
    next_directory: std::cell::Cell<u32>,
}

#[wasm_bindgen]
impl Bench {
    /// Opens the location and fills a file of so many bytes.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn open(url: String, bytes: f64) -> std::result::Result<Bench, JsError> {
        let blocks = (bytes as u64).div_ceil(BLOCK as u64);
        Ok(Self::filled(&url, blocks).await?)
    }

    /// Opens a location that [`open`](Self::open) has filled, and reads one byte of the large file.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn reopen(url: String, at: f64) -> std::result::Result<Bench, JsError> {
        Ok(Self::first_byte(&url, at as u64).await?)
    }

    /// Adds so many files of 4 KiB, in directories of a hundred.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn add_files(&self, count: u32) -> std::result::Result<(), JsError> {
        for _ in 0..count.div_ceil(100) {
            self.files(100, false).await?;
        }
        Ok(())
    }

    /// The same work as the floor's method of this name, as often.
    ///
    /// # Errors
    /// What the engine answers; an error for work of which there is none of this name.
    pub async fn run(&self, work: String, times: u32, seed: u32) -> std::result::Result<(), JsError> {
        let mut random = Random(seed);
        match work.as_str() {
            "reads" => self.reads(times, &mut random).await?,
            "reads, 64 at once" => self.reads_at_once(times, &mut random).await?,
            "overwrites" => self.overwrites(times, &mut random, false).await?,
            "overwrites, one sync" => {
                self.overwrites(times, &mut random, false).await?;
                self.large.sync().await?;
            }
            "overwrites, 64 at once, one sync" => {
                self.overwrites_at_once(times, &mut random).await?;
                self.large.sync().await?;
            }
            "overwrites, a sync each" => self.overwrites(times, &mut random, true).await?,
            "overwrites with their syncs" => self.overwrites_with_syncs(times, &mut random).await?,
            "stream read" => self.stream_read(times).await?,
            "stream write" => self.stream_write(times).await?,
            "files, a sync each" => self.files(times, true).await?,
            "files, one sync" => self.files(times, false).await?,
            "stats" => self.stats(times).await?,
            other => return Err(JsError::new(&format!("no work is called {other:?}"))),
        }
        Ok(())
    }

    /// Gives the location free.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn close(self) -> std::result::Result<(), JsError> {
        self.large.close().await?;
        Ok(self.storage.close().await?)
    }
}

impl Bench {
    async fn filled(url: &str, blocks: u64) -> Result<Self> {
        let storage = anystorage::open(url).await?;
        let large = storage.open(&StoragePath::parse("large")?, &OpenOptions::editing()).await?;
        let step = vec![0xa5; STEP];
        for offset in (0..blocks * BLOCK as u64).step_by(STEP) {
            large.write_at(offset, &step).await?;
        }
        large.sync().await?;
        storage.write(&StoragePath::parse("small")?, &[1; BLOCK]).await?;
        storage.sync().await?;
        Ok(Self { storage, large, blocks, next_directory: std::cell::Cell::new(0) })
    }

    async fn first_byte(url: &str, at: u64) -> Result<Self> {
        let storage = anystorage::open(url).await?;
        let large = storage.open(&StoragePath::parse("large")?, &OpenOptions::editing()).await?;
        let mut byte = [0];
        large.read_at(at, &mut byte).await?;
        Ok(Self { storage, large, blocks: 1, next_directory: std::cell::Cell::new(0) })
    }

    async fn reads(&self, times: u32, random: &mut Random) -> Result<()> {
        let mut buffer = vec![0; BLOCK];
        for _ in 0..times {
            self.large.read_at(random.block(self.blocks) * BLOCK as u64, &mut buffer).await?;
        }
        Ok(())
    }

    /// Asks for many at a time, and waits for them together.
    async fn reads_at_once(&self, times: u32, random: &mut Random) -> Result<()> {
        let mut buffers = vec![[0; BLOCK]; AT_ONCE];
        for _ in 0..times.div_ceil(AT_ONCE as u32) {
            let mut waiting = Vec::with_capacity(AT_ONCE);
            for buffer in &mut buffers {
                begin(self.large.read_at(random.block(self.blocks) * BLOCK as u64, buffer), &mut waiting).await?;
            }
            all(waiting).await?;
        }
        Ok(())
    }

    /// The same with writes.
    async fn overwrites_at_once(&self, times: u32, random: &mut Random) -> Result<()> {
        let data = [0x5a; BLOCK];
        for _ in 0..times.div_ceil(AT_ONCE as u32) {
            let mut waiting = Vec::with_capacity(AT_ONCE);
            for _ in 0..AT_ONCE {
                begin(self.large.write_at(random.block(self.blocks) * BLOCK as u64, &data), &mut waiting).await?;
            }
            all(waiting).await?;
        }
        Ok(())
    }

    async fn overwrites(&self, times: u32, random: &mut Random, synced: bool) -> Result<()> {
        let data = [0x5a; BLOCK];
        for _ in 0..times {
            self.large.write_at(random.block(self.blocks) * BLOCK as u64, &data).await?;
            if synced {
                self.large.sync().await?;
            }
        }
        Ok(())
    }

    /// Asks for each write and its sync together, one behind the other.
    async fn overwrites_with_syncs(&self, times: u32, random: &mut Random) -> Result<()> {
        let data = [0x5a; BLOCK];
        for _ in 0..times {
            try_zip(self.large.write_at(random.block(self.blocks) * BLOCK as u64, &data), self.large.sync()).await?;
        }
        Ok(())
    }

    async fn stream_read(&self, times: u32) -> Result<()> {
        let mut buffer = vec![0; STEP];
        for offset in (0..u64::from(times) * STEP as u64).step_by(STEP) {
            self.large.read_at(offset, &mut buffer).await?;
        }
        Ok(())
    }

    async fn stream_write(&self, times: u32) -> Result<()> {
        let data = vec![0x3c; STEP];
        for offset in (0..u64::from(times) * STEP as u64).step_by(STEP) {
            self.large.write_at(offset, &data).await?;
        }
        self.large.sync().await
    }

    /// Creates files in a directory that is new each time.
    async fn files(&self, times: u32, synced: bool) -> Result<()> {
        let number = self.next_directory.replace(self.next_directory.get() + 1);
        let directory = StoragePath::parse(&format!("files-{number}"))?;
        self.storage.create_dir_all(&directory).await?;
        let data = [0x77; BLOCK];
        let options = OpenOptions::new().write(true).create_new(true);
        for name in 0..times {
            let file = self.storage.open(&directory.join(&name.to_string())?, &options).await?;
            file.write_at(0, &data).await?;
            if synced {
                file.sync().await?;
            }
            file.close().await?;
        }
        if !synced {
            self.storage.sync().await?;
        }
        Ok(())
    }

    async fn stats(&self, times: u32) -> Result<()> {
        let path = StoragePath::parse("small")?;
        for _ in 0..times {
            self.storage.stat(&path).await?;
        }
        Ok(())
    }
}

/// The numbers that `floor.js` has too: [xorshift](https://www.jstatsoft.org/article/view/v008i14) with 32 bits.
struct Random(u32);

impl Random {
    fn block(&mut self, blocks: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        u64::from(self.0) % blocks.max(1)
    }
}

/// Makes a call, which is under way with the others unless it is done at once.
async fn begin<T, F: Future<Output = Result<T>>>(call: F, waiting: &mut Vec<Pin<Box<F>>>) -> Result<()> {
    let mut call = Box::pin(call);
    match poll_once(&mut call).await {
        Some(done) => drop(done?),
        None => waiting.push(call),
    }
    Ok(())
}

/// Polls all of them whenever one may have gone on.
async fn all<T>(mut waiting: Vec<impl Future<Output = Result<T>> + Unpin>) -> Result<()> {
    poll_fn(|context| {
        let mut failed = None;
        waiting.retain_mut(|future| match Pin::new(future).poll(context) {
            Poll::Ready(done) => {
                failed = failed.take().or(done.err());
                false
            }
            Poll::Pending => true,
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if waiting.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}
