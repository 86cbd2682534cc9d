//! A POSIX-like face over any immediate anystorage engine: mounts, paths with symbolic links, descriptors, errno.
//!
//! It is for programs that were written for such a system: C libraries that are compiled to WebAssembly, interpreters, ports. Everything is
//! synchronous, so the engines are those that [`Blocking`](anystorage_api::Blocking) takes: memory, files, sled, redb; in a browser's worker
//! OPFS packed and pool; and whatever stands in front of an engine that waits, as a mirror in memory does.
//!
//! ```
//! use anystorage_api::Blocking;
//! use anystorage_memory::MemoryBackend;
//! use anystorage_vfs::{Errno, MountOptions, OpenFlags, Raw, Vfs};
//!
//! let vfs = Vfs::new();
//! vfs.mount("/", Blocking::new(MemoryBackend::new())?, MountOptions::new().source("memory:"))?;
//! vfs.mkdir("/tmp", 0o1777)?;
//! vfs.mount("/tmp", Blocking::new(MemoryBackend::new())?, MountOptions::new())?;
//!
//! vfs.mkdir_all("/home/ada", 0o755)?;
//! vfs.symlink("ada/notes", "/home/latest")?;
//! let file = vfs.open("/home/latest", OpenFlags::O_RDWR | OpenFlags::O_CREAT, 0o640)?;
//! vfs.write(file, b"one\n")?;
//! vfs.fsync(file)?;
//! assert_eq!(vfs.fstat(file)?.permissions(), 0o640);
//! assert_eq!(vfs.readdir("/home/ada")?[0].name, "notes");
//!
//! // A mount is busy as long as something is open in it.
//! assert_eq!(vfs.rename("/home/ada", "/tmp/ada"), Err(Errno::EXDEV));
//! assert_eq!(vfs.unmount("/"), Err(Errno::EBUSY));
//! vfs.close(file)?;
//! vfs.unmount("/tmp")?;
//! vfs.unmount("/")?;
//!
//! // For callers who want numbers as the kernel returns them.
//! assert_eq!(vfs.close(file).raw(), -9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Vfs`]: all calls; each method is named as in C, and returns [`Result`] with an [`Errno`]. [`Raw::raw`] makes the kernel's number of it.
//! - [`Vfs::mount`], [`Vfs::mounts`], [`Vfs::unmount`], [`Vfs::syncfs`]: engines at directories, nested;
//!   [`Populate`] (with the feature `mirror`, `Mirror` of `anystorage-layers` is one) and [`Vfs::unmount_waiting`] for a mirror,
//!   [`Vfs::unmount_unsynced`] for what cannot be synced any more.
//! - [`Device`], [`Vfs::register_device`], [`Vfs::mknod`]: character devices; [`NULL`], [`ZERO`], [`RANDOM`] and [`URANDOM`] have drivers,
//!   [`Tty`] is one for a terminal of the application's.
//! - [`Vfs::counters`]: how often each call was made, with how many bytes, and how long it took. [`Vfs::last_error`]: the engine's own
//!   error behind an errno.
//! - [`Config`]: verbosity, sanity checks, the number of descriptors, and what a page's URL may decide. [`Vfs::sanity_check`] tries every call
//!   and names the first that misbehaves.
//!
//! # What is not as on Linux
//!
//! Results and errno are: one table of calls is made to the host's kernel and to the face over every engine, and compared. But
//!
//! - **nobody is refused anything**: modes and owners are kept and told, and never enforced, as for a process that may do all. New files
//!   belong to 0:0.
//! - `rename` of a directory over an empty one removes that first: a kill between the two leaves the old name, and nothing at the new one.
//! - Reading does not change `atime`. `st_ino` belongs to the name: a rename changes it. Files have no holes (`SEEK_HOLE` is the end).
//! - There are no hard links, pipes, sockets, block devices, no `mmap` and no locks. `O_TMPFILE` is `EOPNOTSUPP`.
//! - A request of `ioctl` that nobody knows is `EINVAL`, everywhere.
//! - Another engine is never mounted over a mount: that is `EBUSY`.
//! - A path in an engine is at most 4096 bytes long, counted from its root; and links of the host's that an engine follows are followed by
//!   the engine, not here.
//!
//! # What is kept where
//!
//! Where an engine keeps [attributes](anystorage_api::Capabilities::attributes) (sled, redb, IndexedDB, OPFS packed) it has modes, times and
//! links. The rest, which is owners and devices, and on other engines all of it, is in one file in the root of the mount,
//! `.anystorage-vfs`: a line with the format, then records with a checksum each, of those files alone that have something to be told. The
//! file is not listed, cannot be opened, and its name cannot be given to anything else. If it is damaged the engine is not mounted
//! (`EUCLEAN`), and nothing is changed.
//!
//! All records are in memory, and the file is replaced as a whole by the engine's atomic [`write`](anystorage_api::StorageBackend::write):
//!
//! - by `fsync`, `sync`, `syncfs` and `unmount`, if there is something new, and it is durable when these return. An `fsync` with
//!   new records then syncs the whole mount, and the file costs in proportion to the number of records; without new ones, nothing.
//! - where files and records are durable one by one (an engine without
//!   [`atomic_sync`](anystorage_api::Capabilities::atomic_sync)) also before steps that a kill could leave half done: a link or a device is
//!   made by its record first and its empty file then (a record without a file is nothing); a rename of something that has records, or has
//!   some below it, is announced in the file first, and whoever mounts it next asks the engine which of the two names there is (what the
//!   engine refuses is taken back at once); and a name whose older record is still stored is not given again before that one is gone.
//!
//! So a kill loses attributes that were not synced, and nothing else: no file ever has those of another one. On engines that keep links
//! themselves, one that a kill meets half made is an empty file.
//!
//! # What it assumes
//!
//! That it alone changes what is mounted, and that the engine keeps [the contract](anystorage_api::contract).
#![cfg_attr(
    all(target_family = "wasm", target_os = "unknown"),
    allow(clippy::arc_with_non_send_sync, reason = "there is one thread, and engines of browsers stay in it")
)]

mod calls;
mod causes;
mod clock;
mod config;
mod counters;
mod descriptors;
mod devices;
mod errno;
mod flags;
mod ioctl;
mod listing;
mod lookup;
mod mounting;
mod node;
mod path_map;
mod random;
mod records;
mod sanity;
mod stat;
mod tree;
mod tty;
mod vfs;

pub use calls::Time;
pub use config::Config;
pub use counters::{Call, Counter};
pub use devices::{Device, NULL, RANDOM, URANDOM, ZERO};
pub use errno::{Errno, Raw, Result};
pub use flags::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, OpenFlags, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET};
pub use ioctl::{
    Argument, FIONBIO, TCFLSH, TCGETA, TCGETS, TCSBRK, TCSETA, TCSETAF, TCSETAW, TCSETS, TCSETSF, TCSETSW, TCXONC, TIOCGWINSZ, TIOCSWINSZ,
    Termios, WindowSize,
};
pub use listing::Entry;
pub use mounting::{MountInfo, MountOptions, Populate};
pub use sanity::Misbehaviour;
pub use stat::{DeviceNumber, NodeKind, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, Stat};
pub use tty::{Terminal, Tty};
pub use vfs::Vfs;
