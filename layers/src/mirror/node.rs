//! What the tree is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use anystorage_api::{Attributes, DirEntry, Error, FileKind, Metadata, StorageFile, Timestamp};

use super::content::Content;

/// A node, as long as the mirror is open. None is ever given out twice.
pub(super) type Id = u64;

/// The root directory.
pub(super) const ROOT: Id = 0;

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) directory: Id,
    pub(super) name: String,
}

#[derive(Debug)]
pub(super) enum Kind {
    Directory(BTreeMap<String, Id>),
    /// A file, or a link that attributes made of one.
    File(Content),
    /// What the host has besides: it can be seen, renamed and removed.
    Other(FileKind),
}

/// What is known of what lies below, to see whether somebody else changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) revision: u64,
    len: u64,
    modified: Option<Timestamp>,
}

impl Known {
    pub(super) const fn new(found: &Metadata) -> Self {
        Self { revision: found.revision, len: found.len, modified: found.modified }
    }

    /// Whether nothing happened in between. An engine that knew too many revisions to keep them may give a file another one without a
    /// change; then length and time tell.
    pub(super) fn is_still(&self, now: &Self) -> bool {
        self.revision == now.revision || (self.modified.is_some() && (self.len, self.modified) == (now.len, now.modified))
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Where it is; none for the root and for what was removed.
    pub(super) place: Option<Place>,
    /// Where it is below; none for the root and for what is not there.
    pub(super) below: Option<Place>,
    /// None where it is not below, or nobody looked since it was moved there.
    pub(super) known: Option<Known>,
    pub(super) revision: u64,
    pub(super) modified: Option<Timestamp>,
    pub(super) accessed: Option<Timestamp>,
    pub(super) mode: Option<u32>,
    pub(super) link: Option<String>,
    /// Attributes that were set and are not below.
    pub(super) unset: Attributes,
    /// How many handles are open.
    pub(super) handles: u32,
    /// The changes of the tree that brought it here and moved it, as long as its creation is not below: without any of them nobody
    /// would know that it was ever there.
    pub(super) born: Option<Vec<u64>>,
    /// How many changes in the log, or under way, speak of it.
    pub(super) uses: u32,
    /// How many of them need its bytes to be below before them.
    pub(super) wanted: u32,
    /// The file below, open: for what is loaded later, and for a file that was removed there.
    pub(super) source: Option<Arc<dyn StorageFile>>,
    /// It could not be loaded.
    pub(super) damage: Option<Error>,
    /// How many bytes were written below since the last sync there.
    pub(super) unsynced: u64,
    /// A write-back has its changes.
    pub(super) is_flying: bool,
    /// Whether a path leads to it.
    pub(super) is_addressable: bool,
}

impl Node {
    pub(super) const fn new(kind: Kind, place: Option<Place>, revision: u64, modified: Option<Timestamp>) -> Self {
        Self {
            kind,
            place,
            below: None,
            known: None,
            revision,
            modified,
            accessed: None,
            mode: None,
            link: None,
            unset: Attributes::new(),
            handles: 0,
            born: None,
            uses: 0,
            wanted: 0,
            source: None,
            damage: None,
            unsynced: 0,
            is_flying: false,
            is_addressable: true,
        }
    }

    /// What is there below, at the same place.
    pub(super) fn found(kind: Kind, place: Place, found: &Metadata) -> Self {
        let mut node = Self::new(kind, Some(place.clone()), found.revision, found.modified);
        node.below = Some(place);
        node.adopt(found);
        node
    }

    /// Takes over what is told of it below.
    pub(super) fn adopt(&mut self, found: &Metadata) {
        self.known = Some(Known::new(found));
        self.modified = found.modified;
        self.accessed = found.accessed;
        self.mode = found.mode;
        self.link.clone_from(&found.link_target);
    }

    /// Has these bytes from now on, and what else is told of it below.
    pub(super) fn replace(&mut self, content: Content, found: &Metadata, revision: u64) {
        self.adopt(found);
        self.kind = Kind::File(content);
        self.revision = revision;
        self.damage = None;
        self.source = None;
    }

    pub(super) const fn file_kind(&self) -> FileKind {
        match &self.kind {
            Kind::Directory(_) => FileKind::Directory,
            Kind::File(_) if self.link.is_some() => FileKind::Symlink,
            Kind::File(_) => FileKind::File,
            Kind::Other(kind) => *kind,
        }
    }

    pub(super) fn entry(&self, name: &str) -> DirEntry {
        if self.is_addressable { DirEntry::new(name, self.file_kind()) } else { DirEntry::unaddressable(name, self.file_kind()) }
    }

    pub(super) fn metadata(&self) -> Metadata {
        let mut metadata = match &self.kind {
            Kind::File(content) if self.link.is_none() => Metadata::file(content.len()),
            _ => Metadata::of_kind(self.file_kind()),
        };
        metadata.mode = self.mode;
        metadata.with_modified(self.modified).with_accessed(self.accessed).with_link_target(self.link.clone()).with_revision(self.revision)
    }

    /// Whether there is something to write back besides its place.
    pub(super) fn is_changed(&self) -> bool {
        self.unset != Attributes::new() || matches!(&self.kind, Kind::File(content) if content.is_changed())
    }
}
