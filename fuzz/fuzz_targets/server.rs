//! A server of the protocol between client and engine that is sent whatever there is: each frame is answered, and no file is left open.
#![no_main]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use anystorage_api::{
    Capabilities, DirEntry, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath, engine,
};
use anystorage_memory::MemoryBackend;
use anystorage_remote::{Line, Server};
use futures_lite::future::block_on;
use libfuzzer_sys::fuzz_target;

/// In bytes: what is asked for by chance must not fill the memory with zeros.
const LONGEST: u64 = 1 << 16;

fn short(len: u64) -> Result<()> {
    if len <= LONGEST { Ok(()) } else { Err(Error::new(ErrorKind::InvalidInput, Operation::Write)) }
}

/// Memory, of short files, which counts those that are open.
#[derive(Debug)]
struct Short(MemoryBackend, Arc<()>);

#[derive(Debug)]
struct ShortFile(Box<dyn StorageFile>, #[expect(dead_code, reason = "it counts")] Arc<()>);

#[engine]
impl StorageFile for ShortFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.0.read_at(offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        short(offset.saturating_add(data.len() as u64))?;
        self.0.write_at(offset, data).await
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        short(len)?;
        self.0.set_len(len).await
    }
    async fn stat(&self) -> Result<Metadata> {
        self.0.stat().await
    }
    async fn sync(&self) -> Result<()> {
        self.0.sync().await
    }
    async fn close(self: Box<Self>) -> Result<()> {
        self.0.close().await
    }
}

#[engine]
impl StorageBackend for Short {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        Ok(Box::new(ShortFile(self.0.open(path, options).await?, Arc::clone(&self.1))))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.0.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.0.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.0.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.0.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.0.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.0.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.0.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

/// A line of frames that were made up, and the numbers of the answers to them: answers may be long.
#[derive(Debug)]
struct Scripted {
    frames: VecDeque<Vec<u8>>,
    answered: Arc<Mutex<Vec<Option<u64>>>>,
}

impl Line for Scripted {
    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        Poll::Ready(self.frames.pop_front())
    }
    fn answer(&mut self, frame: Vec<u8>) {
        self.answered.lock().unwrap().push(number(&frame));
    }
}

/// The number that a frame begins with, if it can be read and is one of a request.
fn number(frame: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for (at, byte) in frame.iter().take(10).enumerate() {
        let bits = u64::from(byte & 127);
        if at == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * at);
        if byte & 128 == 0 {
            return Some(number).filter(|number| *number != 0);
        }
    }
    None
}

// Frames are divided by two bytes that seldom stand in one.
fuzz_target!(|input: &[u8]| {
    let mut frames: VecDeque<Vec<u8>> = VecDeque::new();
    let mut frame = Vec::new();
    for byte in input {
        frame.push(*byte);
        if frame.ends_with(&[0xf5, 0xf5]) {
            frame.truncate(frame.len() - 2);
            frames.push_back(std::mem::take(&mut frame));
        }
    }
    frames.push_back(frame);
    let mut expected: Vec<Option<u64>> = frames.iter().map_while(|frame| number(frame)).map(Some).collect();
    if expected.len() < frames.len() {
        // The connection ends with a goodbye.
        expected.push(None);
    }
    let (open, answered) = (Arc::new(()), Arc::default());
    let server = Server::new(Short(MemoryBackend::new(), Arc::clone(&open)));
    block_on(server.serve(Scripted { frames, answered: Arc::clone(&answered) }));
    let mut answered = answered.lock().unwrap().clone();
    // The goodbye need not be the last one.
    answered.sort_by_key(Option::is_none);
    assert_eq!(answered, expected);
    assert_eq!(Arc::strong_count(&open), 1, "files were left open");
});
