/// What a sync survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing: gone with the instance.
    None,
    /// The end of the process, the tab or the browser, however it ends.
    Process,
    /// That, and a power cut.
    PowerLoss,
}

impl Durability {
    /// In words: `none`, `process`, `power loss`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Process => "process",
            Self::PowerLoss => "power loss",
        }
    }
}

/// What an engine offers beyond the minimum. The conformance suite holds it to every word.
///
/// [`Capabilities::new`] offers nothing; each builder method adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// What a sync survives.
    pub durability: Durability,
    /// Contract line 3.
    pub atomic_sync: bool,
    /// A rename of a file is one step: a kill leaves it under exactly one of the two names.
    pub atomic_rename_file: bool,
    /// The same for a directory with all that is in it.
    pub atomic_rename_dir: bool,
    /// Every call is ready when first polled, so that [`Blocking`](crate::Blocking) can drive the engine.
    pub immediate: bool,
    /// Several tabs or processes may have the location open at once.
    pub shared: bool,
    /// Files have the same names on the host, where other programs see them.
    pub real_names: bool,
    /// Stored bytes carry checksums: damage is always `Corrupt`, never wrong data (contract line 9).
    pub checksums: bool,
    /// [`set_attributes`](crate::StorageBackend::set_attributes) works, all of it: permissions, times and links.
    pub attributes: bool,
    /// [`usage`](crate::StorageBackend::usage) works.
    pub usage: bool,
    /// The longest part of a path, in bytes; at most [`MAX_NAME_LEN`](crate::MAX_NAME_LEN).
    pub max_name_len: usize,
    /// The longest file, in bytes.
    pub max_file_len: u64,
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub const fn $name(mut self, yes: bool) -> Self {
                self.$name = yes;
                self
            }
        )*
    };
}

impl Capabilities {
    /// The minimum: nothing durable, nothing atomic, names of 255 bytes, files of 2^53 - 1 bytes (what every platform can count).
    #[must_use]
    pub const fn new() -> Self {
        Self {
            durability: Durability::None,
            atomic_sync: false,
            atomic_rename_file: false,
            atomic_rename_dir: false,
            immediate: false,
            shared: false,
            real_names: false,
            checksums: false,
            attributes: false,
            usage: false,
            max_name_len: crate::MAX_NAME_LEN,
            max_file_len: (1 << 53) - 1,
        }
    }

    /// Sets [`Self::durability`].
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    flags! {
        /// Sets [`Self::atomic_sync`].
        atomic_sync,
        /// Sets [`Self::atomic_rename_file`].
        atomic_rename_file,
        /// Sets [`Self::atomic_rename_dir`].
        atomic_rename_dir,
        /// Sets [`Self::immediate`].
        immediate,
        /// Sets [`Self::shared`].
        shared,
        /// Sets [`Self::real_names`].
        real_names,
        /// Sets [`Self::checksums`].
        checksums,
        /// Sets [`Self::attributes`].
        attributes,
        /// Sets [`Self::usage`].
        usage,
    }

    /// Sets [`Self::max_name_len`].
    #[must_use]
    pub const fn max_name_len(mut self, bytes: usize) -> Self {
        self.max_name_len = bytes;
        self
    }

    /// Sets [`Self::max_file_len`].
    #[must_use]
    pub const fn max_file_len(mut self, bytes: u64) -> Self {
        self.max_file_len = bytes;
        self
    }

    /// Whether a sync outlives the instance.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.durability > Durability::None
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::new()
    }
}
