use anystorage_api::{FileKind, Timestamp};

/// `S_IFMT`: the bits of a mode that say what it is.
pub const S_IFMT: u32 = 0o170_000;
/// `S_IFREG`: a regular file.
pub const S_IFREG: u32 = 0o100_000;
/// `S_IFDIR`: a directory.
pub const S_IFDIR: u32 = 0o040_000;
/// `S_IFLNK`: a symbolic link.
pub const S_IFLNK: u32 = 0o120_000;
/// `S_IFCHR`: a character device.
pub const S_IFCHR: u32 = 0o020_000;
/// `S_IFBLK`: a block device; none can be made.
pub const S_IFBLK: u32 = 0o060_000;
/// `S_IFIFO`: a pipe with a name; none can be made.
pub const S_IFIFO: u32 = 0o010_000;
/// `S_IFSOCK`: a socket; none can be made.
pub const S_IFSOCK: u32 = 0o140_000;

/// Which device a file stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct DeviceNumber {
    /// The driver.
    pub major: u32,
    /// Which of its devices.
    pub minor: u32,
}

impl DeviceNumber {
    /// From the two numbers.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// As `dev_t` holds it (`makedev(3)` of glibc).
    #[must_use]
    pub const fn bits(self) -> u64 {
        let (major, minor) = (self.major as u64, self.minor as u64);
        (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & !0xff) << 12) | ((major & !0xfff) << 32)
    }

    /// From a `dev_t`.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self {
            major: ((bits >> 8) & 0xfff) as u32 | ((bits >> 32) as u32 & !0xfff),
            minor: (bits & 0xff) as u32 | ((bits >> 12) as u32 & !0xff),
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Character(DeviceNumber),
    /// Something that a host has, and that the face can tell of and nothing else.
    Other,
}

impl NodeKind {
    /// Its bits in a mode.
    #[must_use]
    pub const fn mode_bits(self) -> u32 {
        match self {
            Self::File => S_IFREG,
            Self::Directory => S_IFDIR,
            Self::Symlink => S_IFLNK,
            Self::Character(_) => S_IFCHR,
            Self::Other => S_IFSOCK,
        }
    }

    pub(crate) const fn of(kind: FileKind) -> Self {
        match kind {
            FileKind::File => Self::File,
            FileKind::Directory => Self::Directory,
            FileKind::Symlink => Self::Symlink,
            _ => Self::Other,
        }
    }

    /// The permission bits of what nobody gave any.
    pub(crate) const fn default_mode(self) -> u32 {
        match self {
            Self::File => 0o644,
            Self::Directory => 0o755,
            Self::Symlink => 0o777,
            Self::Character(_) | Self::Other => 0o600,
        }
    }
}

/// What is known of a file: `struct stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// The number of its mount.
    pub dev: u64,
    /// Its number within the mount. It belongs to the name: a rename changes it, for open descriptors too.
    pub ino: u64,
    /// What it is, and its permission bits.
    pub mode: u32,
    /// Its names: 1, or 0 once it was removed. Of directories always 1, as Btrfs has it.
    pub nlink: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Which device it stands for.
    pub rdev: DeviceNumber,
    /// Its length in bytes: of a link that of its target, of other things 0.
    pub size: u64,
    /// How many bytes to read or write at a time.
    pub blksize: u32,
    /// How many units of 512 bytes it would take without holes.
    pub blocks: u64,
    /// When it was last read, as somebody set it: reading does not change it.
    pub atime: Timestamp,
    /// When its bytes last changed, or what was set since.
    pub mtime: Timestamp,
    /// When its bytes or what is known of it last changed, as far as that was kept.
    pub ctime: Timestamp,
}

impl Stat {
    /// Its permission bits.
    #[must_use]
    pub const fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }

    /// Whether it is a regular file.
    #[must_use]
    pub const fn is_file(&self) -> bool {
        self.mode & S_IFMT == S_IFREG
    }

    /// Whether it is a directory.
    #[must_use]
    pub const fn is_dir(&self) -> bool {
        self.mode & S_IFMT == S_IFDIR
    }

    /// Whether it is a symbolic link.
    #[must_use]
    pub const fn is_symlink(&self) -> bool {
        self.mode & S_IFMT == S_IFLNK
    }
}
