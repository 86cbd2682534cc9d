//! Line 6: calls on one file behave as if done one after another, and a call that was polled runs to its end.

use anystorage_api::StorageBackend;
use futures_lite::future::{poll_once, zip};

use super::check::*;
use crate::case::Verdict;

/// A write whose future is dropped after one poll is done all the same, and what comes later queues behind it.
pub async fn a_call_polled_once_runs_to_its_end(backend: &dyn StorageBackend) -> Verdict {
    let data = pattern(4, 100_000);
    let file = edit(backend, "dropped").await?;
    file.write_at(0, &[1; 10]).await?;
    if let Some(outcome) = poll_once(file.write_at(5, &data)).await {
        outcome?;
    }
    let mut expected = vec![1; 5];
    expected.extend_from_slice(&data);
    let promise = "a write whose future was polled once and then dropped was not carried out whole before the next call";
    same_bytes(promise, &bytes_at(&*file, 0, 200_000).await?, &expected)
}

/// Writes to the same bytes that are under way together leave one of them whole.
pub async fn writes_polled_together_end_in_some_order(backend: &dyn StorageBackend) -> Verdict {
    for round in 0..8 {
        let file = edit(backend, "race").await?;
        let (one, other) = (pattern(2 * round, 50_000), pattern(2 * round + 1, 50_000));
        let (first, second) = zip(file.write_at(0, &one), file.write_at(0, &other)).await;
        first?;
        second?;
        let seen = bytes_at(&*file, 0, 60_000).await?;
        if let (Some(one), Some(other)) = (difference(&seen, &one), difference(&seen, &other)) {
            ensure!(false, "two writes under way together were mixed: against the first {one}; against the second {other}");
        }
    }
    Ok(())
}
