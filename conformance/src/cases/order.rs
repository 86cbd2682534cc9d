//! Line 6: calls on one file behave as if done one after another, and a call that was polled runs to its end.

use anystorage_api::{ErrorKind, OpenOptions, Result, StorageBackend};
use futures_lite::future::{poll_once, zip};

use super::check::*;
use crate::case::{CaseFuture, Verdict};

/// A write whose future is dropped after one poll is done all the same, and what comes later queues behind it.
pub async fn a_write_polled_once_runs_to_its_end(backend: &dyn StorageBackend) -> Verdict {
    for (round, len) in (0..).zip([1, 5000, 100_000, 1 << 20]) {
        let data = pattern(round, len);
        let file = edit(backend, "dropped").await?;
        file.set_len(0).await?;
        file.write_at(0, &[1; 10]).await?;
        if let Some(outcome) = poll_once(file.write_at(5, &data)).await {
            outcome?;
        }
        let promise = "a write whose future was polled once and then dropped was not carried out whole before the next call";
        same_bytes(promise, &bytes_at(&*file, 0, 2 << 20).await?, &overlaid(&[1; 10], 5, &data))?;
    }
    Ok(())
}

/// A cut and a growth whose futures are dropped after one poll are done all the same, in their order.
pub async fn a_set_len_polled_once_runs_to_its_end(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "dropped").await?;
    let data = pattern(1, 90_000);
    file.write_at(0, &data).await?;
    for len in [40_000, 80_000] {
        if let Some(outcome) = poll_once(file.set_len(len)).await {
            outcome?;
        }
    }
    let promise = "a set_len whose future was polled once and then dropped was not carried out before the next call";
    same_bytes(promise, &bytes_at(&*file, 0, 100_000).await?, &overlaid(part(&data, 0..40_000), 80_000, &[]))
}

/// A replacing `write` whose future is dropped after one poll is done all the same.
pub async fn a_replacing_write_polled_once_runs_to_its_end(backend: &dyn StorageBackend) -> Verdict {
    let file = path("file")?;
    backend.write(&file, b"old").await?;
    let data = pattern(2, 200_000);
    if let Some(outcome) = poll_once(backend.write(&file, &data)).await {
        outcome?;
    }
    // A sync covers every change before it, and so waits for those that are still under way.
    backend.sync().await?;
    holds("a write whose future was polled once and then dropped did not replace the file", backend, "file", &data).await?;
    lists("a write whose future was polled once and then dropped left another name", backend, "", &["file"]).await
}

/// Creates, renames and removals whose futures are dropped after one poll are done all the same.
pub async fn changes_of_the_tree_polled_once_run_to_their_end(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"bytes").await?;
    put(backend, "removed", b"").await?;
    backend.create_dir(&path("empty")?).await?;
    let (directory, file, renamed) = (path("made")?, path("file")?, path("renamed")?);
    let (removed, empty, opened) = (path("removed")?, path("empty")?, path("opened")?);
    if let Some(outcome) = poll_once(backend.create_dir(&directory)).await {
        outcome?;
    }
    if let Some(outcome) = poll_once(backend.rename(&file, &renamed)).await {
        outcome?;
    }
    if let Some(outcome) = poll_once(backend.remove_file(&removed)).await {
        outcome?;
    }
    if let Some(outcome) = poll_once(backend.remove_dir(&empty)).await {
        outcome?;
    }
    if let Some(outcome) = poll_once(backend.open(&opened, &OpenOptions::editing())).await {
        outcome?;
    }
    backend.sync().await?;
    let promise = "a change of the tree whose future was polled once and then dropped was not carried out";
    lists(promise, backend, "", &["made", "opened", "renamed"]).await?;
    holds(promise, backend, "renamed", b"bytes").await
}

/// A write that was dropped after one poll is done even if its handle is dropped as well.
pub async fn a_dropped_write_outlives_its_handle(backend: &dyn StorageBackend) -> Verdict {
    let data = pattern(3, 300_000);
    let file = edit(backend, "file").await?;
    if let Some(outcome) = poll_once(file.write_at(0, &data)).await {
        outcome?;
    }
    drop(file);
    holds("a write whose future and handle were dropped was not carried out whole", backend, "file", &data).await
}

/// A sync that was dropped after one poll disturbs nothing that comes later.
pub async fn a_dropped_sync_disturbs_nothing(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "file").await?;
    for round in 0..10 {
        file.write_at(round * 1000, &pattern(round, 1000)).await?;
        if let Some(outcome) = poll_once(file.sync()).await {
            outcome?;
        }
        if let Some(outcome) = poll_once(backend.sync()).await {
            outcome?;
        }
        let mut some = [0; 100];
        if let Some(outcome) = poll_once(file.read_at(0, &mut some)).await {
            outcome?;
        }
    }
    file.sync().await?;
    let expected: Vec<u8> = (0..10).flat_map(|round| pattern(round, 1000)).collect();
    holds("syncs and reads that were dropped disturbed the writes around them", backend, "file", &expected).await
}

/// Writes to the same bytes that are under way together, through one handle or two, leave one of them whole.
pub async fn writes_polled_together_end_in_some_order(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "race").await?;
    let second = edit(backend, "race").await?;
    for round in 0..8 {
        let (one, other) = (pattern(2 * round, 50_000), pattern(2 * round + 1, 50_000));
        let writer = if round % 2 == 0 { &file } else { &second };
        let (first, second) = zip(file.write_at(0, &one), writer.write_at(0, &other)).await;
        first?;
        second?;
        whole("two writes under way together were mixed", &bytes_at(&*file, 0, 60_000).await?, &[&one, &other])?;
    }
    Ok(())
}

/// A write and a cut under way together end in one order or the other.
pub async fn a_write_and_a_cut_together_end_in_some_order(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "race").await?;
    for round in 0..8 {
        let (old, new) = (pattern(2 * round, 70_000), pattern(2 * round + 1, 70_000));
        file.set_len(0).await?;
        file.write_at(0, &old).await?;
        let (written, cut) = if round % 2 == 0 {
            zip(file.write_at(0, &new), file.set_len(10)).await
        } else {
            let (cut, written) = zip(file.set_len(10), file.write_at(0, &new)).await;
            (written, cut)
        };
        written?;
        cut?;
        whole("a write and a cut under way together were mixed", &bytes_at(&*file, 0, 80_000).await?, &[&new, part(&new, 0..10)])?;
    }
    Ok(())
}

/// A read beside a write of the same bytes sees them before or after it, never in between.
pub async fn a_read_beside_a_write_sees_before_or_after(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "race").await?;
    let reader = backend.open(&path("race")?, &OpenOptions::reading()).await?;
    let mut old = pattern(0, 150_000);
    file.write_at(0, &old).await?;
    for round in 1..10 {
        let new = pattern(round, 150_000);
        let mut seen = vec![0; 150_000];
        let (written, count) = if round % 2 == 0 {
            zip(file.write_at(0, &new), reader.read_at(0, &mut seen)).await
        } else {
            let (count, written) = zip(reader.read_at(0, &mut seen), file.write_at(0, &new)).await;
            (written, count)
        };
        written?;
        seen.truncate(count?);
        whole("a read beside a write saw it half done", &seen, &[&old, &new])?;
        old = new;
    }
    Ok(())
}

/// Many calls on one file under way together all arrive: each part has its own bytes.
pub async fn many_writes_together_all_arrive(backend: &dyn StorageBackend) -> Verdict {
    const PIECE: usize = 5000;
    let file = edit(backend, "many").await?;
    let expected = pattern(5, 32 * PIECE);
    let mut calls: Vec<CaseFuture<'_, Result<()>>> = Vec::new();
    for (offset, piece) in (0..).step_by(PIECE).zip(expected.chunks(PIECE)) {
        calls.push(Box::pin(file.write_at(offset, piece)));
    }
    // Back and front in turn, so that some lengthen the file and some fill its holes.
    let second_half = calls.split_off(16);
    let calls: Vec<_> = second_half.into_iter().zip(calls).flat_map(|(back, front)| [back, front]).collect();
    for outcome in together(calls).await {
        outcome?;
    }
    same_bytes("of many writes under way together some did not arrive", &bytes_at(&*file, 0, 40 * PIECE).await?, &expected)
}

/// Many files written together do not mix.
pub async fn many_files_together_do_not_mix(backend: &dyn StorageBackend) -> Verdict {
    let mut calls: Vec<CaseFuture<'_, Verdict>> = Vec::new();
    for number in 0..24_u64 {
        calls.push(Box::pin(async move {
            let name = format!("{number:02}");
            let file = edit(backend, &name).await?;
            for piece in 0..4 {
                file.write_at(piece * 9000, &pattern(100 * number + piece, 9000)).await?;
            }
            file.sync().await?;
            Ok(file.close().await?)
        }));
    }
    for outcome in together(calls).await {
        outcome?;
    }
    for number in 0..24_u64 {
        let expected: Vec<u8> = (0..4).flat_map(|piece| pattern(100 * number + piece, 9000)).collect();
        holds("files written together were mixed", backend, &format!("{number:02}"), &expected).await?;
    }
    Ok(())
}

/// Of many creations of one name under way together exactly one succeeds.
pub async fn one_of_many_creations_wins(backend: &dyn StorageBackend) -> Verdict {
    let (file, directory) = (path("file")?, path("directory")?);
    let options = OpenOptions::new().write(true).create_new(true);
    let calls: Vec<CaseFuture<'_, bool>> =
        (0..8).map(|_| Box::pin(async { backend.open(&file, &options).await.is_ok() }) as CaseFuture<'_, bool>).collect();
    let won = together(calls).await.into_iter().filter(|won| *won).count();
    same("how many of eight create_new of one file succeeded", &won, &1)?;
    let calls: Vec<CaseFuture<'_, bool>> =
        (0..8).map(|_| Box::pin(async { backend.create_dir(&directory).await.is_ok() }) as CaseFuture<'_, bool>).collect();
    let won = together(calls).await.into_iter().filter(|won| *won).count();
    same("how many of eight create_dir of one directory succeeded", &won, &1)
}

/// Of many renames of one file under way together exactly one succeeds, and the file is under its name.
pub async fn one_of_many_renames_wins(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"bytes").await?;
    let from = path("file")?;
    let targets = (0..8).map(|number| path(&format!("to-{number}"))).collect::<std::result::Result<Vec<_>, _>>()?;
    let calls: Vec<CaseFuture<'_, Result<()>>> =
        targets.iter().map(|to| Box::pin(backend.rename(&from, to)) as CaseFuture<'_, Result<()>>).collect();
    let outcomes = together(calls).await;
    let mut won = Vec::new();
    for (outcome, to) in outcomes.into_iter().zip(&targets) {
        match outcome {
            Ok(()) => won.push(to.as_str()),
            Err(error) => same("the kind of a rename that came too late", &error.kind(), &ErrorKind::NotFound)?,
        }
    }
    same("how many of eight renames of one file succeeded", &won.len(), &1)?;
    lists("after eight renames of one file", backend, "", &won).await?;
    holds("a file after eight renames", backend, won.first().copied().unwrap_or_default(), b"bytes").await
}
