//! What happened to the tree and is not below yet, in its order.
//!
//! It is carried out below as it happened, so that whatever interrupts it, the tree there is one that the tree here has been. One thing is
//! left out: a file or directory that came and went between two write-backs.

use std::collections::BTreeMap;

use super::node::{Id, Place};

/// A change of the tree. Nodes stand for paths: they know where they are below.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// An empty file.
    Create {
        node: Id,
        to: Place,
    },
    CreateDir {
        node: Id,
        to: Place,
    },
    Remove {
        node: Id,
    },
    RemoveDir {
        node: Id,
    },
    /// `is_over` if a file was there, which may never have come below: then `replaces` is none.
    Rename {
        node: Id,
        to: Place,
        replaces: Option<Id>,
        is_over: bool,
    },
    /// A file put there whole, with its first `len` bytes.
    Write {
        node: Id,
        to: Place,
        replaces: Option<Id>,
        len: u64,
    },
}

impl Op {
    pub(super) const fn node(&self) -> Id {
        match self {
            Self::Create { node, .. }
            | Self::CreateDir { node, .. }
            | Self::Remove { node }
            | Self::RemoveDir { node }
            | Self::Rename { node, .. }
            | Self::Write { node, .. } => *node,
        }
    }

    /// Where it puts the node.
    pub(super) const fn to(&self) -> Option<&Place> {
        match self {
            Self::Create { to, .. } | Self::CreateDir { to, .. } | Self::Rename { to, .. } | Self::Write { to, .. } => Some(to),
            Self::Remove { .. } | Self::RemoveDir { .. } => None,
        }
    }

    pub(super) const fn replaces(&self) -> Option<Id> {
        match self {
            Self::Rename { replaces, .. } | Self::Write { replaces, .. } => *replaces,
            _ => None,
        }
    }

    /// The bytes of its node have to be below before it: whoever looks there finds the old file or the new one, whole.
    pub(super) const fn needs_bytes(&self) -> bool {
        matches!(self, Self::Rename { is_over: true, .. } | Self::Write { .. })
    }
}

/// The changes by their number.
pub(super) type Log = BTreeMap<u64, Op>;
