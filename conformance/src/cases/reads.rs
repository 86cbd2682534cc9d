//! Line 5: reads see every earlier write, holes and growth are zeros, and offsets beyond 4 GiB work.

use anystorage_api::{ErrorKind, StorageBackend};

use super::check::*;
use crate::case::Verdict;

/// What was written is read back at once, without a sync, through the same handle, another one, and `read`.
pub async fn a_write_is_seen_before_any_sync(backend: &dyn StorageBackend) -> Verdict {
    let data = pattern(2, 70_000);
    let file = edit(backend, "fresh").await?;
    file.write_at(0, &data).await?;
    same_bytes("the handle that wrote does not see its write", &bytes_at(&*file, 0, 80_000).await?, &data)?;
    let other = edit(backend, "fresh").await?;
    same_bytes("a second handle does not see the write", &bytes_at(&*other, 0, 80_000).await?, &data)?;
    holds("read does not see the write", backend, "fresh", &data).await?;
    same("stat does not see the length", &backend.stat(&path("fresh")?).await?.len, &70_000)
}

/// A gap that a write beyond the end leaves reads as zeros.
pub async fn holes_read_as_zeros(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "hole").await?;
    file.write_at(0, b"head").await?;
    file.write_at(1_000_003, b"tail").await?;
    let mut expected = vec![0; 1_000_007];
    for (at, byte) in (0..).zip(*b"head").chain((1_000_003..).zip(*b"tail")) {
        if let Some(place) = expected.get_mut::<usize>(at) {
            *place = byte;
        }
    }
    same_bytes("a hole does not read as zeros", &bytes_at(&*file, 0, 2_000_000).await?, &expected)
}

/// What a cut removed does not come back when the file grows again, by `set_len` or by a write further on.
pub async fn growth_reads_as_zeros_after_a_cut(backend: &dyn StorageBackend) -> Verdict {
    for (cut, grown) in [(0, 5000), (1, 4096), (4095, 4097), (4096, 9000), (65_537, 131_073), (100_001, 200_000)] {
        let name = format!("cut-{cut}");
        let data = pattern(cut, 200_000);
        let file = edit(backend, &name).await?;
        file.write_at(0, &data).await?;
        file.set_len(cut).await?;
        let kept = data.get(..usize::try_from(cut).unwrap_or_default()).unwrap_or_default();
        let mut expected = kept.to_vec();
        expected.resize(usize::try_from(grown).unwrap_or_default(), 0);
        file.set_len(grown).await?;
        same_bytes("bytes that were cut off came back when set_len lengthened the file", &bytes_at(&*file, 0, 300_000).await?, &expected)?;
        file.set_len(cut).await?;
        file.write_at(grown, b"!").await?;
        expected.push(b'!');
        same_bytes("bytes that were cut off came back in a hole", &bytes_at(&*file, 0, 300_000).await?, &expected)?;
    }
    Ok(())
}

/// A read is short only at the end of the file, and gives nothing beyond it.
pub async fn a_read_ends_where_the_file_ends(backend: &dyn StorageBackend) -> Verdict {
    let data = pattern(3, 10_000);
    put(backend, "short", &data).await?;
    let file = edit(backend, "short").await?;
    for (offset, len, expected) in [
        (0, 10_000, 10_000),
        (0, 10_001, 10_000),
        (9_999, 50, 1),
        (10_000, 50, 0),
        (10_001, 50, 0),
        (u64::from(u32::MAX) + 7, 50, 0),
        (5, 0, 0),
    ] {
        let seen = bytes_at(&*file, offset, len).await?;
        same(&format!("read_at {offset} of {len} bytes in a file of 10000 gave another count"), &seen.len(), &expected)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let wanted = data.get(start..start.saturating_add(expected)).unwrap_or_default();
        same_bytes(&format!("read_at {offset} gave other bytes"), &seen, wanted)?;
    }
    Ok(())
}

/// A sparse file works on both sides of 2 GiB, 4 GiB and 5 GiB.
pub async fn offsets_beyond_four_gib_work(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "large").await?;
    let offsets = [(1 << 31) - 3, (1 << 32) - 3, (1 << 32) + 4096, 5 << 30];
    for (seed, offset) in (0..).zip(offsets) {
        file.write_at(offset, &pattern(seed, 7)).await?;
    }
    let len = (5 << 30) + 7;
    same("the length of a sparse file is wrong", &file.stat().await?.len, &len)?;
    for (seed, offset) in (0..).zip(offsets) {
        let promise = format!("what was written at offset {offset} reads back otherwise");
        same_bytes(&promise, &bytes_at(&*file, offset, 7).await?, &pattern(seed, 7))?;
        same_bytes("the bytes before a write beyond 2 GiB are not zeros", &bytes_at(&*file, offset - 5, 5).await?, &[0; 5])?;
    }
    // An offset that lost its upper half would land here.
    same_bytes("a write beyond 4 GiB landed at the start of the file", &bytes_at(&*file, 0, 8192).await?, &[0; 8192])?;
    same_bytes("a read beyond the end of a large file gave bytes", &bytes_at(&*file, len, 10).await?, &[])?;
    file.set_len((1 << 32) + 4099).await?;
    same_bytes("a cut beyond 4 GiB is wrong", &bytes_at(&*file, (1 << 32) + 4096, 10).await?, pattern(2, 7).get(..3).unwrap_or_default())
}

/// Two handles on one file, whichever order they were opened in, are one file.
pub async fn two_handles_see_each_others_writes(backend: &dyn StorageBackend) -> Verdict {
    let first = edit(backend, "both").await?;
    let second = edit(backend, "both").await?;
    first.write_at(0, b"aaaaaaaa").await?;
    second.write_at(2, b"bb").await?;
    first.write_at(3, b"c").await?;
    same_bytes("the first handle misses a write of the second", &bytes_at(&*first, 0, 20).await?, b"aabcaaaa")?;
    same_bytes("the second handle misses a write of the first", &bytes_at(&*second, 0, 20).await?, b"aabcaaaa")?;
    second.set_len(3).await?;
    same("a cut through one handle is not seen through the other", &first.stat().await?.len, &3)?;
    same_bytes("a cut through one handle is not seen through the other", &bytes_at(&*first, 0, 20).await?, b"aab")
}

/// Overlapping writes of all sizes, with cuts between them, end as they would in an array.
pub async fn overlapping_writes_end_as_in_an_array(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "array").await?;
    let mut model: Vec<u8> = Vec::new();
    let pick = |from: &[usize], roll: u8| from.get(usize::from(roll) % from.len()).copied().unwrap_or_default();
    let dice = pattern(0x5eed, 4 * 120);
    for (round, dice) in (0..).zip(dice.chunks(4)) {
        let &[a, b, c, d] = dice else { continue };
        // Offsets and lengths around the block sizes that engines use, 4 KiB and 64 KiB, and far from them.
        let edge = pick(&[0, 4096, 65_536, 131_072, 1000, 70_001], a);
        let offset = (edge + usize::from(b) % 7).saturating_sub(3);
        let len = pick(&[1, 2, 4095, 4096, 4097, 65_536, 65_537, 300], c);
        if d < 40 {
            file.set_len(offset as u64).await?;
            model.resize(offset, 0);
        } else {
            let data = pattern(round, len);
            file.write_at(offset as u64, &data).await?;
            model = overlaid(&model, offset, &data);
        }
        same_bytes(
            &format!("after {} operations the file is not what they make", round + 1),
            &bytes_at(&*file, 0, 250_000).await?,
            &model,
        )?;
    }
    Ok(())
}

/// `set_len` lengthens with zeros, from nothing, from something, and beyond 4 GiB.
pub async fn growth_reads_as_zeros(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "grown").await?;
    file.set_len(70_000).await?;
    same_bytes("a file grown from nothing does not read as zeros", &bytes_at(&*file, 0, 80_000).await?, &[0; 70_000])?;
    file.write_at(69_990, &[7; 10]).await?;
    for len in [70_001, (1 << 31) - 1, (1 << 31) + 1, (1 << 32) - 1, (1 << 32) + 1] {
        file.set_len(len).await?;
        same("set_len gave another length", &file.stat().await?.len, &len)?;
        same_bytes("grown bytes are not zeros", &bytes_at(&*file, len - 1, 10).await?, &[0])?;
    }
    let expected = overlaid(&[7; 10], 20, &[]);
    same_bytes("growth changed the bytes before it", &bytes_at(&*file, 69_990, 20).await?, &expected)?;
    file.set_len(69_995).await?;
    same_bytes("a cut back from beyond 4 GiB is wrong", &bytes_at(&*file, 69_990, 20).await?, &[7; 5])
}

/// A write of no bytes changes nothing: not the bytes, not the length, wherever it lands.
pub async fn an_empty_write_changes_nothing(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "file").await?;
    for offset in [0, 1, 100_000, 1 << 33] {
        file.write_at(offset, &[]).await?;
        same("an empty write lengthened an empty file", &file.stat().await?.len, &0)?;
    }
    file.write_at(0, b"some bytes").await?;
    for offset in [0, 4, 10, 11, 100_000, 1 << 33] {
        file.write_at(offset, &[]).await?;
        holds("an empty write changed the file", backend, "file", b"some bytes").await?;
    }
    Ok(())
}

/// A large file reads back the same in pieces of any size.
pub async fn a_large_file_reads_back_in_any_pieces(backend: &dyn StorageBackend) -> Verdict {
    let data = pattern(6, 1_500_007);
    let file = edit(backend, "large").await?;
    for (at, piece) in (0..).step_by(777_777).zip(data.chunks(777_777)) {
        file.write_at(at, piece).await?;
    }
    holds("read gives other bytes than were written in pieces", backend, "large", &data).await?;
    for size in [1 << 20, 65_536, 100_003] {
        for (at, piece) in (0..).step_by(size).zip(data.chunks(size)) {
            let promise = format!("a read of {size} bytes at {at} gave other bytes, or stopped before the end");
            same_bytes(&promise, &bytes_at(&*file, at, size).await?, piece)?;
        }
    }
    Ok(())
}

/// `stat`, by path and by handle, tells the kind and the length as they are now.
pub async fn stat_tells_what_is_there_now(backend: &dyn StorageBackend) -> Verdict {
    let (at, directory) = (path("file")?, path("directory")?);
    backend.create_dir(&directory).await?;
    let file = edit(backend, "file").await?;
    for len in [0, 1, 70_000, 12, 5_000_000_000] {
        file.set_len(len).await?;
        for found in [file.stat().await?, backend.stat(&at).await?] {
            ensure!(found.is_file(), "stat says that a file is a {}", found.kind.as_str());
            same("stat tells another length than was set", &found.len, &len)?;
        }
    }
    file.write_at(5_000_000_000, b"12345").await?;
    same("stat does not tell a length that a write made", &backend.stat(&at).await?.len, &5_000_000_005)?;
    let found = backend.stat(&directory).await?;
    ensure!(found.is_dir() && found.len == 0, "stat says that a directory is a {} of {} bytes", found.kind.as_str(), found.len);
    let root = backend.stat(&path("")?).await?;
    ensure!(root.is_dir(), "stat says that the root is a {}", root.kind.as_str());
    Ok(())
}

/// The revision of a file is another one after every change of its bytes or its length, however soon they follow each other.
pub async fn the_revision_differs_after_every_change(backend: &dyn StorageBackend) -> Verdict {
    let at = path("file")?;
    let file = edit(backend, "file").await?;
    let mut seen = vec![file.stat().await?.revision];
    for round in 0..60_u8 {
        match round % 3 {
            // The same place and the same length: only the bytes differ.
            0 | 1 => file.write_at(0, &[round + 1; 100]).await?,
            _ => file.set_len(200 + u64::from(round)).await?,
        }
        let now = backend.stat(&at).await?.revision;
        ensure!(!seen.contains(&now), "after {} changes the revision is {now}, as it was before", round + 1);
        same("path and handle tell different revisions of one file", &file.stat().await?.revision, &now)?;
        seen.push(now);
    }
    for round in 0..10_u8 {
        let before = backend.stat(&at).await?.revision;
        backend.write(&at, &[round; 100]).await?;
        let now = backend.stat(&at).await?.revision;
        ensure!(now != before, "the revision is {now} before and after a write of the whole file");
    }
    Ok(())
}

/// The revision of a directory is another one after an entry came, went, or was renamed.
pub async fn the_revision_of_a_directory_differs_after_every_change(backend: &dyn StorageBackend) -> Verdict {
    let directory = path("d")?;
    backend.create_dir(&directory).await?;
    let mut last = backend.stat(&directory).await?.revision;
    for step in ["a file came", "a directory came", "a file was renamed", "a file went", "a directory went"] {
        match step {
            "a file came" => put(backend, "d/file", b"").await?,
            "a directory came" => backend.create_dir(&path("d/sub")?).await?,
            "a file was renamed" => backend.rename(&path("d/file")?, &path("d/other")?).await?,
            "a file went" => backend.remove_file(&path("d/other")?).await?,
            _ => backend.remove_dir(&path("d/sub")?).await?,
        }
        let now = backend.stat(&directory).await?.revision;
        ensure!(now != last, "the revision of a directory is still {now} after {step}");
        last = now;
    }
    Ok(())
}

/// `read` gives what is there, and errors where nothing can be read.
pub async fn read_gives_the_whole_file_or_an_error(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    put(backend, "empty", b"").await?;
    put(backend, "one", b"1").await?;
    holds("read of an empty file", backend, "empty", b"").await?;
    holds("read of one byte", backend, "one", b"1").await?;
    fails_with("read of a missing file", ErrorKind::NotFound, backend.read(&path("missing")?).await)?;
    fails_with("read of a directory", ErrorKind::IsADirectory, backend.read(&path("d")?).await)?;
    fails_with("read of the root", ErrorKind::IsADirectory, backend.read(&path("")?).await)?;
    fails_with("read through a file", ErrorKind::NotADirectory, backend.read(&path("one/below")?).await)
}
