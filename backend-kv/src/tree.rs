//! Names: looking them up, listing, creating, removing, renaming.

use std::collections::BTreeMap;
use std::sync::Arc;

use anystorage_api::{Attributes, DirEntry, Error, ErrorKind, Metadata, Operation, Result, StoragePath};

use crate::engine::Engine;
use crate::format::{Key, ROOT, numbered};
use crate::pages::Pages;
use crate::publish::nodes_of;
use crate::records::{Entry, Inode, Kind, Place, Record, decode_shadow};
use crate::state::State;
use crate::store::KvStore;

/// The bits of `chmod(2)`.
const MODE_BITS: u32 = 0o7777;

/// The longest target of a link, in bytes: as long as paths are on Linux, and its inode is not longer than records may be.
const MAX_TARGET_LEN: usize = 4096;

fn refused(kind: ErrorKind, operation: Operation) -> Error {
    Error::new(kind, operation)
}

impl<S: KvStore> Engine<S> {
    /// What is at `path`; none if its directory has no such name.
    pub(crate) async fn lookup(&self, state: &State, path: &StoragePath) -> Result<Option<Entry>> {
        let mut at = Entry { ino: ROOT, kind: Kind::Directory };
        let mut parts = path.parts().peekable();
        while let Some(part) = parts.next() {
            match self.entry(state, at.ino, part).await? {
                Some(entry) if parts.peek().is_some() && entry.kind != Kind::Directory => {
                    return Err(refused(ErrorKind::NotADirectory, Operation::Stat));
                }
                Some(entry) => at = entry,
                None if parts.peek().is_some() => return Err(refused(ErrorKind::NotFound, Operation::Stat)),
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// What is at `path`, which must be there.
    pub(crate) async fn find(&self, state: &State, path: &StoragePath) -> Result<Entry> {
        self.lookup(state, path).await?.ok_or_else(|| refused(ErrorKind::NotFound, Operation::Stat))
    }

    /// The place that `path` names, and what is there; none for the root.
    pub(crate) async fn place(&self, state: &State, path: &StoragePath) -> Result<Option<(Place, Option<Entry>)>> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
        let directory = self.find(state, &parent).await?;
        if directory.kind != Kind::Directory {
            return Err(refused(ErrorKind::NotADirectory, Operation::Stat));
        }
        let entry = self.entry(state, directory.ino, name).await?;
        Ok(Some((Place { directory: directory.ino, name: name.into() }, entry)))
    }

    pub(crate) async fn metadata(&self, state: &State, ino: u64) -> Result<Metadata> {
        let inode = self.inode(state, ino).await?;
        let mut metadata = match inode.kind {
            Kind::Directory => Metadata::directory(),
            Kind::File => Metadata::file(inode.len),
            Kind::Symlink => Metadata::of_kind(Kind::Symlink.into()),
        };
        metadata.mode = inode.mode;
        metadata.accessed = inode.accessed.map(Into::into);
        metadata.link_target = inode.target.as_deref().map(str::to_owned);
        Ok(metadata.with_modified(inode.modified.map(Into::into)).with_revision(inode.revision))
    }

    pub(crate) async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let state = self.shared(Operation::List).await?;
        let found = self.find(&state, directory).await?;
        if found.kind != Kind::Directory {
            return Err(refused(ErrorKind::NotADirectory, Operation::List));
        }
        let entries = self.entries(&state, found.ino, after, limit).await?;
        Ok(entries.into_iter().map(|(name, entry)| DirEntry::new(name, entry.kind.into())).collect())
    }

    /// The entries of a directory behind `after`, by name, at most `limit`.
    pub(crate) async fn entries(&self, state: &State, directory: u64, after: Option<&str>, limit: usize) -> Result<Vec<(String, Entry)>> {
        let mut found = Vec::new();
        let mut after = after.map(str::to_owned);
        while found.len() < limit {
            let page = self.entries_page(state, directory, after.as_deref(), limit - found.len()).await?;
            let live = page.entries.into_iter().filter_map(|(name, entry)| Some((String::from(name), entry?)));
            found.extend(live.take(limit - found.len()));
            match page.up_to {
                Some(name) => after = Some(name.into()),
                None => break,
            }
        }
        Ok(found)
    }

    /// One page of what is stored, with what has changed in its range put over it.
    async fn entries_page(&self, state: &State, directory: u64, after: Option<&str>, limit: usize) -> Result<Page> {
        // Not one by one, where one is asked for and many were removed before it.
        let limit = limit.clamp(64, 1024);
        let (first, end) = numbered(b"e", directory);
        let from = after.map_or(first, |after| [Key::entry(directory, after).published().as_slice(), &[0]].concat());
        // The shadows first: a commit in between may take them away, and then has put their records where the second scan finds them.
        let shadows = if state.shadowed {
            let shadow = |key: &[u8]| [b"pw", key].concat();
            self.store.scan(&shadow(&from), &shadow(&end), limit).await?
        } else {
            Vec::new()
        };
        let stored = self.store.scan(&from, &end, limit).await?;
        let mut page = Page { entries: BTreeMap::new(), up_to: None };
        let mut full = Vec::new();
        let (more_stored, more_shadows) = (stored.len() == limit, shadows.len() == limit);
        for (stored_key, value) in stored {
            let key = Key::of_stored(&stored_key)?;
            let record = Record::decode(&key, &stored_key, value)?;
            page.put(key, Some(record));
        }
        if more_stored {
            full.extend(page.entries.last_key_value().map(|(name, _)| name.clone()));
        }
        let mut last_shadow = None;
        for (stored_key, value) in shadows {
            let key = Key::of_shadow(&stored_key)?;
            let record = decode_shadow(&key, value)?;
            if let Key::Entry { name, .. } = &key {
                last_shadow = Some(name.clone());
            }
            page.put(key, record);
        }
        if more_shadows {
            full.extend(last_shadow);
        }
        page.up_to = full.into_iter().min();
        let begin = after
            .map_or(std::ops::Bound::Included(Key::entry(directory, "")), |after| std::ops::Bound::Excluded(Key::entry(directory, after)));
        let changes = state.changes().range((begin, std::ops::Bound::Excluded(Key::entry(directory.saturating_add(1), ""))));
        // As many as asked for, besides those that were removed.
        let mut live = 0;
        for (key, record) in changes {
            let Key::Entry { name, .. } = key else { break };
            if page.up_to.as_ref().is_some_and(|up_to| name > up_to) {
                break;
            }
            if live >= limit {
                page.up_to = Some(name.clone());
                page.put(key.clone(), record.clone());
                break;
            }
            live += usize::from(record.is_some());
            page.put(key.clone(), record.clone());
        }
        if let Some(up_to) = page.up_to.clone() {
            page.entries.retain(|name, _| *name <= up_to);
        }
        Ok(page)
    }

    /// Creates a file or a directory where nothing is.
    pub(crate) async fn create(&self, state: &mut State, place: Place, kind: Kind) -> Result<u64> {
        let ino = self.new_ino(state);
        let mut inode = Inode::new(kind, ino, None);
        inode.revision = Self::next_revision(state);
        inode.modified = (self.options.clock)().map(Into::into);
        self.bind(state, place, ino, inode).await?;
        if kind == Kind::Directory {
            state.names.created(ino);
        }
        Ok(ino)
    }

    /// Gives an inode a name where nothing is.
    pub(crate) async fn bind(&self, state: &mut State, place: Place, ino: u64, mut inode: Inode) -> Result<()> {
        self.directory_changed(state, place.directory).await?;
        if state.names.lacks(place.directory, &place.name) {
            // Who publishes it need not ask either.
            self.remember(&place.key(), None);
        }
        state.names.given(place.directory, &place.name);
        state.set(place.key(), Some(Record::Entry(Entry { ino, kind: inode.kind })));
        inode.place = Some(place);
        state.set(Key::Inode(ino), Some(Record::Inode(Arc::new(inode))));
        Ok(())
    }

    /// Takes away the name of a file or of an empty directory. What can fail comes first: it is done as a whole or not at all.
    pub(crate) async fn unbind(&self, state: &mut State, place: &Place, ino: u64) -> Result<()> {
        let inode = self.inode(state, ino).await?;
        let published = self.published_inode(ino).await?;
        let named = self.is_stored(state, &place.key()).await?;
        let shadows = self.shadow_nodes(state, ino).await?;
        self.directory_changed(state, place.directory).await?;
        erase(state, place.key(), named);
        if published.is_some() && inode.kind != Kind::Directory {
            state.set(Key::Orphan(ino), Some(Record::Orphan));
        }
        let spilled = inode.changed.spilled;
        if self.handles.is_open(ino) {
            // What is stored as a shadow is published by the next sync of everything, and this must not be.
            for (key, node) in &shadows {
                if state.changed(key).is_none() {
                    state.set(key.clone(), node.clone());
                }
            }
            let mut inode = Inode::clone(&inode);
            inode.place = None;
            state.set(Key::Inode(ino), Some(Record::Inode(Arc::new(inode))));
            if self.handles.remove(ino) {
                return Ok(());
            }
            // Its last handle went meanwhile.
        }
        let stored = state.shadowed || published.is_some();
        forget(state, ino, spilled, shadows, stored);
        Ok(())
    }

    /// The parts of a file's block map that are stored as shadows.
    async fn shadow_nodes(&self, state: &State, ino: u64) -> Result<Vec<(Key, Option<Record>)>> {
        let mut nodes = Vec::new();
        if state.shadowed {
            self.each_shadow_node(ino, |key, node| nodes.push((key, node))).await?;
        }
        Ok(nodes)
    }

    /// Calls `act` with every shadow of a part of a file's block map.
    pub(crate) async fn each_shadow_node(
        &self,
        ino: u64,
        mut act: impl FnMut(Key, Option<Record>) + anystorage_api::MaybeSend,
    ) -> Result<()> {
        let mut pages = Pages::of(numbered(b"pwn", ino), 256);
        loop {
            let page = pages.next(&self.store).await?;
            if page.is_empty() {
                return Ok(());
            }
            for (stored, value) in page {
                let key = Key::of_shadow(&stored)?;
                let record = decode_shadow(&key, value)?;
                act(key, record);
            }
        }
    }

    /// Whether a record is stored, published or as a shadow, so that its removal has to be.
    async fn is_stored(&self, state: &State, key: &Key) -> Result<bool> {
        Ok(state.shadowed || self.published(key).await?.is_some())
    }

    /// Lets go what removed files had, whose last handles are gone.
    pub(crate) async fn let_go_released(&self, state: &mut State) -> Result<()> {
        while let Some(ino) = self.handles.take_released() {
            let spilled = self.find_inode(state, ino).await?.is_some_and(|inode| inode.changed.spilled);
            let shadows = self.shadow_nodes(state, ino).await?;
            let stored = self.is_stored(state, &Key::Inode(ino)).await?;
            let orphan = self.published(&Key::Orphan(ino)).await?.is_some();
            forget(state, ino, spilled, shadows, stored);
            if orphan {
                state.garbage.orphans.push_back(ino);
            }
        }
        Ok(())
    }

    async fn directory_changed(&self, state: &mut State, directory: u64) -> Result<()> {
        let mut inode = Inode::clone(&*self.inode(state, directory).await?);
        inode.revision = Self::next_revision(state);
        inode.modified = (self.options.clock)().map(Into::into);
        state.set(Key::Inode(directory), Some(Record::Inode(Arc::new(inode))));
        Ok(())
    }

    pub(crate) async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        let mut state = self.growing(Operation::CreateDir).await?;
        match self.place(&state, path).await? {
            Some((place, None)) => self.create(&mut state, place, Kind::Directory).await.map(drop),
            _ => Err(refused(ErrorKind::AlreadyExists, Operation::CreateDir)),
        }
    }

    pub(crate) async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        let mut state = self.shrinking(Operation::RemoveFile).await?;
        match self.place(&state, path).await? {
            Some((_, None)) => Err(refused(ErrorKind::NotFound, Operation::RemoveFile)),
            Some((place, Some(entry))) if entry.kind != Kind::Directory => self.unbind(&mut state, &place, entry.ino).await,
            _ => Err(refused(ErrorKind::IsADirectory, Operation::RemoveFile)),
        }
    }

    pub(crate) async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        let mut state = self.shrinking(Operation::RemoveDir).await?;
        let Some((place, entry)) = self.place(&state, path).await? else {
            return Err(refused(ErrorKind::InvalidInput, Operation::RemoveDir).with_text("the root cannot be removed"));
        };
        let entry = entry.ok_or_else(|| refused(ErrorKind::NotFound, Operation::RemoveDir))?;
        if entry.kind != Kind::Directory {
            return Err(refused(ErrorKind::NotADirectory, Operation::RemoveDir));
        }
        if !self.entries(&state, entry.ino, None, 1).await?.is_empty() {
            return Err(refused(ErrorKind::DirectoryNotEmpty, Operation::RemoveDir));
        }
        self.unbind(&mut state, &place, entry.ino).await
    }

    pub(crate) async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let invalid = |text: &str| refused(ErrorKind::InvalidInput, Operation::Rename).with_text(text);
        let mut state = self.growing(Operation::Rename).await?;
        let Some((source, entry)) = self.place(&state, from).await? else { return Err(invalid("the root cannot be renamed")) };
        let moved = entry.ok_or_else(|| refused(ErrorKind::NotFound, Operation::Rename))?;
        if moved.kind == Kind::Directory && from != to && to.starts_with(from) {
            return Err(invalid("a directory cannot be moved into itself"));
        }
        let Some((target, there)) = self.place(&state, to).await? else { return Err(invalid("nothing can take the place of the root")) };
        if source == target {
            return Ok(());
        }
        match there.map(|there| (moved.kind == Kind::Directory, there.kind == Kind::Directory)) {
            Some((false, true)) => return Err(refused(ErrorKind::IsADirectory, Operation::Rename)),
            Some((true, false)) => return Err(refused(ErrorKind::NotADirectory, Operation::Rename)),
            Some((true, true)) => return Err(refused(ErrorKind::AlreadyExists, Operation::Rename)),
            Some((false, false)) | None => {}
        }
        let mut inode = Inode::clone(&*self.inode(&state, moved.ino).await?);
        // What can fail comes before anything that would leave half a rename.
        let stored = self.is_stored(&state, &source.key()).await?;
        self.directory_changed(&mut state, source.directory).await?;
        self.directory_changed(&mut state, target.directory).await?;
        if let Some(there) = there {
            self.unbind(&mut state, &target, there.ino).await?;
            inode.changed.replaced = true;
        }
        erase(&mut state, source.key(), stored);
        self.bind(&mut state, target, moved.ino, inode).await
    }

    pub(crate) async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let invalid = |text: &str| refused(ErrorKind::InvalidInput, Operation::SetAttributes).with_text(text);
        let mut state = self.growing(Operation::SetAttributes).await?;
        let found = self.find(&state, path).await?;
        let mut inode = Inode::clone(&*self.inode(&state, found.ino).await?);
        if let Some(mode) = attributes.mode {
            if mode & !MODE_BITS != 0 {
                return Err(invalid("the mode has bits beyond 0o7777"));
            }
            inode.mode = Some(mode);
        }
        inode.accessed = attributes.accessed.map(Into::into).or(inode.accessed);
        inode.modified = attributes.modified.map(Into::into).or(inode.modified);
        if let Some(target) = &attributes.link_target {
            if inode.kind == Kind::Directory || inode.len > 0 {
                return Err(invalid("only an empty file becomes a symbolic link"));
            }
            if target.is_empty() || target.contains('\0') {
                return Err(invalid("the target of a link is empty, or has a NUL"));
            }
            if target.len() > MAX_TARGET_LEN {
                return Err(invalid("the target of a link is longer than 4096 bytes"));
            }
            inode.target = Some(target.as_str().into());
            if inode.kind != Kind::Symlink
                && let Some(place) = &inode.place
            {
                inode.kind = Kind::Symlink;
                state.set(place.key(), Some(Record::Entry(Entry { ino: found.ino, kind: Kind::Symlink })));
            }
        }
        state.set(Key::Inode(found.ino), Some(Record::Inode(Arc::new(inode))));
        Ok(())
    }
}

/// Removes a record from what callers see; `stored` is whether the store has one.
fn erase(state: &mut State, key: Key, stored: bool) {
    if stored {
        state.set(key, None);
    } else {
        state.unset(&key);
    }
}

/// Forgets what has changed of a file that is gone.
fn forget(state: &mut State, ino: u64, spilled: bool, shadows: Vec<(Key, Option<Record>)>, stored: bool) {
    if spilled {
        state.garbage.ready = state.garbage.spills.len();
    }
    state.drop_blocks(ino, 0);
    state.freed.remove(&ino);
    state.names.forget(ino);
    let nodes: Vec<Key> = state.changes().range(nodes_of(ino)).map(|(key, _)| key.clone()).collect();
    for key in nodes {
        state.unset(&key);
    }
    for (key, _) in shadows {
        state.set(key, None);
    }
    erase(state, Key::Inode(ino), stored);
}

/// Entries by name, none where one was removed, up to a name; all there are if it is none.
struct Page {
    entries: BTreeMap<Box<str>, Option<Entry>>,
    up_to: Option<Box<str>>,
}

impl Page {
    fn put(&mut self, key: Key, record: Option<Record>) {
        let Key::Entry { name, .. } = key else { return };
        let entry = if let Some(Record::Entry(entry)) = record { Some(entry) } else { None };
        self.entries.insert(name, entry);
    }
}
