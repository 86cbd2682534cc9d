//! Random bytes, from the host or the browser.

/// Fills `buf`.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) fn fill(buf: &mut [u8]) -> crate::Result<()> {
    getrandom::fill(buf).map_err(|_| crate::Errno::EIO)
}

/// Fills `buf`.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) fn fill(buf: &mut [u8]) -> crate::Result<()> {
    for chunk in buf.chunks_mut(8) {
        let bytes = anystorage_browser_host::global::random().to_le_bytes();
        for (to, from) in chunk.iter_mut().zip(bytes) {
            *to = from;
        }
    }
    Ok(())
}
