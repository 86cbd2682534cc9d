//! One player's life as the loop knows it: where it began, what it announced, and what may be there after its death.

use anystorage_api::StoragePath;

use super::line::Line;
use super::load::{Load, Op};
use super::report::Phase;
use crate::case::Broken;
use crate::durability_model::{Action, DurabilityModel, Promise, Tree};

/// How many operations before its death a report tells.
const TOLD: usize = 12;

/// A location, and what is known to be durable there.
pub(super) struct Ground {
    pub(super) address: String,
    pub(super) tree: Tree,
    pub(super) first: u64,
    pub(super) promise: Promise,
    pub(super) moves_directories: bool,
}

impl Ground {
    pub(super) const fn fresh(address: String, first: u64) -> Self {
        Self { address, tree: Tree::new(), first, promise: Promise::InPlace, moves_directories: true }
    }

    /// What may be there after this end.
    pub(super) fn model(&self, seed: u64, end: &End) -> Result<DurabilityModel, String> {
        let mut model = DurabilityModel::holding(self.promise, &self.tree);
        for played in &end.played {
            let data = played.op.data(seed, played.number);
            let lost = || format!("the model has no file for operation {}, {:?}", played.number, played.op);
            let file = |path: &StoragePath| model.file_at(path).ok_or_else(lost);
            let action = match &played.op {
                Op::Create { path } => Action::Create { path },
                Op::WriteAt { path, offset, .. } => Action::WriteAt { file: file(path)?, offset: *offset, data: &data },
                Op::SetLen { path, len } => Action::SetLen { file: file(path)?, len: *len },
                Op::SyncFile { path } => Action::SyncFile { file: file(path)? },
                Op::Replace { path, .. } => Action::Replace { path, data: &data },
                Op::CreateDir { path } => Action::CreateDir { path },
                Op::RemoveFile { path } => Action::RemoveFile { path },
                Op::RemoveDir { path } => Action::RemoveDir { path },
                Op::Rename { from, to } => Action::Rename { from, to },
                Op::Sync => Action::Sync,
            };
            let ticket = model.begin(&action).map_err(|refused| format!("operation {}, {:?}: {refused}", played.number, played.op))?;
            if played.ended {
                model.returned(ticket);
            }
        }
        Ok(model)
    }
}

/// An operation that the player has begun.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) number: u64,
    pub(super) op: Op,
    pub(super) ended: bool,
}

/// How a player ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) played: Vec<Played>,
    pub(super) hit: Phase,
    pub(super) failure: Option<String>,
}

impl End {
    /// Takes an announcement in, which must be the one that the load expects.
    pub(super) fn hear(&mut self, line: Line, load: &mut Load) -> Result<(), Broken> {
        match line {
            Line::Begin { number, digest } => {
                let (expected, op) = load.next();
                if (number, digest) != (expected, op.digest()) {
                    return Err(Broken::promise(format!(
                        "the player began another operation than number {expected}, {op:?}: number {number}"
                    )));
                }
                self.played.push(Played { number, op, ended: false });
            }
            Line::End { number } => match self.played.last_mut().filter(|last| last.number == number && !last.ended) {
                Some(last) => last.ended = true,
                None => return Err(Broken::promise(format!("the player ended operation {number}, which was not under way"))),
            },
            Line::Failed { text, .. } => self.failure = Some(text),
        }
        Ok(())
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.played.iter().filter(|played| played.ended).count() as u64
    }

    pub(super) fn acknowledged_syncs(&self) -> u64 {
        self.played.iter().filter(|played| played.ended && played.op.phase() == Phase::Sync).count() as u64
    }

    pub(super) fn next_number(&self, first: u64) -> u64 {
        self.played.last().map_or(first, |last| last.number + 1)
    }

    /// What an engine without a write of its own may leave beside a file that was being replaced.
    pub(super) fn sibling(&self) -> Option<StoragePath> {
        let Played { op: Op::Replace { path, .. }, ended: false, .. } = self.played.last()? else { return None };
        path.parent()?.join(&format!(".{}.anystorage-write-0", path.file_name()?)).ok()
    }

    pub(super) fn story(&self) -> String {
        let told = self.played.len().saturating_sub(TOLD);
        let lines = self.played.iter().skip(told).map(|played| {
            let end = if played.ended { "" } else { " (killed)" };
            format!("\n    {} {:?}{end}", played.number, played.op)
        });
        lines.collect()
    }
}
