//! Settling what was changed on both sides.

use anystorage_api::{Attributes, Error, ErrorKind, Metadata, Operation, Result, StoragePath};

use super::node::{Id, Kind, Known};
use super::shared::Shared;
use super::state::Call;

/// Whose changes of a file stay, where somebody else changed it below. See [`Mirror::resolve`](super::Mirror::resolve).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// What is here; what is below is overwritten.
    Mine,
    /// What is below; the changes here are dropped.
    Theirs,
}

impl Shared {
    pub(super) async fn resolve(&self, path: &StoragePath, keep: Keep) -> Result<()> {
        let call = Call { operation: Operation::Sync, path };
        let (id, below) = {
            let state = self.lock();
            state.begin_change(call)?;
            let id = state.find(path.as_str(), call)?;
            match &state.node(id, call)?.kind {
                Kind::File(_) => {}
                Kind::Directory(_) => return Err(call.error(ErrorKind::IsADirectory)),
                Kind::Other(_) => return Err(call.error(ErrorKind::InvalidInput).with_text("it is no file")),
            }
            // What is new here would come to lie where it is here.
            (id, state.node_below(id).unwrap_or_else(|| path.clone()))
        };
        let found = match self.engine.stat(&below).await {
            Ok(found) => Some(found),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.in_operation(Operation::Sync)),
        };
        if found.as_ref().is_some_and(Metadata::is_dir) {
            return Err(call.error(ErrorKind::IsADirectory).with_text("below it is a directory by now; rename the file here"));
        }
        let has_to_load = self.settle(id, call, keep, found.as_ref())?;
        if has_to_load && !self.is_immediate {
            self.load_whole(id, &below).await.map_err(|error: Error| error.in_operation(Operation::Sync))?;
        }
        Ok(())
    }

    /// Makes one side the truth; whether the file has to be loaded anew.
    fn settle(&self, id: Id, call: Call<'_>, keep: Keep, found: Option<&Metadata>) -> Result<bool> {
        let mut state = self.lock();
        match (keep, found) {
            (Keep::Mine, found) => {
                if !state.content(id, call)?.rewrite(found.map_or(0, |found| found.len)) {
                    return Err(call
                        .error(ErrorKind::Io)
                        .with_text("a part of it was never loaded, and is gone; keep theirs, or write it anew"));
                }
                if found.is_none() {
                    state.put_again(id);
                } else {
                    state.take_over(id);
                }
                if let Some(node) = state.nodes.get_mut(&id) {
                    node.known = found.map(Known::new);
                    // It may be of a file that another one took the place of.
                    node.source = None;
                }
                state.touched.insert(id);
                Ok(false)
            }
            (Keep::Theirs, None) => state.forget(id, call).map(|()| false),
            (Keep::Theirs, Some(found)) => {
                state.take_over(id);
                let revision = state.next_revision();
                if let Some(node) = state.nodes.get_mut(&id) {
                    node.adopt(found);
                    node.revision = revision;
                    node.source = None;
                    node.unset = Attributes::new();
                    if let Kind::File(content) = &mut node.kind {
                        content.reset(found.len);
                    }
                }
                state.touched.remove(&id);
                Ok(true)
            }
        }
    }
}
