//! What the project's own engines offer, and which needs each may therefore leave unmet. The suite holds them to it.

use anystorage_api::{Capabilities, Durability};

use crate::case::Need;

/// What the memory engine offers.
pub const MEMORY: Capabilities = Capabilities::new().atomic_rename_file(true).atomic_rename_dir(true).immediate(true).usage(true);

/// What the files engine offers.
pub const FILES: Capabilities = Capabilities::new()
    .durability(Durability::PowerLoss)
    .atomic_rename_file(true)
    .atomic_rename_dir(true)
    .immediate(true)
    .real_names(true)
    .usage(true);

/// What the redb engine offers. Its records carry checksums, but redb's own pages, when damaged, may hide one without a word.
pub const REDB: Capabilities = Capabilities::new()
    .durability(Durability::PowerLoss)
    .atomic_sync(true)
    .atomic_rename_file(true)
    .atomic_rename_dir(true)
    .immediate(true)
    .attributes(true)
    .usage(true);

/// What the sled engine offers. Its records carry checksums, but what sled had logged before a crash may, when damaged, be dropped
/// without a word.
pub const SLED: Capabilities = Capabilities::new()
    .durability(Durability::PowerLoss)
    .atomic_sync(true)
    .atomic_rename_file(true)
    .atomic_rename_dir(true)
    .immediate(true)
    .attributes(true)
    .usage(true);

/// What the idb engine offers. What a commit survives beyond the browser's process is up to the browser, and not each tells how full it is.
pub const IDB: Capabilities = Capabilities::new()
    .durability(Durability::Process)
    .atomic_sync(true)
    .atomic_rename_file(true)
    .atomic_rename_dir(true)
    .checksums(true)
    .attributes(true);

/// What the opfs engine offers in the layout `tree`.
pub const OPFS: Capabilities = Capabilities::new().durability(Durability::Process).atomic_rename_file(true).real_names(true);

/// What the opfs engine offers in the layout `packed`: what redb does, as far as a browser tells its space.
pub const OPFS_PACKED: Capabilities = Capabilities::new()
    .durability(Durability::Process)
    .atomic_sync(true)
    .atomic_rename_file(true)
    .atomic_rename_dir(true)
    .immediate(true)
    .attributes(true);

/// What the opfs engine offers in the layout `pool`. Names change by one table, directories too; bytes are written in place.
pub const OPFS_POOL: Capabilities =
    Capabilities::new().durability(Durability::Process).atomic_rename_file(true).atomic_rename_dir(true).immediate(true);

/// Where an engine's declaration differs from what the table says of it, in words; `max_file_len` and `max_name_len` may be smaller
/// on the host at hand, but not larger.
#[must_use]
pub fn differences(declared: &Capabilities, expected: &Capabilities) -> Vec<String> {
    let mut found = Vec::new();
    if declared.durability != expected.durability {
        found.push(format!("durability is {:?}, not {:?}", declared.durability.as_str(), expected.durability.as_str()));
    }
    for (name, declared, expected) in [
        ("atomic_sync", declared.atomic_sync, expected.atomic_sync),
        ("atomic_rename_file", declared.atomic_rename_file, expected.atomic_rename_file),
        ("atomic_rename_dir", declared.atomic_rename_dir, expected.atomic_rename_dir),
        ("immediate", declared.immediate, expected.immediate),
        ("shared", declared.shared, expected.shared),
        ("real_names", declared.real_names, expected.real_names),
        ("checksums", declared.checksums, expected.checksums),
        ("attributes", declared.attributes, expected.attributes),
        ("usage", declared.usage, expected.usage),
    ] {
        if declared != expected {
            found.push(format!("{name} is {declared}, not {expected}"));
        }
    }
    if declared.max_name_len > expected.max_name_len {
        found.push(format!("max_name_len is {}, more than {}", declared.max_name_len, expected.max_name_len));
    }
    found
}

/// Whether an engine of which the table says `expected` may leave a case out for want of `need`.
///
/// What the table offers must be there. Every engine can be made to run out of space. Flushes and stored bytes exist only where something
/// is durable.
#[must_use]
pub fn may_lack(need: Need, expected: &Capabilities) -> bool {
    match need {
        Need::SmallPlace | Need::FreedSpace => false,
        Need::FlushFaults | Need::Damage => !expected.is_durable(),
        _ => need.met_by(expected) == Some(false),
    }
}

/// Engines, by their schemes, browsers, and cases that have to do without [`Need::FreedSpace`] there: the browser keeps the space of removed
/// records until it compacts or refills its files. All cases if none is named.
///
/// Chromium 156 keeps records of less than 64 KiB in LevelDB, and counts its files: of 200 MiB in small records nothing was free after all
/// of them were deleted, nor after the database was closed. Firefox 153 keeps them in SQLite's pages of 32 KiB, and a page of which a part
/// is free is not free: in a small place that makes one case or another fail. WebKitGTK 2.50 asks for the space of every put, whatever is free in its file.
/// Chromium takes the space of an OPFS file in steps that double it: half of a small place does not become free by less than that.
const KEEPS_SPACE: [(&str, &str, &[&str]); 5] = [
    ("opfs", "chromium", &["flush::a_commit_refused_for_space_may_be_tried_again"]),
    ("opfs-pool", "chromium", &["flush::a_commit_refused_for_space_may_be_tried_again"]),
    ("idb", "chromium", &[]),
    ("idb", "webkit", &[]),
    ("idb", "firefox", &[]),
];

/// Whether a case with the engine of this scheme, or with a mirror of it, has to do without [`Need::FreedSpace`] in a browser.
#[must_use]
pub fn keeps_space(engine: &str, browser: &str, case: &str) -> bool {
    // What an engine keeps, it keeps behind a bridge too.
    let engine = ["remote-", "mirror-"].iter().find_map(|layer| engine.strip_prefix(layer)).unwrap_or(engine);
    let applies = |(known, within, cases): &(&str, &str, &[&str])| {
        *known == engine && *within == browser && (cases.is_empty() || cases.contains(&case))
    };
    KEEPS_SPACE.iter().any(applies)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Need; 13] = [
        Need::Durable,
        Need::AtomicSync,
        Need::AtomicRenameFile,
        Need::AtomicRenameDir,
        Need::Immediate,
        Need::Checksums,
        Need::Attributes,
        Need::Usage,
        Need::OneHolder,
        Need::SmallPlace,
        Need::FreedSpace,
        Need::FlushFaults,
        Need::Damage,
    ];

    #[test]
    fn every_engine_may_lack_no_more_than_the_design_says() {
        let lacking = |expected: &Capabilities| ALL.into_iter().filter(|need| may_lack(*need, expected)).collect::<Vec<_>>();
        assert_eq!(
            lacking(&MEMORY),
            [Need::Durable, Need::AtomicSync, Need::Checksums, Need::Attributes, Need::OneHolder, Need::FlushFaults, Need::Damage]
        );
        assert_eq!(lacking(&FILES), [Need::AtomicSync, Need::Checksums, Need::Attributes]);
        assert_eq!(lacking(&REDB), [Need::Checksums]);
        assert_eq!(lacking(&SLED), [Need::Checksums]);
        assert_eq!(lacking(&IDB), [Need::Immediate, Need::Usage]);
        assert_eq!(lacking(&OPFS_POOL), [Need::AtomicSync, Need::Checksums, Need::Attributes, Need::Usage]);
    }
}
