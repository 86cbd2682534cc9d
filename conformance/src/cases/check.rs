//! What the cases say and compare with: bytes that can be told apart, and verdicts in words.

use std::fmt::Debug;
use std::task::Poll;

use anystorage_api::{ErrorKind, OpenOptions, Result, StorageBackend, StorageFile, StoragePath};

use crate::case::{Broken, CaseFuture, Verdict};

/// Ends the case with a broken promise unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err($crate::case::Broken::promise(format!($($text)+)));
        }
    };
}

/// A path of a case; a literal, so that it is valid unless the case is wrong.
pub(crate) fn path(text: &str) -> std::result::Result<StoragePath, Broken> {
    Ok(StoragePath::parse(text)?)
}

/// `len` bytes, none of them zero, that differ for each `seed` and at each position: a block in the wrong place shows.
pub(crate) fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut data = Vec::with_capacity(len + 8);
    while data.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Odd bytes are never zero.
        data.extend_from_slice(&(state | 0x0101_0101_0101_0101).to_le_bytes());
    }
    data.truncate(len);
    data
}

/// Where two byte strings differ first, in words; none if they are the same.
pub(crate) fn difference(seen: &[u8], expected: &[u8]) -> Option<String> {
    if seen == expected {
        return None;
    }
    let at = seen.iter().zip(expected).position(|(seen, expected)| seen != expected);
    let lengths = if seen.len() == expected.len() {
        format!("both {} bytes long", seen.len())
    } else {
        format!("{} bytes instead of {}", seen.len(), expected.len())
    };
    match at {
        Some(at) => {
            let (saw, wanted) = (seen.get(at).copied().unwrap_or_default(), expected.get(at).copied().unwrap_or_default());
            Some(format!("{lengths}, and they differ first at offset {at}: {saw:#04x} instead of {wanted:#04x}"))
        }
        None => Some(format!("{lengths}, the same up to there")),
    }
}

/// Breaks `promise` unless the bytes are the expected ones.
pub(crate) fn same_bytes(promise: &str, seen: &[u8], expected: &[u8]) -> Verdict {
    match difference(seen, expected) {
        None => Ok(()),
        Some(difference) => Err(Broken::promise(format!("{promise}: {difference}"))),
    }
}

/// Breaks `promise` unless the call failed with this kind.
pub(crate) fn fails_with<T>(promise: &str, kind: ErrorKind, outcome: Result<T>) -> Verdict {
    fails_with_one_of(promise, &[kind], outcome)
}

/// Breaks `promise` unless the call failed with one of these kinds.
pub(crate) fn fails_with_one_of<T>(promise: &str, kinds: &[ErrorKind], outcome: Result<T>) -> Verdict {
    let wanted = kinds.iter().map(|kind| format!("{:?}", kind.as_str())).collect::<Vec<_>>().join(" or ");
    match outcome {
        Err(error) if kinds.contains(&error.kind()) => Ok(()),
        Err(error) => Err(Broken::promise(format!("{promise}: expected the error {wanted}, and got: {error}"))),
        Ok(_) => Err(Broken::promise(format!("{promise}: expected the error {wanted}, and the call succeeded"))),
    }
}

/// Breaks `promise` unless the values are equal.
pub(crate) fn same<T: PartialEq + Debug + ?Sized>(promise: &str, seen: &T, expected: &T) -> Verdict {
    if seen == expected {
        return Ok(());
    }
    Err(Broken::promise(format!("{promise}: saw {seen:?} instead of {expected:?}")))
}

/// Opens for reading and writing, creating what is missing.
pub(crate) async fn edit(backend: &dyn StorageBackend, at: &str) -> std::result::Result<Box<dyn StorageFile>, Broken> {
    Ok(backend.open(&path(at)?, &OpenOptions::editing()).await?)
}

/// Puts `data` into the file in place, cutting what was there, and closes it without a sync.
pub(crate) async fn put(backend: &dyn StorageBackend, at: &str, data: &[u8]) -> Verdict {
    let file = backend.open(&path(at)?, &OpenOptions::editing().truncate(true)).await?;
    file.write_at(0, data).await?;
    Ok(file.close().await?)
}

/// Breaks `promise` unless the file has exactly these bytes, seen through `read`.
pub(crate) async fn holds(promise: &str, backend: &dyn StorageBackend, at: &str, expected: &[u8]) -> Verdict {
    same_bytes(&format!("{promise} ({at:?})"), &backend.read(&path(at)?).await?, expected)
}

/// `len` bytes from `offset` on, fewer where the file ends. One call, so that a short read shows.
pub(crate) async fn bytes_at(file: &dyn StorageFile, offset: u64, len: usize) -> std::result::Result<Vec<u8>, Broken> {
    let mut data = vec![0xa5; len];
    let count = file.read_at(offset, &mut data).await?;
    ensure!(count <= len, "read_at says that it read {count} bytes into a buffer of {len}");
    data.truncate(count);
    Ok(data)
}

/// The names in a directory, read in pages of 100.
pub(crate) async fn names(backend: &dyn StorageBackend, directory: &str) -> std::result::Result<Vec<String>, Broken> {
    let directory = path(directory)?;
    let mut names: Vec<String> = Vec::new();
    loop {
        let page = backend.list(&directory, names.last().map(String::as_str), 100).await?;
        let full = page.len() == 100;
        names.extend(page.into_iter().map(|entry| entry.name));
        if !full {
            return Ok(names);
        }
    }
}

/// A range of a byte string that is long enough for it.
pub(crate) fn part(data: &[u8], range: std::ops::Range<usize>) -> &[u8] {
    data.get(range).unwrap_or_default()
}

/// `base` with `data` written over it at `offset`, lengthened with zeros where needed.
pub(crate) fn overlaid(base: &[u8], offset: usize, data: &[u8]) -> Vec<u8> {
    let mut result = base.to_vec();
    if result.len() < offset + data.len() {
        result.resize(offset + data.len(), 0);
    }
    if let Some(place) = result.get_mut(offset..offset + data.len()) {
        place.copy_from_slice(data);
    }
    result
}

/// Breaks `promise` unless each byte is the one that one of `allowed` has at its place: old, new, or torn between them.
pub(crate) fn mixture(promise: &str, seen: &[u8], allowed: &[&[u8]]) -> Verdict {
    if allowed.iter().any(|allowed| allowed.starts_with(seen)) {
        return Ok(());
    }
    for (at, byte) in seen.iter().enumerate() {
        if !allowed.iter().any(|allowed| allowed.get(at) == Some(byte)) {
            return Err(Broken::promise(format!(
                "{promise}: the byte at offset {at} of {} is {byte:#04x}, which was never there",
                seen.len()
            )));
        }
    }
    Ok(())
}

/// Breaks `promise` unless the bytes are one of `allowed`, whole.
pub(crate) fn whole(promise: &str, seen: &[u8], allowed: &[&[u8]]) -> Verdict {
    if allowed.contains(&seen) {
        return Ok(());
    }
    let against: Vec<String> = allowed.iter().filter_map(|allowed| difference(seen, allowed)).collect();
    Err(Broken::promise(format!("{promise}: it is none of the {} states allowed: {}", allowed.len(), against.join(" | "))))
}

/// The whole file, none if nothing is there.
pub(crate) async fn found(backend: &dyn StorageBackend, at: &str) -> std::result::Result<Option<Vec<u8>>, Broken> {
    match backend.read(&path(at)?).await {
        Ok(data) => Ok(Some(data)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Breaks `promise` if something is there.
pub(crate) async fn absent(promise: &str, backend: &dyn StorageBackend, at: &str) -> Verdict {
    fails_with(&format!("{promise} ({at:?})"), ErrorKind::NotFound, backend.stat(&path(at)?).await)
}

/// Breaks `promise` unless the directory has exactly these names, in this order.
pub(crate) async fn lists(promise: &str, backend: &dyn StorageBackend, directory: &str, expected: &[&str]) -> Verdict {
    let seen = names(backend, directory).await?;
    if seen == expected {
        return Ok(());
    }
    let missing: Vec<&&str> = expected.iter().filter(|name| !seen.iter().any(|seen| seen == **name)).collect();
    let extra: Vec<&String> = seen.iter().filter(|name| !expected.contains(&name.as_str())).collect();
    if missing.is_empty() && extra.is_empty() {
        return Err(Broken::promise(format!("{promise} ({directory:?}): the order or the number of the names is wrong: {seen:?}")));
    }
    Err(Broken::promise(format!("{promise} ({directory:?}): missing {missing:?}, unexpected {extra:?}")))
}

/// Awaits all of them together, polled in turn, and gives what they gave in their order.
pub(crate) async fn together<'a, T>(futures: Vec<CaseFuture<'a, T>>) -> Vec<T> {
    let mut running: Vec<(Option<CaseFuture<'a, T>>, Option<T>)> = futures.into_iter().map(|future| (Some(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, outcome) in &mut running {
            if let Some(pending) = future {
                match pending.as_mut().poll(context) {
                    Poll::Ready(value) => {
                        *outcome = Some(value);
                        *future = None;
                    }
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, outcome)| outcome).collect()
}

#[cfg(test)]
mod tests {
    use futures_lite::future::{block_on, yield_now};

    use super::*;

    #[test]
    fn patterns_tell_seeds_and_positions_apart_and_are_never_zero() {
        let one = pattern(1, 100_003);
        assert_eq!(one.len(), 100_003);
        assert!(!one.contains(&0));
        assert_eq!(part(&one, 0..50), pattern(1, 50));
        for seed in [0, 2, 3, 1000] {
            let other = pattern(seed, 100_003);
            assert!(one.chunks(64).zip(other.chunks(64)).all(|(one, other)| one != other));
        }
        assert!(one.chunks_exact(512).zip(one.chunks_exact(512).skip(1)).all(|(here, next)| here != next));
    }

    #[test]
    fn verdicts_tell_lengths_and_the_first_difference() {
        assert_eq!(difference(b"same", b"same"), None);
        let text = difference(b"abXd", b"abcde").unwrap();
        assert_eq!(text, "4 bytes instead of 5, and they differ first at offset 2: 0x58 instead of 0x63");
        assert_eq!(difference(b"ab", b"abc").unwrap(), "2 bytes instead of 3, the same up to there");
        assert!(whole("it", b"old", &[b"new", b"old"]).is_ok());
        assert!(whole("it", b"oew", &[b"new", b"old"]).is_err());
        assert!(mixture("it", b"oew", &[b"new", b"old"]).is_ok());
        assert!(mixture("it", b"oex", &[b"new", b"old"]).is_err());
        assert!(mixture("it", b"olds", &[b"new", b"old"]).is_err());
    }

    #[test]
    fn futures_together_are_all_polled_to_their_end_and_answer_in_order() {
        let calls: Vec<CaseFuture<'_, usize>> = (0..5_usize)
            .map(|number| {
                Box::pin(async move {
                    for _ in number..5 {
                        yield_now().await;
                    }
                    number
                }) as CaseFuture<'_, usize>
            })
            .collect();
        assert_eq!(block_on(together(calls)), [0, 1, 2, 3, 4]);
    }
}
