//! What a mirror and all its files share.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, ErrorKind, Operation, Result, RunToEnd, StorageBackend, StorageFile, StoragePath};

use super::host::{at_once, spawn};
use super::node::{Id, Known};
use super::options::MirrorOptions;
use super::state::{Call, State, out_of_memory};
use super::write_back::behind_its_back;

/// How many bytes are loaded at once: a block of memory.
pub(super) const BLOCK: u64 = 64 * 1024;

#[derive(Debug)]
pub(super) struct Shared {
    // Before the engine: files below are let go first.
    state: Mutex<State>,
    pub(super) engine: Box<dyn StorageBackend>,
    pub(super) is_immediate: bool,
    pub(super) options: MirrorOptions,
    /// Who writes back or loads, in the order in which it was asked for.
    turn: async_lock::Mutex<()>,
    /// The same over an immediate engine, whose calls never wait for a future.
    turn_at_once: Mutex<()>,
}

impl Shared {
    pub(super) fn new(engine: Box<dyn StorageBackend>, options: MirrorOptions) -> Self {
        let capabilities = engine.capabilities();
        let state = State::new(options.memory_limit, capabilities, super::host::random());
        Self {
            state: Mutex::new(state),
            engine,
            is_immediate: capabilities.immediate,
            options,
            turn: async_lock::Mutex::new(()),
            turn_at_once: Mutex::new(()),
        }
    }

    // Held for the length of one call, never across an await, and nothing panics under it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what has to be alone with the engine, to its end once it was polled. Over an immediate engine it is ready at once.
    pub(super) async fn in_turn<T, F>(self: &Arc<Self>, operation: Operation, work: impl FnOnce(Arc<Self>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + anystorage_api::MaybeSend + 'static,
    {
        let call = work(Arc::clone(self));
        if self.is_immediate {
            return self.alone(operation, call);
        }
        let shared = Arc::clone(self);
        RunToEnd::new(spawn, async move {
            let _turn = shared.turn.lock().await;
            call.await
        })
        .await
    }

    fn alone<T>(&self, operation: Operation, call: impl Future<Output = Result<T>>) -> Result<T> {
        let _turn = self.turn_at_once.lock().unwrap_or_else(PoisonError::into_inner);
        at_once(operation, call)
    }

    pub(super) async fn sync(self: &Arc<Self>, target: Option<(Id, StoragePath)>) -> Result<()> {
        let (target, path) = target.unzip();
        let synced = self.in_turn(Operation::Sync, |shared| async move {
            if shared.lock().is_closed {
                return Err(Error::new(ErrorKind::Closed, Operation::Sync).with_text("the mirror was closed"));
            }
            shared.write_back(target).await
        });
        match (synced.await, path) {
            (Err(error), Some(path)) if error.path().is_none() => Err(error.with_path(&path)),
            (outcome, _) => outcome,
        }
    }

    pub(super) async fn close(self: &Arc<Self>) -> Result<()> {
        let close = |shared: Arc<Self>| async move {
            let nodes = {
                let mut state = shared.lock();
                if state.is_closed {
                    return Err(Error::new(ErrorKind::Closed, Operation::Close).with_text("the mirror was closed before"));
                }
                state.is_closed = true;
                std::mem::take(&mut state.nodes)
            };
            drop(nodes);
            shared.engine.close().await
        };
        self.in_turn(Operation::Close, close).await
    }

    /// A handle more.
    pub(super) fn enter(state: &mut State, id: Id) {
        if let Some(node) = state.nodes.get_mut(&id) {
            node.handles += 1;
        }
    }

    /// A handle less.
    pub(super) fn leave(&self, id: Id) {
        let mut source = None;
        let mut state = self.lock();
        if let Some(node) = state.nodes.get_mut(&id) {
            node.handles = node.handles.saturating_sub(1);
            if node.handles == 0 && !node.is_flying {
                source = node.source.take();
            }
        }
        state.free(id);
        drop(state);
        drop(source);
    }

    /// Copies from a file into `buf`, and loads what is missing from an immediate engine.
    pub(super) fn read(&self, id: Id, offset: u64, buf: &mut [u8], call: Call<'_>) -> Result<usize> {
        self.read_in(&mut self.lock(), id, offset, buf, call)
    }

    fn read_in(&self, state: &mut State, id: Id, offset: u64, buf: &mut [u8], call: Call<'_>) -> Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            let at = offset.saturating_add(filled as u64);
            let len = state.content(id, call)?.len();
            let rest = (buf.len() - filled).min(usize::try_from(len.saturating_sub(at)).unwrap_or(usize::MAX));
            if rest == 0 {
                break;
            }
            let count = usize::try_from(BLOCK - at % BLOCK).unwrap_or(usize::MAX).min(rest);
            self.load(state, id, at..at + count as u64, call)?;
            let Some(piece) = buf.get_mut(filled..filled + count) else { break };
            filled += state.content(id, call)?.read(at, piece);
        }
        if buf.is_empty() {
            state.content(id, call)?;
        }
        Ok(filled)
    }

    /// The whole file at a path, as it is at one moment.
    pub(super) fn read_all(&self, call: Call<'_>) -> Result<Vec<u8>> {
        let mut state = self.lock();
        state.begin(call)?;
        let id = state.file_at(call)?;
        let len = state.content(id, call)?.len();
        let too_large = || call.error(ErrorKind::InvalidInput).with_text(format!("{len} bytes do not fit into memory"));
        let mut data = Vec::new();
        data.try_reserve_exact(usize::try_from(len).map_err(|_| too_large())?).map_err(|_| too_large())?;
        data.resize(usize::try_from(len).unwrap_or(0), 0);
        let count = self.read_in(&mut state, id, 0, &mut data, call)?;
        data.truncate(count);
        Ok(data)
    }

    /// Loads what is missing of a range within one block.
    fn load(&self, state: &mut State, id: Id, range: Range<u64>, call: Call<'_>) -> Result<()> {
        if state.content(id, call)?.absent(range.clone()).is_empty() {
            return Ok(());
        }
        let len = state.content(id, call)?.len();
        let start = range.start - range.start % BLOCK;
        let block = start..(start + BLOCK).min(len);
        let source = self.source(state, id, call)?;
        let wrong = |error: Error| error.in_operation(call.operation).with_path(call.path);
        let node = state.node(id, call)?;
        if let (Some(known), false) = (&node.known, node.is_flying) {
            let now = at_once(call.operation, source.stat()).map_err(wrong)?;
            if !known.is_still(&Known::new(&now)) {
                return Err(changed_below(call));
            }
        }
        let mut data = vec![0; usize::try_from(block.end - block.start).unwrap_or(0)];
        let count = at_once(call.operation, source.read_at(block.start, &mut data)).map_err(wrong)?;
        data.truncate(count);
        loop {
            match state.content(id, call)?.load(block.start, &data) {
                Ok(()) => break,
                Err(full) if state.make_room(full) => {}
                Err(full) => return Err(out_of_memory(full, call)),
            }
        }
        // Fewer bytes than there were: somebody cut it.
        if state.content(id, call)?.absent(range).is_empty() { Ok(()) } else { Err(changed_below(call)) }
    }

    /// The file below, open for as long as one is here.
    fn source(&self, state: &mut State, id: Id, call: Call<'_>) -> Result<Arc<dyn StorageFile>> {
        let node = state.node(id, call)?;
        if let Some(source) = &node.source {
            return Ok(Arc::clone(source));
        }
        let handles = node.handles;
        let path =
            state.node_below(id).ok_or_else(|| call.error(ErrorKind::Io).with_text("its bytes lie below, and no path leads there"))?;
        let wrong = |error: Error| match error.kind() {
            ErrorKind::NotFound => changed_below(call),
            _ => error.in_operation(call.operation).with_path(call.path),
        };
        let source: Arc<dyn StorageFile> = Arc::from(at_once(call.operation, self.open_below(&path)).map_err(wrong)?);
        if let Some(node) = state.nodes.get_mut(&id)
            && handles > 0
        {
            node.source = Some(Arc::clone(&source));
        }
        Ok(source)
    }
}

fn changed_below(call: Call<'_>) -> Error {
    let why = "it was changed below the mirror, not by it, since it was last looked at; `Mirror::populate` brings it in";
    behind_its_back(call.path, "changed").in_operation(call.operation).with_text(why)
}
