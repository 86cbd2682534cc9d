//! What SQLite asks of the host beside files: a clock, a pause, random bytes.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod native {
    use std::hash::{BuildHasher, Hasher, RandomState};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use rsqlite_vfs::{OsCallback, VfsError, VfsErrorCode, VfsResult};

    /// The host of a process.
    #[derive(Clone, Copy, Debug, Default)]
    pub(crate) struct Host;

    impl OsCallback for Host {
        fn sleep(&self, duration: Duration) {
            std::thread::sleep(duration);
        }

        /// SQLite seeds its generator by its default VFS, which this one never is.
        fn random(&self, buf: &mut [u8]) -> usize {
            for (number, chunk) in buf.chunks_mut(8).enumerate() {
                let mut hasher = RandomState::new().build_hasher();
                hasher.write_usize(number);
                let bytes = hasher.finish().to_ne_bytes();
                chunk.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
            }
            buf.len()
        }

        fn epoch_timestamp_in_ms(&self) -> VfsResult<i64> {
            let (since, sign) = match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => (since, 1),
                Err(before) => (before.duration(), -1),
            };
            let millis = i64::try_from(since.as_millis()).map(|millis| millis * sign);
            millis.map_err(|_| VfsError::new(VfsErrorCode::Error, "the clock is beyond what can be counted".into()))
        }
    }
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) use native::Host;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) use sqlite_wasm_rs::WasmOsCallback as Host;

/// The host.
pub(crate) static HOST: Host = Host;
