use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::output::Format;

/// Prove storage engines, look into locations, and copy between them.
///
/// A location is a URL: memory:, memory:?limit=64MiB, file:///absolute/directory, sled:///absolute/directory, redb:///absolute/file.
/// ?mode=ro opens a directory for reading alone, rw demands that it exists, rwc (the default) creates it. Without a mode, rm, and put
/// without -p, demand it. sled: and redb: have no ro: whatever is done with them takes their lock, and where it only reads, demands that
/// they exist. They also take block=4KiB (the size of their records, when they are created) and cache=32MiB.
/// A path in it is relative to its root, with / between its parts.
#[derive(Debug, Parser)]
#[command(
    name = "anystorage",
    version,
    after_help = "Exit codes: 0 done, 1 failed (or a case failed), 2 wrong usage: arguments, a URL, a path."
)]
pub(crate) struct Arguments {
    /// What is printed on stdout: tables for people, or JSON. Errors on stderr follow.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Show the log on stderr: -v what is opened, -vv more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Conformance(Conformance),
    Info(Info),
    Ls(Ls),
    Stat(Stat),
    Cat(Cat),
    Put(Put),
    Get(Get),
    Cp(Cp),
    Rm(Rm),
}

/// Prove engines: run the durability contract as cases, and print a matrix of engines and contract lines.
///
/// Without a URL every engine of this build runs in a fresh temporary place. With URLs it runs in a new directory below each, for sled:
/// and redb: beside each (.anystorage-conformance-...), which is removed afterwards unless the run is killed; what is there is not touched.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 no case failed, 1 a case failed, 2 wrong usage.")]
pub(crate) struct Conformance {
    /// Locations to test at.
    pub(crate) urls: Vec<String>,
    /// Only cases whose name contains this text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) case: Option<String>,
}

/// Show what a location offers: engine, durability, capabilities, usage.
#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The location.
    #[arg(required_unless_present = "config", conflicts_with = "config")]
    pub(crate) url: Option<String>,
    /// Open what a TOML file says (url, fallback, probe), each location probed by writing, reading back and removing a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// List a directory.
#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// The location; it is opened for reading alone, where its engine can.
    pub(crate) url: String,
    /// The directory; the root if not given.
    pub(crate) path: Option<String>,
    /// With everything below it. Symbolic links are shown, not followed. A directory that cannot be listed is reported, and the exit code
    /// is then 1.
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

/// Show what is at a path: kind, length, time of change, revision.
#[derive(Debug, Args)]
pub(crate) struct Stat {
    /// The location; it is opened for reading alone, where its engine can.
    pub(crate) url: String,
    /// The file or directory; the root if not given.
    pub(crate) path: Option<String>,
}

/// Print a file.
#[derive(Debug, Args)]
pub(crate) struct Cat {
    /// The location; it is opened for reading alone, where its engine can.
    pub(crate) url: String,
    /// The file.
    pub(crate) path: String,
}

/// Store a file, replacing what is there in one step, and sync.
///
/// A file that is replaced gets the permissions of a new file, not those it had. The bytes go to a part file beside it
/// (.anystorage-cp-....part), which a kill leaves behind; the next put of the same path, or a cp of a tree into that directory, removes it,
/// a put of another path does not.
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// The location.
    pub(crate) url: String,
    /// The file in it.
    pub(crate) path: String,
    /// The host file to store; - or nothing is stdin.
    pub(crate) file: Option<PathBuf>,
    /// Create the directories that are missing, the location itself too.
    #[arg(short, long)]
    pub(crate) parents: bool,
}

/// Fetch a file.
///
/// The bytes go to a part file beside the host file (.anystorage-get-....part). A kill leaves it behind; the next get to the same file
/// takes its place.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The location; it is opened for reading alone, where its engine can.
    pub(crate) url: String,
    /// The file in it.
    pub(crate) path: String,
    /// The host file to write, replaced in one step; - or nothing is stdout.
    pub(crate) file: Option<PathBuf>,
}

/// Copy a file or a whole tree from one location to another.
///
/// A place is a location's URL, and behind a # the path in it, as it is: file:///srv/notes#2026/plan.md. Without a # it is the root.
///
/// A directory's contents go into DST, which is created if it is missing. A file goes to DST, or into it if DST is a directory. Existing
/// files are replaced in one step; those with the same bytes are skipped; nothing else at DST is touched. Interrupted, run it again: files
/// that are there already are skipped, others are copied from their begin. What was copied is synced after each 64 MiB or 512 files,
/// between files, and at the end; where nothing unsynced outlives a kill (sled:, redb:), it goes on from the last of these. Symbolic links,
/// devices and names that are not UTF-8 are not copied, and each is reported; so are the part files (.anystorage-cp-....part) that an
/// interrupted copy left at SRC. Those at DST are removed, in the directories that the copy goes through. Permissions and times are not
/// kept: a file that is replaced gets the permissions of a new file, not those it had.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all copied, 1 something could not be copied (with --strict: or was left out), 2 wrong usage.")]
pub(crate) struct Cp {
    /// From where: URL[#PATH]. It is opened for reading alone, where its engine can.
    pub(crate) src: String,
    /// To where: URL[#PATH].
    pub(crate) dst: String,
    /// Exit with 1 if links, devices, part files or names that are not UTF-8 were left out.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Remove a file, or with -r a directory and everything in it, and sync.
#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// The location.
    pub(crate) url: String,
    /// The file or directory.
    pub(crate) path: String,
    /// Directories too, with everything in them.
    #[arg(short, long)]
    pub(crate) recursive: bool,
}
