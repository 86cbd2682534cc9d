//! Opening a location: what a kill or a power cut left half done is finished or undone.
//!
//! It reads the superblock and what is under `pending/`, and nothing else, so it does not grow with what is stored.

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::engine::{Engine, new_root};
use crate::format::{APPLY, Format, Key, NO_SENSE, ROOT, SUPERBLOCK, damaged, encode, prefix, spill_key, spill_number, unseal};
use crate::garbage::DECIDED;
use crate::options::KvOptions;
use crate::pages::Pages;
use crate::records::{Record, Spill, SpilledFile, Superblock};
use crate::state::{IDS_AT_ONCE, Ids, State};
use crate::store::{Batch, Commit, KvStore};

const PAGE: usize = 64;

impl<S: KvStore> Engine<S> {
    /// Opens what `store` holds.
    pub(crate) async fn open(store: S, options: KvOptions) -> Result<Self> {
        options.check()?;
        let revisions = options.salt;
        let Some(value) = store.get(SUPERBLOCK).await? else { return Self::create_in(store, options).await };
        let Superblock { format, fields } = Superblock::decode(value)?;
        let block_size = usize::try_from(fields.block_size).map_err(|_| damaged(SUPERBLOCK, "it makes no sense"))?;
        let mut state = State::new(Ids::starting(fields.ids), revisions);
        let engine = Self::new(store, options, format, block_size, State::new(Ids::starting(fields.ids), revisions));
        match engine.recover(&mut state).await {
            // What was synced is readable without it.
            Err(full) if full.kind() == ErrorKind::NoSpace => log::warn!("recovery waits for space: {full}"),
            outcome => outcome?,
        }
        engine.start(state).await?;
        Ok(engine)
    }

    async fn create_in(store: S, options: KvOptions) -> Result<Self> {
        if !store.scan(&[], &[0xff], 1).await?.is_empty() {
            let text = "the store has records, but not the one that says that they are ours: it is another program's, or damaged";
            return Err(Error::new(ErrorKind::Corrupt, Operation::OpenLocation).with_text(text));
        }
        if !options.create {
            let text = "there is no location here";
            return Err(Error::new(ErrorKind::NotFound, Operation::OpenLocation).with_text(text));
        }
        let (block_size, revisions) = (options.block_size, options.salt);
        let format = Format::of_new(options.small_contents);
        let bound = ROOT + 1 + IDS_AT_ONCE;
        let engine = Self::new(store, options, format, block_size, State::new(Ids::starting(ROOT + 1), revisions));
        let mut state = State::new(Ids::starting(ROOT + 1), revisions);
        state.ids.bound = bound;
        state.names.created(ROOT);
        let root = Key::Inode(ROOT).published();
        let mut batch = Batch::new();
        batch.push(SUPERBLOCK.to_vec(), Some(engine.superblock(bound)?));
        let value = Record::Inode(Arc::new(new_root())).encode(&root)?;
        batch.push(root, Some(value));
        engine.commit(&mut state, batch, Commit::Durable).await?;
        engine.start(state).await?;
        Ok(engine)
    }

    async fn start(&self, state: State) -> Result<()> {
        *self.exclusive(Operation::OpenLocation, self.turn().await).await? = state;
        Ok(())
    }

    /// Finishes or undoes what was left half done, after deleting the blocks of removed files if there is no space for that.
    pub(crate) async fn recover(&self, state: &mut State) -> Result<()> {
        match self.try_recover(state).await {
            Err(full) if full.kind() == ErrorKind::NoSpace => {
                state.garbage = crate::state::Garbage::default();
                self.find_orphans(state).await?;
                match self.collect(state, usize::MAX).await {
                    Ok(0) | Err(_) => Err(full),
                    Ok(_) => self.try_recover(state).await,
                }
            }
            outcome => outcome,
        }
    }

    async fn try_recover(&self, state: &mut State) -> Result<()> {
        state.recovering = true;
        state.garbage = crate::state::Garbage::default();
        if let Some(mark) = self.store.get(APPLY).await? {
            unseal(APPLY, mark)?;
            state.applying = true;
            state.shadowed = true;
            self.finish_applying(state).await?;
            // Each of them is found below.
            state.garbage.orphans.clear();
        } else {
            self.drop_shadows(state).await?;
        }
        self.decide_spills(state).await?;
        self.find_orphans(state).await?;
        state.garbage.ready = state.garbage.spills.len();
        state.recovering = false;
        Ok(())
    }

    /// Changes of records that no sync covered are gone.
    async fn drop_shadows(&self, state: &mut State) -> Result<()> {
        let (from, to) = prefix(b"pw");
        loop {
            let page = self.store.scan(&from, &to, PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new();
            for (key, _) in page {
                batch.push(key, None);
            }
            self.commit(state, batch, Commit::Relaxed).await?;
        }
    }

    /// Which blocks of a spill are to be deleted hangs on whether it was published. That is decided now, before another sync of the same
    /// file, and written down; deleting can wait.
    async fn decide_spills(&self, state: &mut State) -> Result<()> {
        let mut pages = Pages::of(prefix(b"ps"), PAGE);
        loop {
            let page = pages.next(&self.store).await?;
            if page.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new();
            for (key, value) in page {
                let number = spill_number(&key).ok_or_else(|| damaged(&key, NO_SENSE))?;
                // A record that is damaged stays, and so does what it names.
                let Ok(spill) = Spill::decode(&key, value).inspect_err(|error| log::warn!("{error}")) else { continue };
                if let Some(decided) = self.decided(&spill).await? {
                    let key = spill_key(number);
                    let value = encode(&key, &decided)?;
                    batch.push(key, Some(value));
                }
                state.garbage.spills.push_back(number);
            }
            if !batch.is_empty() {
                self.commit(state, batch, Commit::Relaxed).await?;
            }
        }
    }

    /// None if all of it was decided before.
    async fn decided(&self, spill: &Spill) -> Result<Option<Spill>> {
        if spill.files.iter().all(|file| file.base == DECIDED) {
            return Ok(None);
        }
        let mut files = Vec::new();
        for file in &spill.files {
            let old = match self.published_inode(file.ino).await {
                _ if file.base == DECIDED => file.old.clone(),
                Ok(Some(published)) if published.stamp == file.base => file.new.clone(),
                Ok(Some(_)) => file.old.clone(),
                Ok(None) => [file.new.as_slice(), file.old.as_slice()].concat(),
                // Nobody knows which blocks such an inode needs, so all stay. The rest of the location opens.
                Err(damage) if damage.kind() == ErrorKind::Corrupt => {
                    log::warn!("{damage}");
                    Vec::new()
                }
                Err(error) => return Err(error),
            };
            files.push(SpilledFile { ino: file.ino, base: DECIDED, new: Vec::new(), old });
        }
        Ok(Some(Spill { files }))
    }

    async fn find_orphans(&self, state: &mut State) -> Result<()> {
        let mut pages = Pages::of(prefix(b"po"), PAGE);
        loop {
            let page = pages.next(&self.store).await?;
            if page.is_empty() {
                return Ok(());
            }
            for (key, _) in page {
                if let Key::Orphan(ino) = Key::of_stored(&key)? {
                    state.garbage.orphans.push_back(ino);
                }
            }
        }
    }
}
