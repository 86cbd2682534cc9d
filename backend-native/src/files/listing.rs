//! Directories in pages: what the first page read is kept for the pages that follow.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use anystorage_api::{DirEntry, FileKind};

use super::disk::{DiskEntry, DiskKind};
use super::names::{Meaning, below, meaning};

/// How many directories are kept in the middle of their pages.
const KEPT: usize = 8;

/// The directories that somebody is reading page by page.
#[derive(Debug, Default)]
pub(super) struct Listings(VecDeque<Listing>);

#[derive(Debug)]
struct Listing {
    directory: String,
    entries: Arc<[DirEntry]>,
    /// The next page starts here.
    next: usize,
}

impl Listings {
    /// The page behind `after`, if the page before it ended right there and nothing of ours changed the directory since.
    pub(super) fn next_page(&mut self, directory: &str, after: &str, limit: usize) -> Option<Vec<DirEntry>> {
        let position = self.0.iter().position(|kept| {
            let last = kept.next.checked_sub(1).and_then(|last| kept.entries.get(last));
            kept.directory == directory && last.is_some_and(|last| last.name == after)
        })?;
        let kept = self.0.remove(position)?;
        Some(self.page(kept, limit))
    }

    /// The page behind `after` of a directory that was just read.
    pub(super) fn first_page(&mut self, directory: &str, entries: Vec<DirEntry>, after: Option<&str>, limit: usize) -> Vec<DirEntry> {
        let next = after.map_or(0, |after| entries.partition_point(|entry| entry.name.as_str() <= after));
        self.page(Listing { directory: directory.to_owned(), entries: entries.into(), next }, limit)
    }

    /// The entries of this directory changed.
    pub(super) fn forget(&mut self, directory: &str) {
        self.0.retain(|kept| kept.directory != directory);
    }

    /// This directory is at that path no more, nor is anything below it.
    pub(super) fn forget_tree(&mut self, directory: &str) {
        self.0.retain(|kept| below(&kept.directory, directory).is_none());
    }

    fn page(&mut self, mut listing: Listing, limit: usize) -> Vec<DirEntry> {
        let end = listing.next.saturating_add(limit).min(listing.entries.len());
        let page = listing.entries.get(listing.next..end).map(<[DirEntry]>::to_vec).unwrap_or_default();
        // A full page may be the last one, but its reader cannot know, and asks again.
        if limit > 0 && page.len() == limit {
            listing.next = end;
            self.0.truncate(KEPT - 1);
            self.0.push_front(listing);
        }
        page
    }
}

/// The entries as users see them, sorted, and the names of the temporary files among them.
pub(super) fn sort_out(found: Vec<DiskEntry>) -> (Vec<DirEntry>, Vec<String>) {
    let mut entries = Vec::with_capacity(found.len());
    let mut temporaries = Vec::new();
    for DiskEntry { name, kind } in found {
        match String::from_utf8(name) {
            Ok(name) => match meaning(&name) {
                Meaning::Temporary if kind == DiskKind::File => temporaries.push(name),
                Meaning::Temporary => {}
                Meaning::Name(user) => entries.push(DirEntry::new(user, kind_of(kind))),
            },
            Err(name) => entries.push(DirEntry::unaddressable(readable(name.as_bytes()), kind_of(kind))),
        }
    }
    entries.sort_unstable();
    tell_apart(&mut entries);
    (entries, temporaries)
}

/// What a kind of the disk is called outside.
pub(super) const fn kind_of(kind: DiskKind) -> FileKind {
    match kind {
        DiskKind::File => FileKind::File,
        DiskKind::Directory => FileKind::Directory,
        DiskKind::Symlink => FileKind::Symlink,
        DiskKind::Other => FileKind::Other,
    }
}

/// A name that is not UTF-8, with each foreign byte as `\xNN` behind a replacement character.
fn readable(name: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in name.utf8_chunks() {
        shown.push_str(chunk.valid());
        for byte in chunk.invalid() {
            shown.push_str(&format!("{}\\x{byte:02X}", char::REPLACEMENT_CHARACTER));
        }
    }
    shown
}

/// Pages continue behind a name, so no two entries may show the same one: a replacement for a name gives way.
fn tell_apart(entries: &mut [DirEntry]) {
    if entries.iter().all(|entry| entry.addressable) {
        return;
    }
    let mut taken: HashSet<String> = entries.iter().filter(|entry| entry.addressable).map(|entry| entry.name.clone()).collect();
    for entry in entries.iter_mut().filter(|entry| !entry.addressable) {
        while !taken.insert(entry.name.clone()) {
            entry.name.push(char::REPLACEMENT_CHARACTER);
        }
    }
    entries.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[&[u8]]) -> Vec<DirEntry> {
        sort_out(names.iter().map(|name| DiskEntry { name: name.to_vec(), kind: DiskKind::File }).collect()).0
    }

    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        let list = entries(&[b"a\xff", b"a\xfe", "a\u{fffd}\\xFF".as_bytes()]);
        assert_eq!(list.len(), 3);
        assert!(list.windows(2).all(|pair| pair[0].name < pair[1].name), "{list:?}");
        assert_eq!(list.iter().filter(|entry| entry.addressable).map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["a\u{fffd}\\xFF"]);
    }

    #[test]
    fn pages_continue_only_where_the_last_one_ended() {
        let mut listings = Listings::default();
        let names = |page: Vec<DirEntry>| page.into_iter().map(|entry| entry.name).collect::<Vec<_>>();
        let all = entries(&[b"a", b"b", b"c", b"d", b"e"]);
        assert_eq!(names(listings.first_page("d", all.clone(), None, 2)), ["a", "b"]);
        assert!(listings.next_page("d", "a", 2).is_none());
        assert_eq!(names(listings.next_page("d", "b", 2).unwrap()), ["c", "d"]);
        listings.forget("d");
        assert!(listings.next_page("d", "d", 2).is_none());
        assert_eq!(names(listings.first_page("d", all, Some("d"), 1)), ["e"]);
        assert_eq!(names(listings.next_page("d", "e", 2).unwrap()), [""; 0]);
        assert!(listings.next_page("d", "e", 2).is_none());
    }
}
