//! What the runner asks of a page or a worker, and what it is answered.

use anystorage_api::{Capabilities, Durability, Error};
use serde::{Deserialize, Serialize};

use crate::case::Carry;
use crate::crossing::Crossing;
use crate::fault::Fault;
use crate::kill_loop::{Lost, Play};

/// A browser that the suite runs in.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Browser {
    /// Chromium, and what is made of it.
    Chromium,
    /// Firefox.
    Firefox,
    /// WebKitGTK, for lack of Safari.
    WebKit,
}

impl Browser {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    /// As on a command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }
}

/// Where in a browser an engine runs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Context {
    /// The main thread of a page.
    Page,
    /// A dedicated worker.
    Worker,
}

impl Context {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Page, Self::Worker];

    /// As in a report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Worker => "worker",
        }
    }
}

/// A subject, as a runner has to know it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Described {
    /// The scheme of its URL.
    pub name: String,
    /// Its URL, for reports.
    pub url: String,
    /// What the project's table says of it.
    pub expected: Option<Offer>,
    /// Where it is to be run.
    pub contexts: Vec<Context>,
    /// In which browsers.
    pub browsers: Vec<Browser>,
    /// How many times as large as for others a small place has to be.
    pub small_times: u64,
    /// Whether its page has to be isolated from other origins.
    #[serde(default)]
    pub isolated: bool,
    /// Whether in pages it works by a worker that it starts itself.
    #[serde(default)]
    pub page_worker: bool,
    /// In which browsers only if it is named.
    pub on_request: Vec<Browser>,
}

/// A question. Subjects go by their place in the list that [`Describe`](Self::Describe) brings.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Request {
    /// Which subjects are there?
    Describe,
    /// What does the engine declare?
    Declared {
        /// Of which subject.
        subject: usize,
    },
    /// Run a case here.
    Case {
        /// On which subject.
        subject: usize,
        /// The name of the case.
        case: String,
        /// What it is to cross: nothing, or what needs no other page or worker.
        crossing: Option<Crossing>,
    },
    /// Run a whole case at a place that is small because all of the origin is.
    InSmallPlace {
        /// On which subject.
        subject: usize,
        /// The name of the case.
        case: String,
        /// The place.
        label: String,
    },
    /// Run the first half of a case, and leave everything open.
    Before {
        /// On which subject.
        subject: usize,
        /// The name of the case.
        case: String,
        /// The place.
        label: String,
    },
    /// Run the second half of a case.
    After {
        /// On which subject.
        subject: usize,
        /// The name of the case.
        case: String,
        /// The place.
        label: String,
        /// What the first half left.
        carry: Carry,
    },
    /// Play the load of a kill loop, until its end.
    Load {
        /// On which subject.
        subject: usize,
        /// Which part of it, and where.
        play: Play,
        /// Where each announcement is posted, by the page: the load goes on when it has arrived.
        announce: String,
    },
    /// Look at a location, for a kill loop.
    Look {
        /// On which subject.
        subject: usize,
        /// The place.
        label: String,
        /// A file to remove before.
        leftover: Option<String>,
        /// Where all that was found is posted, by the page.
        post: String,
    },
    /// Do these things one after another at a location, which is opened if it is not held, and stays open.
    Act {
        /// On which subject.
        subject: usize,
        /// The place.
        label: String,
        /// What to do there; nothing but open it if this is empty.
        acts: Vec<Act>,
    },
}

/// Something to do at a location.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Act {
    /// Replaces a whole file.
    Write {
        /// Which file.
        path: String,
        /// The length of what is written.
        len: usize,
        /// Of the bytes.
        seed: u64,
    },
    /// Writes into a file, which is made if it is not there.
    WriteAt {
        /// Which file.
        path: String,
        /// Where in it.
        offset: u64,
        /// The length of what is written.
        len: usize,
        /// Of the bytes.
        seed: u64,
    },
    /// Compares a whole file with what [`Write`](Self::Write) wrote.
    Compare {
        /// Which file.
        path: String,
        /// Its length.
        len: usize,
        /// Of the bytes.
        seed: u64,
    },
    /// Removes a file.
    Remove {
        /// Which file.
        path: String,
    },
    /// Makes a directory.
    CreateDir {
        /// Which directory.
        path: String,
    },
    /// Renames a file or a directory.
    Rename {
        /// What.
        from: String,
        /// Its new path.
        to: String,
    },
    /// Syncs a file.
    SyncFile {
        /// Which file.
        path: String,
    },
    /// Syncs everything.
    Sync,
    /// Closes the location, which is held no longer then.
    Close,
}

/// An answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// The subjects.
    Described(Vec<Described>),
    /// What the engine declares.
    Declared(Result<Offer, Fault>),
    /// A case, or the second half of one, is over.
    Verdict(Result<(), Fault>),
    /// The first half is over.
    Carry(Result<Carry, Fault>),
    /// A load ended by itself, after it has announced why.
    Ended,
    /// A location was looked at, and what was found is posted.
    Looked(Result<Offer, Lost>),
    /// Things were done, or one of them was refused.
    Acted(Result<(), Refusal>),
    /// The question makes no sense here.
    Senseless(String),
}

/// An error of an engine on its way.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Refusal {
    /// The kind, as [`ErrorKind::as_str`](anystorage_api::ErrorKind::as_str).
    pub kind: String,
    /// All of it.
    pub text: String,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { kind: error.kind().as_str().to_owned(), text: error.to_string() }
    }
}

/// [`Capabilities`] on their way.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Offer {
    durability: Survives,
    atomic_sync: bool,
    atomic_rename_file: bool,
    atomic_rename_dir: bool,
    immediate: bool,
    shared: bool,
    real_names: bool,
    checksums: bool,
    attributes: bool,
    usage: bool,
    max_name_len: u64,
    max_file_len: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Survives {
    Nothing,
    Process,
    PowerLoss,
}

impl From<Capabilities> for Offer {
    fn from(known: Capabilities) -> Self {
        Self {
            durability: match known.durability {
                Durability::Process => Survives::Process,
                Durability::PowerLoss => Survives::PowerLoss,
                _ => Survives::Nothing,
            },
            atomic_sync: known.atomic_sync,
            atomic_rename_file: known.atomic_rename_file,
            atomic_rename_dir: known.atomic_rename_dir,
            immediate: known.immediate,
            shared: known.shared,
            real_names: known.real_names,
            checksums: known.checksums,
            attributes: known.attributes,
            usage: known.usage,
            max_name_len: known.max_name_len as u64,
            max_file_len: known.max_file_len,
        }
    }
}

impl From<Offer> for Capabilities {
    fn from(offer: Offer) -> Self {
        Self::new()
            .durability(match offer.durability {
                Survives::Nothing => Durability::None,
                Survives::Process => Durability::Process,
                Survives::PowerLoss => Durability::PowerLoss,
            })
            .atomic_sync(offer.atomic_sync)
            .atomic_rename_file(offer.atomic_rename_file)
            .atomic_rename_dir(offer.atomic_rename_dir)
            .immediate(offer.immediate)
            .shared(offer.shared)
            .real_names(offer.real_names)
            .checksums(offer.checksums)
            .attributes(offer.attributes)
            .usage(offer.usage)
            .max_name_len(usize::try_from(offer.max_name_len).unwrap_or(usize::MAX))
            .max_file_len(offer.max_file_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn capabilities_come_back_from_the_wire() {
        for known in [table::MEMORY, table::FILES, table::IDB, Capabilities::new().shared(true).max_name_len(200).max_file_len(7)] {
            assert_eq!(Capabilities::from(Offer::from(known)), known);
        }
    }
}
