//! One location: what is published there, and who holds it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_conformance::subject::FlushFaults;

use super::engine::Instance;
use super::records::{self, Checking};
use super::tree::{Content, Tree};
use super::twist::Twist;

#[derive(Debug)]
pub(super) struct Location {
    pub(super) twist: Twist,
    pub(super) limit: Option<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    published: Tree,
    holder: Option<u64>,
    next_instance: u64,
    failed: Option<Error>,
    ever_used: u64,
}

impl Location {
    pub(super) fn new(twist: Twist, limit: Option<u64>) -> Arc<Self> {
        let state = State { published: Tree::new(), holder: None, next_instance: 0, failed: None, ever_used: 0 };
        Arc::new(Self { twist, limit, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens it over a host with these flushes.
    pub(super) fn open(self: &Arc<Self>, flushes: Flushes) -> Result<Arc<Instance>> {
        let mut state = self.state();
        if state.holder.is_some() && !self.twist.lock_ignored && !self.twist.lock_stolen {
            if self.twist.refusal_releases {
                state.holder = None;
            }
            let kind = if self.twist.refusal_is_io { ErrorKind::Io } else { ErrorKind::Locked };
            return Err(Error::new(kind, Operation::OpenLocation).with_text("another instance holds it"));
        }
        state.next_instance += 1;
        let number = state.next_instance;
        state.holder = Some(number);
        let mut tree = state.published.clone();
        let damaged_pages = |content: &Content| match content {
            Content::File(file) => file.pages.values().any(Option::is_none),
            _ => false,
        };
        if self.twist.damage_resets && tree.nodes.values().any(|node| damaged_pages(&node.content) || node.content == Content::Damaged) {
            tree = Tree::new();
        }
        let mut deleted = Vec::new();
        for (id, node) in &mut tree.nodes {
            let whole = node.content != Content::Damaged && !damaged_pages(&node.content);
            if whole {
                continue;
            }
            if self.twist.damage_deletes {
                deleted.push(*id);
            }
            if let Content::File(file) = &mut node.content {
                if self.twist.damage_reads_as_zeros {
                    file.pages.retain(|_, page| page.is_some());
                }
                if self.twist.damage_truncates
                    && let Some(first) = file.pages.iter().find(|(_, page)| page.is_none()).map(|(number, _)| *number)
                {
                    file.set_len(first * super::tree::PAGE);
                }
            }
        }
        for node in tree.nodes.values_mut() {
            if let Content::Directory(entries) = &mut node.content {
                entries.retain(|_, entry| !deleted.contains(&entry.id));
            }
        }
        let failed = state.failed.clone();
        drop(state);
        Ok(Instance::new(Arc::clone(self), number, tree, failed, flushes))
    }

    pub(super) fn is_held_by(&self, number: u64) -> bool {
        self.state().holder == Some(number)
    }

    pub(super) fn release(&self, number: u64) {
        let mut state = self.state();
        if state.holder == Some(number) {
            state.holder = None;
        }
    }

    pub(super) fn published(&self) -> Tree {
        self.state().published.clone()
    }

    /// Changes what is published, in one step.
    pub(super) fn publish(&self, change: impl FnOnce(&mut Tree)) {
        change(&mut self.state().published);
    }

    pub(super) fn remember_failure(&self, error: Error) {
        self.state().failed = Some(error);
    }

    pub(super) fn ever_used(&self, more: u64) -> u64 {
        let mut state = self.state();
        state.ever_used += more;
        state.ever_used
    }

    /// Flips one bit of one stored record.
    pub(super) fn damage(&self, seed: u64) -> Option<String> {
        let mut state = self.state();
        let mut records = records::encode(&state.published);
        let keys: Vec<String> = records.keys().cloned().collect();
        // Of an empty location there is the root's record, and nothing that anybody wrote.
        if keys.len() < 2 {
            return None;
        }
        // Spread over all records, most of which are pages: the root's is one of many.
        let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let key = keys.get(((spread >> 32) % keys.len() as u64) as usize)?;
        let record = records.get_mut(key)?;
        let at = (spread % record.len() as u64) as usize;
        *record.get_mut(at)? ^= 0x10;
        let checking = if self.twist.damage_undetected { Checking::Off } else { Checking::Strict };
        state.published = records::decode(&records, state.published.next, checking);
        Some(format!("flipped a bit of byte {at} of the record {key:?}"))
    }
}

/// The host's flushes.
#[derive(Clone, Debug, Default)]
pub(super) struct Flushes(Arc<(AtomicBool, AtomicU64)>);

impl Flushes {
    /// Whether this one works.
    pub(super) fn flush(&self) -> bool {
        let failing = self.0.0.load(Ordering::Relaxed);
        if failing {
            self.0.1.fetch_add(1, Ordering::Relaxed);
        }
        !failing
    }
}

impl FlushFaults for Flushes {
    fn set_failing(&self, failing: bool) {
        self.0.0.store(failing, Ordering::Relaxed);
    }

    fn failed(&self) -> u64 {
        self.0.1.load(Ordering::Relaxed)
    }
}
