//! Answers as frames.

use anystorage_api::{Error, Result};

use crate::protocol::{Answer, encode};

/// An answer without bytes behind it.
pub(super) fn answer(number: u64, answer: &Answer<'_>) -> Vec<u8> {
    // It is refused only where there is no memory: no bytes are no answer, and the client says so.
    encode(number, answer, 0).unwrap_or_default()
}

/// That something failed.
pub(super) fn failed(number: u64, error: &Error) -> Vec<u8> {
    answer(number, &Answer::Failed(error.into()))
}

/// What came of a call.
pub(super) fn outcome(number: u64, done: Result<()>) -> Vec<u8> {
    match done {
        Ok(()) => answer(number, &Answer::Done),
        Err(error) => failed(number, &error),
    }
}

/// Bytes that `fill` puts behind the head, at most `len` of them; it says how many.
pub(super) async fn filled(number: u64, len: usize, fill: impl AsyncFnOnce(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut frame = encode(number, &Answer::Bytes, len)?;
    let head = frame.len();
    frame.resize(head + len, 0);
    let count = match frame.get_mut(head..) {
        Some(room) => fill(room).await?,
        None => 0,
    };
    frame.truncate(head + count.min(len));
    Ok(frame)
}
