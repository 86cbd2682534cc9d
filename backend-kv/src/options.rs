use anystorage_api::{Detached, Durability, Error, ErrorKind, Operation, Result, Timestamp};

/// How [`KvBackend`](crate::KvBackend) uses its store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KvOptions {
    pub(crate) durability: Durability,
    pub(crate) immediate: bool,
    spawner: Option<fn(Detached)>,
    pub(crate) checksums: bool,
    pub(crate) usage: bool,
    pub(crate) block_size: usize,
    pub(crate) small_contents: usize,
    pub(crate) dirty_bytes: usize,
    pub(crate) cache_bytes: usize,
    pub(crate) clock: fn() -> Option<Timestamp>,
    pub(crate) salt: u64,
    pub(crate) create: bool,
}

/// The smallest block, in bytes.
pub const MIN_BLOCK_SIZE: usize = 64;

/// The largest block, in bytes.
pub const MAX_BLOCK_SIZE: usize = 1 << 20;

impl KvOptions {
    /// Blocks of 16 KiB, 16 MiB of changes in memory, a cache of 8 MiB, no durability, calls that may wait.
    #[must_use]
    pub fn new() -> Self {
        Self {
            durability: Durability::None,
            immediate: false,
            spawner: None,
            checksums: true,
            usage: true,
            block_size: 16 << 10,
            small_contents: 0,
            dirty_bytes: 16 << 20,
            cache_bytes: 8 << 20,
            clock: host_clock,
            salt: host_salt(),
            create: true,
        }
    }

    /// What the store's durable commits survive.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Whether every call of the store is ready when first polled.
    #[must_use]
    pub const fn immediate(mut self, yes: bool) -> Self {
        self.immediate = yes;
        self
    }

    /// Who carries on with a call that changes something when its future is dropped before its end (contract line 6): `spawn_local` in a
    /// browser, an executor's `spawn` elsewhere. Such calls then own copies of what they were given. Without it, over a store that waits,
    /// futures have to be polled to their end. Over an [immediate](Self::immediate) store no call ever waits, and it is not used.
    #[must_use]
    pub const fn spawner(mut self, spawn: fn(Detached)) -> Self {
        self.spawner = Some(spawn);
        self
    }

    /// Whether damage to what the store keeps is always seen: true unless the store itself, below the records, can lead astray.
    #[must_use]
    pub const fn checksums(mut self, yes: bool) -> Self {
        self.checksums = yes;
        self
    }

    /// Whether the store knows its size.
    #[must_use]
    pub const fn usage(mut self, yes: bool) -> Self {
        self.usage = yes;
        self
    }

    /// How many bytes of a file one record holds, from [`MIN_BLOCK_SIZE`] to [`MAX_BLOCK_SIZE`]. It counts where a location is created;
    /// from then on the location has its own.
    #[must_use]
    pub const fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = bytes;
        self
    }

    /// Files of at most so many bytes, and of at most a block, are kept apart from others, so that [`Paged`](crate::Paged) can put them together,
    /// up to 16 KiB into one record: for stores in which each put costs much. 0, the default, for none. It counts where a file is synced, in
    /// locations that were created with another number than 0; others have none.
    #[must_use]
    pub const fn small_contents(mut self, bytes: usize) -> Self {
        self.small_contents = bytes;
        self
    }

    /// About how many bytes of changes are kept in memory. What is beyond it goes to the store, where it stays invisible until a sync
    /// covers it.
    #[must_use]
    pub const fn dirty_bytes(mut self, bytes: usize) -> Self {
        self.dirty_bytes = bytes;
        self
    }

    /// About how many bytes of stored blocks and records are kept in memory; half as many may be taken by where others lie, if the store tells.
    #[must_use]
    pub const fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Where times come from; none where there is no clock. The default is the host's clock, none in browsers.
    #[must_use]
    pub const fn clock(mut self, clock: fn() -> Option<Timestamp>) -> Self {
        self.clock = clock;
        self
    }

    /// A number that no other opening of the location has: it keeps revisions apart. The default is random natively, and the same each
    /// time in browsers.
    #[must_use]
    pub const fn salt(mut self, salt: u64) -> Self {
        self.salt = salt;
        self
    }

    /// Whether an empty store becomes an empty location. If not, opening it answers [`NotFound`](ErrorKind::NotFound).
    #[must_use]
    pub const fn create(mut self, yes: bool) -> Self {
        self.create = yes;
        self
    }

    /// Who carries on with dropped calls, if calls can be dropped before their end at all.
    pub(crate) fn carries_on(&self) -> Option<fn(Detached)> {
        self.spawner.filter(|_| !self.immediate)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if (MIN_BLOCK_SIZE..=MAX_BLOCK_SIZE).contains(&self.block_size) {
            return Ok(());
        }
        let text = format!("blocks of {} bytes: choose a size from {MIN_BLOCK_SIZE} to {MAX_BLOCK_SIZE}", self.block_size);
        Err(Error::new(ErrorKind::InvalidInput, Operation::OpenLocation).with_text(text))
    }
}

impl Default for KvOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn host_clock() -> Option<Timestamp> {
    let now = std::time::SystemTime::now();
    match now.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => Some(Timestamp::new(i64::try_from(since.as_secs()).ok()?, since.subsec_nanos())),
        Err(before) => {
            let millis = i64::try_from(before.duration().as_millis()).ok()?;
            Some(Timestamp::from_unix_millis(-millis))
        }
    }
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn host_clock() -> Option<Timestamp> {
    None
}

fn host_salt() -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one(0_u8)
}
