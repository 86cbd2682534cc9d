//! The bytes of one file: as readers see them, and every version that the medium may hold instead.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::outcome::{Chooser, Part};

/// The unit that the medium writes whole or not at all, in bytes.
pub const SECTOR: usize = 512;

type Sector = Arc<[u8; SECTOR]>;

/// Sparse bytes. A sector that is missing is all zeros.
#[derive(Clone, Debug)]
pub(super) struct Sectors {
    len: u64,
    mode: u32,
    live: BTreeMap<u64, Sector>,
    /// What a cut may find of a sector that changed since the last sync: its durable version first, its newest last.
    versions: BTreeMap<u64, Vec<Option<Sector>>>,
    lens: Vec<u64>,
    modes: Vec<u32>,
}

impl Sectors {
    /// An empty file whose emptiness is all that is durable.
    pub(super) fn empty(mode: u32) -> Self {
        Self { len: 0, mode, live: BTreeMap::new(), versions: BTreeMap::new(), lens: vec![0], modes: vec![mode] }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn mode(&self) -> u32 {
        self.mode
    }

    /// How many bytes of sectors it holds.
    pub(super) fn stored(&self) -> u64 {
        (self.live.len() * SECTOR) as u64
    }

    pub(super) fn set_mode(&mut self, mode: u32) {
        self.mode = mode;
        note(&mut self.modes, mode);
    }

    pub(super) fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        let rest = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = rest.min(buf.len());
        let mut done = 0;
        while done < count {
            let (index, within) = position(offset + done as u64);
            let step = (SECTOR - within).min(count - done);
            let Some(target) = buf.get_mut(done..done + step) else { break };
            match self.live.get(&index).and_then(|sector| sector.get(within..within + step)) {
                Some(bytes) => target.copy_from_slice(bytes),
                None => target.fill(0),
            }
            done += step;
        }
        count
    }

    pub(super) fn write_at(&mut self, offset: u64, data: &[u8]) {
        let mut done = 0;
        while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
            let (index, within) = position(offset + done as u64);
            let step = (SECTOR - within).min(rest.len());
            self.change(index, |sector| {
                for (byte, new) in sector.iter_mut().skip(within).zip(rest.iter().take(step)) {
                    *byte = *new;
                }
            });
            done += step;
        }
        if !data.is_empty() {
            self.grow_to(self.len.max(offset + data.len() as u64));
        }
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            let (index, within) = position(len);
            let whole = if within == 0 { index } else { index + 1 };
            let gone: Vec<u64> = self.live.range(whole..).map(|(index, _)| *index).collect();
            for index in gone {
                let before = self.live.remove(&index);
                self.versions.entry(index).or_insert_with(|| vec![before]).push(None);
            }
            if within > 0 && self.live.contains_key(&index) {
                self.change(index, |sector| sector.iter_mut().skip(within).for_each(|byte| *byte = 0));
            }
        }
        self.grow_to(len);
    }

    /// fsync.
    pub(super) fn sync(&mut self) {
        self.versions.clear();
        self.lens = vec![self.len];
        self.modes = vec![self.mode];
    }

    /// The file as a cut may leave it.
    pub(super) fn after_cut(&self, chooser: &mut Chooser) -> Self {
        chooser.next_file();
        let len = chooser.among(Part::Length, &self.lens).unwrap_or(self.len);
        let mode = chooser.among(Part::Length, &self.modes).unwrap_or(self.mode);
        let mut live = self.live.clone();
        for (index, versions) in &self.versions {
            match chooser.among(Part::Bytes, versions).flatten() {
                Some(sector) => live.insert(*index, sector),
                None => live.remove(index),
            };
        }
        // A host never shows what lies behind the end of a file, not even after the file has grown over it.
        let (last, within) = position(len);
        live.split_off(&(last + 1));
        if within == 0 {
            live.remove(&last);
        } else if let Some(sector) = live.get_mut(&last) {
            Arc::make_mut(sector).iter_mut().skip(within).for_each(|byte| *byte = 0);
        }
        Self { len, mode, live, versions: BTreeMap::new(), lens: vec![len], modes: vec![mode] }
    }

    fn grow_to(&mut self, len: u64) {
        self.len = len;
        note(&mut self.lens, len);
    }

    fn change(&mut self, index: u64, change: impl FnOnce(&mut [u8; SECTOR])) {
        let before = self.live.get(&index).cloned();
        let mut sector = before.as_deref().copied().unwrap_or([0; SECTOR]);
        change(&mut sector);
        let sector = Arc::new(sector);
        self.live.insert(index, Arc::clone(&sector));
        self.versions.entry(index).or_insert_with(|| vec![before]).push(Some(sector));
    }
}

fn position(offset: u64) -> (u64, usize) {
    (offset / SECTOR as u64, (offset % SECTOR as u64) as usize)
}

fn note<T: PartialEq>(seen: &mut Vec<T>, now: T) {
    if seen.last() != Some(&now) {
        seen.push(now);
    }
}
