//! Open files as the layer tells them apart: by the paths they can be reached at.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::claims::is_at_or_below;

/// An open file, however many handles it has. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneId(u64);

/// All open files.
///
/// A lane has one path, none once its file was removed or replaced, and several where a failed rename left it in doubt.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    next: u64,
    open: BTreeMap<LaneId, Lane>,
    /// Which lanes are at a path. Strings: a rename of a directory may take what is below it beyond what a path may hold.
    at: BTreeMap<String, BTreeSet<LaneId>>,
}

#[derive(Debug, Default)]
struct Lane {
    handles: usize,
    paths: Vec<String>,
}

impl Lanes {
    /// A handle more on the file at `path`.
    pub(super) fn join(&mut self, path: &str) -> LaneId {
        let known = self.at.get(path).and_then(|lanes| lanes.first().copied());
        let id = known.unwrap_or_else(|| {
            let id = LaneId(self.next);
            self.next += 1;
            self.put(id, path.to_owned());
            id
        });
        self.open.entry(id).or_default().handles += 1;
        id
    }

    /// A handle less.
    pub(super) fn leave(&mut self, id: LaneId) {
        let Some(lane) = self.open.get_mut(&id) else {
            return;
        };
        lane.handles -= 1;
        if lane.handles == 0 {
            for path in self.open.remove(&id).map(|lane| lane.paths).unwrap_or_default() {
                self.take(id, &path);
            }
        }
    }

    /// Where the file of a lane may be.
    pub(super) fn paths(&self, id: LaneId) -> &[String] {
        self.open.get(&id).map_or(&[], |lane| &lane.paths)
    }

    /// The name was removed, or given to another file.
    pub(super) fn unlink(&mut self, path: &str) {
        for id in self.at.remove(path).unwrap_or_default() {
            if let Some(lane) = self.open.get_mut(&id) {
                lane.paths.retain(|at| at != path);
            }
        }
    }

    /// A file or a directory moved.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if from == to {
            return;
        }
        self.unlink(to);
        for (path, lanes) in self.at_or_below(from) {
            let moved = format!("{to}{}", path.get(from.len()..).unwrap_or_default());
            self.unlink(&path);
            lanes.into_iter().for_each(|id| self.put(id, moved.clone()));
        }
    }

    /// A file or a directory moved, or did not.
    pub(super) fn rename_in_doubt(&mut self, from: &str, to: &str) {
        for (path, lanes) in self.at_or_below(from) {
            let moved = format!("{to}{}", path.get(from.len()..).unwrap_or_default());
            lanes.into_iter().for_each(|id| self.put(id, moved.clone()));
        }
    }

    fn at_or_below(&self, directory: &str) -> Vec<(String, BTreeSet<LaneId>)> {
        let from = self.at.range::<str, _>((Bound::Included(directory), Bound::Unbounded));
        // Names such as "a-b" sort between "a" and "a/b".
        let near = from.take_while(|(path, _)| path.starts_with(directory)).filter(|(path, _)| is_at_or_below(path, directory));
        near.map(|(path, lanes)| (path.clone(), lanes.clone())).collect()
    }

    fn put(&mut self, id: LaneId, path: String) {
        if self.at.entry(path.clone()).or_default().insert(id) {
            self.open.entry(id).or_default().paths.push(path);
        }
    }

    fn take(&mut self, id: LaneId, path: &str) {
        if let Some(lanes) = self.at.get_mut(path) {
            lanes.remove(&id);
            if lanes.is_empty() {
                self.at.remove(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_of_one_path_share_a_lane_until_the_last_leaves() {
        let mut lanes = Lanes::default();
        let one = lanes.join("a");
        assert_eq!(lanes.join("a"), one);
        lanes.leave(one);
        assert_eq!(lanes.join("a"), one);
        lanes.leave(one);
        lanes.leave(one);
        assert_ne!(lanes.join("a"), one);
    }

    #[test]
    fn a_rename_of_a_directory_moves_what_is_below_it_and_nothing_beside_it() {
        let mut lanes = Lanes::default();
        let (deep, beside, target) = (lanes.join("a/b/c"), lanes.join("a-b"), lanes.join("x/b/c"));
        lanes.rename("a", "y");
        assert_eq!(lanes.paths(deep), ["y/b/c"]);
        assert_eq!(lanes.paths(beside), ["a-b"]);
        lanes.rename("y/b/c", "x/b/c");
        assert_eq!((lanes.paths(deep), lanes.paths(target)), (&["x/b/c".to_owned()][..], &[][..]));
        assert_eq!(lanes.join("x/b/c"), deep);
    }

    #[test]
    fn a_rename_in_doubt_leaves_both_paths_until_one_is_ruled_out() {
        let mut lanes = Lanes::default();
        let lane = lanes.join("d/a");
        lanes.rename_in_doubt("d", "e");
        assert_eq!(lanes.paths(lane), ["d/a", "e/a"]);
        lanes.unlink("d/a");
        assert_eq!(lanes.paths(lane), ["e/a"]);
        lanes.leave(lane);
        assert!(lanes.at.is_empty() && lanes.open.is_empty());
    }
}
