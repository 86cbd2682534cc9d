//! Whether revisions say what `Metadata::revision` promises: another one after every change, and the same one while nothing happened.

use std::collections::BTreeMap;

use super::oracle::State;

/// The revisions seen so far at one location.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    /// By node, since the location was opened: how often it was touched, and its revision then.
    last: BTreeMap<u64, (u64, u64)>,
    /// By node and revision: the version that had it.
    of_node: BTreeMap<(u64, u64), u64>,
    /// By path and revision: what had it.
    at_path: BTreeMap<(String, u64), State>,
}

impl Revisions {
    /// Takes note of a revision, and says what is wrong with it.
    pub(crate) fn see(&mut self, path: Option<&str>, state: State, revision: u64) -> Result<(), String> {
        let what = path.map_or_else(|| "the open file".to_owned(), |path| format!("{path:?}"));
        if let Some((touched, before)) = self.last.insert(state.node, (state.touched, revision))
            && touched == state.touched
            && before != revision
        {
            return Err(format!("the revision of {what} went from {before} to {revision} though nothing changed"));
        }
        if let Some(version) = self.of_node.insert((state.node, revision), state.version)
            && version != state.version
        {
            return Err(format!("{what} has the revision {revision} that it had before it was changed"));
        }
        let Some(path) = path else { return Ok(()) };
        if let Some(other) = self.at_path.insert((path.to_owned(), revision), state)
            && other.node != state.node
            && (other.kind, other.fingerprint) != (state.kind, state.fingerprint)
        {
            return Err(format!("{what} has the revision {revision} that something else had at this path, with other content"));
        }
        Ok(())
    }

    /// After a reopening a revision may be another one without a change.
    pub(crate) fn reopened(&mut self) {
        self.last.clear();
    }
}
