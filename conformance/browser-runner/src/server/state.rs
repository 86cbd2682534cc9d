//! What the server knows: the tabs with their lives, orders and answers, and what loads announce.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anystorage_conformance::kill_loop::Line;

/// How long a page waits for an order before it asks again.
const LONG_POLL: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    keys: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    tabs: BTreeMap<String, TabState>,
    listeners: BTreeMap<String, Sender<Heard>>,
    posted: BTreeMap<String, Vec<u8>>,
}

/// A tab. Each time its page is loaded a new life begins, and orders to the old one are void.
#[derive(Debug, Default)]
struct TabState {
    life: u64,
    orders: VecDeque<String>,
    next_id: u64,
    answers: BTreeMap<u64, String>,
    trouble: Option<String>,
}

/// What a page gets that asks for an order.
#[derive(Debug)]
pub(super) enum Taken {
    Order(String),
    Nothing,
    /// The page was loaded anew since.
    Outlived,
}

/// How waiting for an answer ends.
#[derive(Debug)]
pub(super) enum Awaited {
    Answer(String),
    Trouble(String),
    /// The page was loaded anew, or never was.
    Outlived,
    Nothing,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `find` finds something, but no longer than until `until`.
    fn wait<T>(&self, until: Instant, mut find: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(found) = find(&mut state) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn hello(&self, tab: &str) -> u64 {
        let mut state = self.lock();
        let tab = state.tabs.entry(tab.to_owned()).or_default();
        tab.life += 1;
        tab.orders.clear();
        tab.trouble = None;
        let life = tab.life;
        self.changed.notify_all();
        life
    }

    pub(super) fn take(&self, tab: &str, life: u64) -> Taken {
        self.wait(Instant::now() + LONG_POLL, |state| {
            let tab = state.tabs.get_mut(tab)?;
            if tab.life != life {
                return Some(Taken::Outlived);
            }
            tab.orders.pop_front().map(Taken::Order)
        })
        .unwrap_or(Taken::Nothing)
    }

    pub(super) fn answered(&self, tab: &str, id: u64, answer: String) {
        if let Some(tab) = self.lock().tabs.get_mut(tab) {
            tab.answers.insert(id, answer);
        }
        self.changed.notify_all();
    }

    pub(super) fn trouble(&self, tab: &str, life: u64, text: String) {
        if let Some(tab) = self.lock().tabs.get_mut(tab).filter(|tab| tab.life == life) {
            tab.trouble.get_or_insert(text);
        }
        self.changed.notify_all();
    }

    /// The life of a tab: 0 before the page was loaded.
    pub(super) fn life(&self, tab: &str) -> u64 {
        self.lock().tabs.get(tab).map_or(0, |tab| tab.life)
    }

    /// Waits for another life of a tab.
    pub(super) fn wait_for_life_after(&self, tab: &str, life: u64, patience: Duration) -> bool {
        let found = self.wait(Instant::now() + patience, |state| state.tabs.get(tab).filter(|tab| tab.life > life).map(drop));
        found.is_some()
    }

    /// Leaves an order for the present life of a tab, made with its number.
    pub(super) fn order(&self, tab: &str, order: impl FnOnce(u64) -> String) -> u64 {
        let mut state = self.lock();
        let tab = state.tabs.entry(tab.to_owned()).or_default();
        tab.next_id += 1;
        let id = tab.next_id;
        tab.trouble = None;
        tab.orders.push_back(order(id));
        self.changed.notify_all();
        id
    }

    pub(super) fn wait_for_answer(&self, tab: &str, (life, id): (u64, u64), patience: Duration) -> Awaited {
        self.wait(Instant::now() + patience, |state| {
            let tab = state.tabs.get_mut(tab)?;
            if let Some(answer) = tab.answers.remove(&id) {
                return Some(Awaited::Answer(answer));
            }
            if tab.life != life {
                return Some(Awaited::Outlived);
            }
            tab.trouble.take().map(Awaited::Trouble)
        })
        .unwrap_or(Awaited::Nothing)
    }

    /// Passes an announcement on. The load goes on when this returns.
    pub(super) fn announce(&self, key: &str, text: &str) {
        // What nobody listens to any more was said after the end.
        if let (Some(line), Some(listener)) = (Line::parse(text), self.lock().listeners.get(key)) {
            let _ = listener.send(Heard { line, at: Instant::now() });
        }
    }

    pub(super) fn post(&self, key: &str, body: Vec<u8>) {
        self.lock().posted.insert(key.to_owned(), body);
    }

    /// Makes a key that was never used.
    pub(super) fn key(&self) -> String {
        format!("key{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }

    /// What was posted under a key, once.
    pub(super) fn posted(&self, key: &str) -> Option<Vec<u8>> {
        self.lock().posted.remove(key)
    }
}

/// A line of a load, and when it came.
#[derive(Debug)]
#[non_exhaustive]
pub struct Heard {
    /// What was announced.
    pub line: Line,
    /// When the server had it.
    pub at: Instant,
}

/// What one load announces. A load waits until each line has been heard, so an operation that was not announced has not begun.
#[derive(Debug)]
pub struct Announcements {
    shared: Arc<Shared>,
    key: String,
    lines: Receiver<Heard>,
}

impl Announcements {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let key = shared.key();
        let (lines, heard) = channel();
        shared.lock().listeners.insert(key.clone(), lines);
        Self { shared, key, lines: heard }
    }

    /// Where the load posts them.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/announce?key={}", self.key)
    }

    /// The next line; none if there is none for so long.
    #[must_use]
    pub fn next(&self, patience: Duration) -> Option<Heard> {
        self.lines.recv_timeout(patience).ok()
    }

    /// Hears no more, and gives what was heard and not asked for yet.
    #[must_use]
    pub fn end(self) -> Vec<Heard> {
        self.shared.lock().listeners.remove(&self.key);
        self.lines.try_iter().collect()
    }
}

impl Drop for Announcements {
    fn drop(&mut self) {
        self.shared.lock().listeners.remove(&self.key);
    }
}
