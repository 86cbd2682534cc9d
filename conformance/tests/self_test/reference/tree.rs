//! A tree of nodes with numbers, and files in shared pages: cheap to copy, so that what a sync publishes is a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anystorage_api::{Attributes, ErrorKind, FileKind, StoragePath};

pub(super) const PAGE: u64 = 4096;
pub(super) const ROOT: u64 = 0;
/// What a node takes beside its pages.
const NODE: u64 = 64;

pub(super) type Outcome<T> = Result<T, ErrorKind>;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) revision: u64,
    pub(super) content: Content,
    pub(super) attributes: Attributes,
}

impl Node {
    pub(super) const fn new(revision: u64, content: Content) -> Self {
        Self { revision, content, attributes: Attributes::new() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    File(File),
    Directory(BTreeMap<String, Entry>),
    /// A record that does not check.
    Damaged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) directory: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct File {
    pub(super) len: u64,
    /// By number; what is missing is zeros, what is none is damaged.
    pub(super) pages: BTreeMap<u64, Option<Arc<Vec<u8>>>>,
}

impl File {
    pub(super) fn read(&self, offset: u64, buf: &mut [u8]) -> Outcome<usize> {
        let count = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        let mut done = 0;
        while done < count {
            let at = offset + done as u64;
            let skip = (at % PAGE) as usize;
            let part = (PAGE as usize - skip).min(count - done);
            let to = &mut buf[done..done + part];
            match self.pages.get(&(at / PAGE)) {
                Some(Some(page)) => to.copy_from_slice(&page[skip..skip + part]),
                Some(None) => return Err(ErrorKind::Corrupt),
                None => to.fill(0),
            }
            done += part;
        }
        Ok(count)
    }

    pub(super) fn write(&mut self, offset: u64, data: &[u8]) -> Outcome<()> {
        let mut done = 0;
        while done < data.len() {
            let at = offset + done as u64;
            let skip = (at % PAGE) as usize;
            let part = (PAGE as usize - skip).min(data.len() - done);
            let page = self.pages.entry(at / PAGE).or_insert_with(|| Some(Arc::new(vec![0; PAGE as usize])));
            if part == PAGE as usize {
                *page = Some(Arc::new(data[done..done + part].to_vec()));
            } else {
                let page = page.as_mut().ok_or(ErrorKind::Corrupt)?;
                Arc::make_mut(page)[skip..skip + part].copy_from_slice(&data[done..done + part]);
            }
            done += part;
        }
        if !data.is_empty() {
            self.len = self.len.max(offset + data.len() as u64);
        }
        Ok(())
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.pages.split_off(&len.div_ceil(PAGE));
            if let Some(Some(page)) = self.pages.get_mut(&(len / PAGE)) {
                Arc::make_mut(page)[(len % PAGE) as usize..].fill(0);
            }
        }
        self.len = len;
    }
}

/// Files and directories by number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    pub(super) nodes: BTreeMap<u64, Node>,
    pub(super) next: u64,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { nodes: BTreeMap::from([(ROOT, Node::new(0, Content::Directory(BTreeMap::new())))]), next: ROOT + 1 }
    }

    pub(super) fn find(&self, path: &StoragePath) -> Outcome<u64> {
        path.parts().try_fold(ROOT, |id, part| Ok(self.entries(id)?.get(part).ok_or(ErrorKind::NotFound)?.id))
    }

    /// The directory that holds `path`, and the name in it. The root has neither, and is a directory.
    pub(super) fn holder<'a>(&self, path: &'a StoragePath) -> Outcome<(u64, &'a str)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(ErrorKind::IsADirectory) };
        let parent = self.find(&parent)?;
        self.entries(parent)?;
        Ok((parent, name))
    }

    pub(super) fn entries(&self, id: u64) -> Outcome<&BTreeMap<String, Entry>> {
        match self.nodes.get(&id).map(|node| &node.content) {
            Some(Content::Directory(entries)) => Ok(entries),
            Some(Content::File(_)) => Err(ErrorKind::NotADirectory),
            Some(Content::Damaged) | None => Err(ErrorKind::Corrupt),
        }
    }

    pub(super) fn file(&self, id: u64) -> Outcome<&File> {
        match self.nodes.get(&id).map(|node| &node.content) {
            Some(Content::File(file)) => Ok(file),
            Some(Content::Directory(_)) => Err(ErrorKind::IsADirectory),
            Some(Content::Damaged) | None => Err(ErrorKind::Corrupt),
        }
    }

    pub(super) fn file_mut(&mut self, id: u64) -> Outcome<&mut File> {
        match self.nodes.get_mut(&id).map(|node| &mut node.content) {
            Some(Content::File(file)) => Ok(file),
            Some(Content::Directory(_)) => Err(ErrorKind::IsADirectory),
            Some(Content::Damaged) | None => Err(ErrorKind::Corrupt),
        }
    }

    pub(super) fn entry(&self, path: &StoragePath) -> Outcome<Entry> {
        match self.holder(path) {
            Ok((holder, name)) => self.entries(holder)?.get(name).copied().ok_or(ErrorKind::NotFound),
            Err(_) if path.is_root() => Ok(Entry { id: ROOT, directory: true }),
            Err(kind) => Err(kind),
        }
    }

    pub(super) fn add(&mut self, parent: u64, name: &str, content: Content, revision: u64) -> u64 {
        let id = self.next;
        self.next += 1;
        let directory = matches!(content, Content::Directory(_));
        self.nodes.insert(id, Node::new(revision, content));
        self.link(parent, name, Entry { id, directory });
        id
    }

    pub(super) fn link(&mut self, parent: u64, name: &str, entry: Entry) {
        if let Some(Node { content: Content::Directory(entries), .. }) = self.nodes.get_mut(&parent) {
            entries.insert(name.to_owned(), entry);
        }
    }

    pub(super) fn unlink(&mut self, parent: u64, name: &str) -> Option<Entry> {
        match self.nodes.get_mut(&parent) {
            Some(Node { content: Content::Directory(entries), .. }) => entries.remove(name),
            _ => None,
        }
    }

    /// Counts a change of the bytes or of the entries. A time that was set by hand is over; there is no clock.
    pub(super) fn touch(&mut self, id: u64, revision: u64) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.revision = revision;
            node.attributes.modified = None;
        }
    }

    /// The names that lead to a node, outermost first, each with the directory it stands in. None if nothing does.
    pub(super) fn names_to(&self, id: u64) -> Option<Vec<(u64, String, Entry)>> {
        let mut names = Vec::new();
        let mut at = id;
        while at != ROOT {
            let (parent, name, entry) = self.nodes.iter().find_map(|(parent, node)| match &node.content {
                Content::Directory(entries) => {
                    entries.iter().find(|(_, entry)| entry.id == at).map(|(name, entry)| (*parent, name.clone(), *entry))
                }
                _ => None,
            })?;
            names.push((parent, name, entry));
            at = parent;
        }
        names.reverse();
        Some(names)
    }

    pub(super) fn reachable(&self) -> Vec<u64> {
        let mut found = vec![ROOT];
        let mut next = 0;
        while let Some(id) = found.get(next) {
            let below: Vec<u64> = self.entries(*id).map(|entries| entries.values().map(|entry| entry.id).collect()).unwrap_or_default();
            found.extend(below);
            next += 1;
        }
        found
    }

    pub(super) fn has_damage(&self) -> bool {
        self.nodes.values().any(|node| node.content == Content::Damaged)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.nodes
            .values()
            .map(|node| match &node.content {
                Content::File(file) => NODE + file.pages.len() as u64 * PAGE,
                _ => NODE,
            })
            .sum()
    }

    pub(super) fn kind(&self, entry: Entry) -> FileKind {
        match entry {
            Entry { directory: true, .. } => FileKind::Directory,
            Entry { id, .. } if self.is_link(id) => FileKind::Symlink,
            _ => FileKind::File,
        }
    }

    pub(super) fn is_link(&self, id: u64) -> bool {
        self.nodes.get(&id).is_some_and(|node| node.attributes.link_target.is_some())
    }

    /// Sets what is given, or nothing.
    pub(super) fn set_attributes(&mut self, id: u64, given: &Attributes) -> Outcome<()> {
        let node = self.nodes.get_mut(&id).ok_or(ErrorKind::NotFound)?;
        let may_be_link = matches!(&node.content, Content::File(File { len: 0, .. }));
        let bad_target = |target: &String| target.is_empty() || target.contains('\0') || !may_be_link;
        match node.content {
            Content::Damaged => return Err(ErrorKind::Corrupt),
            _ if given.mode.is_some_and(|mode| mode > Attributes::MAX_MODE) => return Err(ErrorKind::InvalidInput),
            _ if given.link_target.as_ref().is_some_and(bad_target) => return Err(ErrorKind::InvalidInput),
            _ => {}
        }
        let set = &mut node.attributes;
        set.mode = given.mode.or(set.mode);
        set.accessed = given.accessed.or(set.accessed);
        set.modified = given.modified.or(set.modified);
        set.link_target = given.link_target.clone().or(set.link_target.take());
        Ok(())
    }
}

/// What becomes of files that have to make room for a synced one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Displaced<'a> {
    /// They go to the names they have by now. Those that replaced other files there come with all their bytes.
    Follow(&'a BTreeSet<u64>),
    /// All come with all their bytes, which is wrong.
    WithTheirBytes,
    /// They are gone, which is wrong.
    Lost,
}

/// Brings one file of `working`, and the names that lead to it, to `published`, and leaves all else there as it was.
pub(super) fn publish_file(published: &mut Tree, working: &Tree, id: u64, displaced: Displaced<'_>, with_bytes: bool, with_names: bool) {
    let (Some(_), Some(node)) = (working.names_to(id), working.nodes.get(&id)) else { return };
    if with_bytes || !published.nodes.contains_key(&id) {
        let content = if with_bytes { node.content.clone() } else { Content::File(File::default()) };
        published.nodes.insert(id, Node { content, ..node.clone() });
    }
    published.next = published.next.max(working.next);
    if !with_names {
        return;
    }
    publish_names(published, working, id);
    // A directory that was replaced on the way takes nothing along that still lives elsewhere.
    while !published.has_damage() {
        let reachable = published.reachable();
        let lost: Vec<u64> = published.nodes.keys().filter(|id| !reachable.contains(id)).copied().collect();
        let saved = lost.iter().find(|id| working.names_to(**id).is_some());
        match saved.filter(|_| !matches!(displaced, Displaced::Lost)) {
            Some(saved) => {
                let with_bytes = match displaced {
                    Displaced::Follow(placed) => placed.contains(saved),
                    _ => working.file(*saved).is_ok(),
                };
                if let (true, Some(node)) = (with_bytes, working.nodes.get(saved)) {
                    published.nodes.insert(*saved, node.clone());
                }
                publish_names(published, working, *saved);
            }
            None => return published.nodes.retain(|id, _| reachable.contains(id)),
        }
    }
}

fn publish_names(published: &mut Tree, working: &Tree, id: u64) {
    for (parent, name, entry) in working.names_to(id).unwrap_or_default() {
        // A renamed file or directory leaves its old name in the same step.
        for node in published.nodes.values_mut() {
            if let Content::Directory(entries) = &mut node.content {
                entries.retain(|_, other| other.id != entry.id);
            }
        }
        let empty = || if entry.directory { Content::Directory(BTreeMap::new()) } else { Content::File(File::default()) };
        published.nodes.entry(entry.id).or_insert_with(|| Node::new(0, empty()));
        published.link(parent, &name, entry);
    }
}

/// All of `working`, in one step. Files without a name stay behind.
pub(super) fn publish_all(published: &mut Tree, working: &Tree) {
    let mut all = working.clone();
    if !all.has_damage() {
        let reachable = all.reachable();
        all.nodes.retain(|id, _| reachable.contains(id));
    }
    *published = all;
}
