//! Which names a file's sync has to publish.
//!
//! The names that lead to the file, of course. Where one of them is published as the name of something else, that has to be published
//! too: at the name that it has now, or as removed. And so on, until what is published is a tree again in which everything is found under
//! one name, and nothing is lost that was synced and not removed. Nothing else is published: other changes of the tree wait for their own
//! sync.

use std::collections::{BTreeMap, BTreeSet};

use anystorage_api::Result;

use crate::engine::Engine;
use crate::format::{Key, ROOT, numbered};
use crate::pages::Pages;
use crate::records::{Entry, Kind, Record};
use crate::state::State;
use crate::store::KvStore;

/// What has to be published for the sync of a file.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    /// Files whose bytes are published: the one that is synced, and those that have taken another file's place.
    pub(crate) whole: BTreeSet<u64>,
    /// What gets another name than the published one, or its first.
    pub(crate) moved: BTreeSet<u64>,
    /// What was removed.
    pub(crate) gone: BTreeSet<u64>,
    pub(crate) entries: BTreeMap<Key, Option<Entry>>,
}

impl<S: KvStore> Engine<S> {
    /// What the sync of this file has to publish; none if no name leads to it, nor a published one.
    pub(crate) async fn placement(&self, state: &State, ino: u64) -> Result<Option<Placement>> {
        let file = self.inode(state, ino).await?;
        let mut found = Placement::default();
        let mut work = Vec::new();
        if let Some(place) = file.place.clone() {
            found.whole.insert(ino);
            let entry = Entry { ino, kind: file.kind };
            if self.published(&place.key()).await? != Some(Record::Entry(entry)) {
                found.entries.insert(place.key(), Some(entry));
            }
            work.push(ino);
        } else {
            // Without its last bytes it may not be found again.
            let published = self.published_inode(ino).await?;
            let Some(before) = published.and_then(|published| published.place.clone()) else { return Ok(None) };
            found.gone.insert(ino);
            found.entries.insert(before.key(), None);
            if let Some(taker) = self.entry(state, before.directory, &before.name).await?
                && self.inode(state, taker.ino).await?.changed.replaced
            {
                work.push(taker.ino);
            }
        }
        let mut seen = BTreeSet::from([ROOT]);
        while let Some(ino) = work.pop() {
            if !seen.insert(ino) {
                continue;
            }
            let inode = self.inode(state, ino).await?;
            let Some(place) = inode.place.clone() else { continue };
            work.push(place.directory);
            let published = self.published_inode(ino).await?;
            let before = published.as_ref().and_then(|published| published.place.clone());
            if before.as_ref() == Some(&place) {
                continue;
            }
            found.moved.insert(ino);
            if inode.changed.replaced {
                found.whole.insert(ino);
            }
            if let Some(before) = before {
                found.entries.entry(before.key()).or_insert(None);
            }
            let key = place.key();
            if let Some(Record::Entry(there)) = self.published(&key).await?
                && there.ino != ino
            {
                self.displace(state, there, &mut found, &mut work).await?;
            }
            // What is only moved stays what it is published as: a file that has become a link since, say, is still a file there.
            let kind = match published {
                Some(published) if !found.whole.contains(&ino) => published.kind,
                _ => inode.kind,
            };
            found.entries.insert(key, Some(Entry { ino, kind }));
        }
        Ok(Some(found))
    }

    /// Something loses its published name: it is found under its current one, or is gone with all that was in it.
    async fn displace(&self, state: &State, entry: Entry, found: &mut Placement, work: &mut Vec<u64>) -> Result<()> {
        let mut displaced = vec![entry];
        while let Some(entry) = displaced.pop() {
            if self.find_inode(state, entry.ino).await?.is_some_and(|inode| inode.place.is_some()) {
                work.push(entry.ino);
                continue;
            }
            if !found.gone.insert(entry.ino) || entry.kind != Kind::Directory {
                continue;
            }
            for (key, entry) in self.published_entries(entry.ino).await? {
                found.entries.entry(key).or_insert(None);
                displaced.push(entry);
            }
        }
        Ok(())
    }

    async fn published_entries(&self, directory: u64) -> Result<Vec<(Key, Entry)>> {
        let mut found = Vec::new();
        let mut pages = Pages::of(numbered(b"e", directory), 256);
        loop {
            let page = pages.next(&self.store).await?;
            if page.is_empty() {
                return Ok(found);
            }
            for (stored, value) in page {
                let key = Key::of_stored(&stored)?;
                if let Record::Entry(entry) = Record::decode(&key, &stored, value)? {
                    found.push((key, entry));
                }
            }
        }
    }
}
