//! Line 5: reads see every earlier write, holes and growth are zeros, and offsets beyond 4 GiB work.

use anystorage_api::StorageBackend;

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
