//! What a call touches, and which earlier calls it therefore waits for.

use anystorage_api::StoragePath;

use super::lanes::{LaneId, Lanes};

/// How a call touches something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It looks: others may look too.
    Shared,
    /// It changes.
    Exclusive,
}

/// What a call touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claims {
    /// A call by path: the names it resolves or changes, and how it touches the bytes of the file at the first of them.
    Path { names: Vec<(StoragePath, Access)>, bytes: Option<Access> },
    /// A call on an open file: how it touches its bytes.
    Lane { lane: LaneId, bytes: Access },
    /// All changes before it, and nothing behind it.
    Changes,
    /// Everything before it and behind it.
    Everything,
    /// Nothing that has an order.
    Nothing,
    /// A file that is let go: it waits for nobody, so whoever waits for it never waits for long.
    Release,
}

impl Claims {
    pub(super) fn name(path: &StoragePath, access: Access) -> Self {
        Self::Path { names: vec![(path.clone(), access)], bytes: None }
    }

    pub(super) fn with_name(mut self, path: &StoragePath, access: Access) -> Self {
        if let Self::Path { names, .. } = &mut self {
            names.push((path.clone(), access));
        }
        self
    }

    pub(super) fn with_bytes(mut self, access: Access) -> Self {
        if let Self::Path { bytes, .. } = &mut self {
            *bytes = Some(access);
        }
        self
    }

    /// Whether a call with these claims waits for one with `earlier`, which was polled before and has not ended.
    ///
    /// Lanes are looked up as they are now. That is enough: while an earlier call that may move the names in question is under way, the
    /// names alone make this call wait, so when it comes to the bytes, names are settled.
    pub(super) fn wait_for(&self, earlier: &Self, lanes: &Lanes) -> bool {
        match (earlier, self) {
            (_, Self::Release) => false,
            // A file that is gone has given back its space and its descriptor. Reads, flushes and metadata of open files need neither.
            (Self::Release, _) => !matches!(self, Self::Lane { bytes: Access::Shared, .. }),
            (Self::Everything, _) | (_, Self::Everything) => true,
            (Self::Nothing | Self::Changes, _) | (_, Self::Nothing) => false,
            (_, Self::Changes) => earlier.changes(),
            (Self::Path { names: before, .. }, Self::Path { names: after, .. }) => {
                before.iter().any(|before| after.iter().any(|after| names_meet(before, after)))
            }
            (Self::Path { names, bytes }, Self::Lane { lane, bytes: access }) => {
                let moves = |name: &(StoragePath, Access)| {
                    name.1 == Access::Exclusive && lanes.paths(*lane).iter().any(|path| is_at_or_below(path, name.0.as_str()))
                };
                names.iter().any(moves) || bytes_meet(names, *bytes, *lane, *access, lanes)
            }
            (Self::Lane { lane, bytes: access }, Self::Path { names, bytes }) => bytes_meet(names, *bytes, *lane, *access, lanes),
            (Self::Lane { lane: one, bytes: before }, Self::Lane { lane: other, bytes: after }) => {
                one == other && excludes(*before, *after)
            }
        }
    }

    fn changes(&self) -> bool {
        match self {
            Self::Path { names, bytes } => {
                *bytes == Some(Access::Exclusive) || names.iter().any(|(_, access)| *access == Access::Exclusive)
            }
            Self::Lane { bytes, .. } => *bytes == Access::Exclusive,
            Self::Everything => true,
            Self::Changes | Self::Nothing | Self::Release => false,
        }
    }
}

fn excludes(one: Access, other: Access) -> bool {
    one == Access::Exclusive || other == Access::Exclusive
}

/// Whether the order of two calls on these names can be seen.
fn names_meet(one: &(StoragePath, Access), other: &(StoragePath, Access)) -> bool {
    match ((one.0.as_str(), one.1), (other.0.as_str(), other.1)) {
        ((_, Access::Shared), (_, Access::Shared)) => false,
        ((one, Access::Exclusive), (other, Access::Exclusive)) => is_at_or_below(one, other) || is_at_or_below(other, one),
        ((changed, Access::Exclusive), (seen, Access::Shared)) | ((seen, Access::Shared), (changed, Access::Exclusive)) => {
            is_at_or_below(seen, changed) || is_entry_of(changed, seen)
        }
    }
}

/// Whether a call by path and one on a lane touch the same bytes, one of them to change them.
fn bytes_meet(names: &[(StoragePath, Access)], by_path: Option<Access>, lane: LaneId, by_lane: Access, lanes: &Lanes) -> bool {
    let (Some(by_path), Some((path, _))) = (by_path, names.first()) else {
        return false;
    };
    excludes(by_path, by_lane) && lanes.paths(lane).iter().any(|at| at == path.as_str())
}

/// Whether `path` is `directory` or below it; everything is below the root, the empty path.
pub(super) fn is_at_or_below(path: &str, directory: &str) -> bool {
    match path.strip_prefix(directory) {
        Some(rest) => rest.is_empty() || directory.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// Whether `path` is a direct entry of `directory`.
fn is_entry_of(path: &str, directory: &str) -> bool {
    !path.is_empty() && path.rsplit_once('/').map_or("", |(parent, _)| parent) == directory
}
