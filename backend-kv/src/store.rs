//! What an engine asks of a key-value store.

use std::fmt::Debug;

use anystorage_api::{MaybeSend, MaybeSync, Result, Usage, engine};

/// A store of keys and values whose commits are atomic: the five functions from which [`KvBackend`](crate::KvBackend) makes a complete
/// engine.
///
/// Keys are at most [`MAX_KEY_LEN`] bytes and compare as bytes; values are at most a block and some bytes, or
/// [`MAX_RECORD_LEN`], whichever is more. Neither is ever empty. The engine never has two commits under way at the same time; gets and
/// scans may overlap with each other and with a commit, and then see the store before it or after it.
///
/// # Errors
/// An [`Error`](anystorage_api::Error) with the kind that fits: [`Corrupt`](anystorage_api::ErrorKind::Corrupt) for damaged bytes,
/// [`NoSpace`](anystorage_api::ErrorKind::NoSpace) when full, [`Closed`](anystorage_api::ErrorKind::Closed) after `close`. What a store
/// answers to `get` and `scan` after a commit that failed is up to it, but wrong data it may not answer.
#[engine]
pub trait KvStore: Debug + MaybeSend + MaybeSync + 'static {
    /// Whether [`get_located`](Self::get_located) ever tells where a value lies.
    const LOCATES: bool = false;

    /// The value of `key`, as the last commit left it, relaxed or durable; none if there is none.
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// As [`get`](Self::get), and where the value lies in what [`read_located`](Self::read_located) reads, as a number of bytes, if the store can
    /// tell.
    async fn get_located(&self, key: &[u8]) -> Result<Option<(Vec<u8>, Option<u64>)>> {
        Ok(self.get(key).await?.map(|value| (value, None)))
    }

    /// Fills `out` with what lies there now, which may be something else than what [`get_located`](Self::get_located) found there: the engine has
    /// checksums of that. False if it cannot be read so; then the engine asks for the whole value, as it does by default.
    async fn read_located(&self, at: u64, out: &mut [u8]) -> bool {
        let _ = (at, out);
        false
    }

    /// The entries with `from <= key < to` in the order of their keys: the first `limit` of them, fewer only where there are no more.
    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>>;

    /// Makes all changes of `batch`, or none: after a kill or a power cut too.
    ///
    /// When a [`Durable`](Commit::Durable) commit returns, it and every commit before it outlive what the engine's durability says.
    /// If it does not return and is found all the same, every commit before it is found too.
    /// A [`Relaxed`](Commit::Relaxed) one is seen by `get` and `scan` at once, and needs to outlive nothing until the next durable one
    /// returns: it may be lost without those behind it.
    ///
    /// # Errors
    /// [`NoSpace`](anystorage_api::ErrorKind::NoSpace) says that nothing of this batch was or will be made, that earlier commits stand,
    /// and that later ones can succeed. After any other error it is unknown what was made: the engine takes no more changes until it is
    /// opened again.
    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()>;

    /// How full the store is, in bytes; none for what it cannot tell.
    async fn size(&self) -> Result<Usage>;

    /// Gives the store free. What was not committed durably may be lost. Calls after it answer
    /// [`Closed`](anystorage_api::ErrorKind::Closed).
    async fn close(&self) -> Result<()>;
}

/// The longest key that the engine uses, in bytes.
pub const MAX_KEY_LEN: usize = 280;

/// The longest value that is not a block, in bytes.
pub const MAX_RECORD_LEN: usize = 16 << 10;

/// A key and its value.
pub type KvEntry = (Vec<u8>, Vec<u8>);

/// How long a commit must last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Commit {
    /// Until the next durable commit it may be lost.
    Relaxed,
    /// When it returns, it lasts, and so does every commit before it.
    Durable,
}

/// What a commit changes. Of several changes of one key the last counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    bytes: usize,
}

impl Batch {
    /// Without changes.
    #[must_use]
    pub const fn new() -> Self {
        Self { changes: Vec::new(), bytes: 0 }
    }

    /// Gives `key` this value.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.push(key.into(), Some(value.into()));
    }

    /// Removes `key` with its value, if it is there.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.push(key.into(), None);
    }

    /// A put (`Some`) or a deletion (`None`).
    pub fn push(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        self.changes.push((key, value));
    }

    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The bytes of all keys and values.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The changes in the order in which they were added: a value, or none for a deletion.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }
}

impl IntoIterator for Batch {
    type Item = (Vec<u8>, Option<Vec<u8>>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.changes.into_iter()
    }
}
