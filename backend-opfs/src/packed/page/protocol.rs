//! What the page and its worker say to each other. Both are of the same module, so of the same version.

use std::borrow::Cow;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

/// What the store is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request<'a> {
    /// The first one: opens the store in the file of the handle.
    Open {
        title: Cow<'a, str>,
        creates: bool,
        cache_bytes: usize,
        relaxed_bytes: usize,
        /// The bytes that the origin has free, if that is known.
        free: Option<u64>,
    },
    Get {
        #[serde(borrow)]
        key: &'a Bytes,
    },
    GetLocated {
        #[serde(borrow)]
        key: &'a Bytes,
    },
    Scan {
        from: &'a Bytes,
        to: &'a Bytes,
        limit: usize,
    },
    Commit {
        #[serde(borrow)]
        changes: Vec<(&'a Bytes, Option<&'a Bytes>)>,
        durable: bool,
        /// Whether flushes have to fail: for tests.
        failing: bool,
    },
    Close,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    Done,
    Found(Option<ByteBuf>),
    Located(Option<(ByteBuf, Option<u64>)>),
    Entries(Vec<(ByteBuf, ByteBuf)>),
    Failed(Failure),
}

/// An error on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    kind: String,
    text: Option<String>,
    cause: Option<String>,
    /// How many flushes were made to fail meanwhile.
    pub(super) failed_flushes: u64,
}

impl Failure {
    pub(super) fn new(error: &Error, failed_flushes: u64) -> Self {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        Self { kind: error.kind().code().to_owned(), text: error.text().map(str::to_owned), cause, failed_flushes }
    }

    pub(super) fn into_error(self, operation: Operation) -> Error {
        let mut error = Error::new(ErrorKind::from_code(&self.kind).unwrap_or(ErrorKind::Io), operation);
        if let Some(text) = self.text {
            error = error.with_text(text);
        }
        match self.cause {
            Some(cause) => error.with_cause(cause),
            None => error,
        }
    }
}

impl<'a> Request<'a> {
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(self).map_err(unreadable)
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self> {
        postcard::from_bytes(bytes).map_err(unreadable)
    }
}

impl Reply {
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(self).map_err(unreadable)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        postcard::from_bytes(bytes).map_err(unreadable)
    }
}

fn unreadable(error: postcard::Error) -> Error {
    Error::new(ErrorKind::Io, Operation::Read).with_text("a message between the page and its worker makes no sense").with_cause(error)
}
