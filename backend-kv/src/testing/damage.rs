use anystorage_api::Result;

use crate::store::{Batch, Commit, KvStore};

/// Damages one record of a store, durably: flips a bit of it, or cuts it. Each seed takes another record and another place in it. None if
/// there is no record, otherwise what was done, in words.
///
/// # Errors
/// What the store reports.
pub async fn damage(store: &impl KvStore, seed: u64) -> Result<Option<String>> {
    let records = store.scan(&[], &[0xff; 300], usize::MAX).await?;
    // Any odd number far from a power of two spreads small seeds over the records.
    let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let chosen = usize::try_from(spread >> 32).ok().and_then(|spread| records.get(spread.checked_rem(records.len())?));
    let Some((key, value)) = chosen else { return Ok(None) };
    let mut value = value.clone();
    let at = usize::try_from(spread & 0xffff_ffff).ok().and_then(|spread| spread.checked_rem(value.len())).unwrap_or(0);
    let done = if seed % 3 == 2 && at > 0 {
        let len = value.len();
        value.truncate(at);
        format!("the record {key:02x?} was cut from {len} to {at} bytes")
    } else {
        let bit = 1 << (seed % 8);
        if let Some(byte) = value.get_mut(at) {
            *byte ^= bit;
        }
        format!("byte {at} of the record {key:02x?} was changed by {bit:#04x}")
    };
    let mut batch = Batch::new();
    batch.push(key.clone(), Some(value));
    store.commit(batch, Commit::Durable).await?;
    Ok(Some(done))
}
