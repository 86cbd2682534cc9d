//! Where the blocks of a file are: a radix tree of runs, whose top is kept in the file's inode and whose other nodes are records of their
//! own. A small file has nothing but the top.

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use serde::{Deserialize, Serialize};

use crate::format::block_key;
use crate::runs::{FANOUT, Runs};

#[cfg(test)]
pub(crate) mod tests;

/// With it the map covers all blocks below 2 to the power of 63.
const MAX_HEIGHT: u8 = 6;

const BITS: u32 = FANOUT.ilog2();

/// A node other than the top. With level L and index i it covers the blocks from `i * 512^(L+1)` up to `(i+1) * 512^(L+1)`. Level 0 says
/// versions of blocks, the levels above it which children there are, all with version 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId {
    pub(crate) ino: u64,
    pub(crate) level: u8,
    pub(crate) index: u64,
}

/// Where the nodes are.
pub(crate) trait Nodes {
    /// The node. [`Corrupt`](ErrorKind::Corrupt) if it is missing: its parent says that it exists.
    async fn node(&self, id: NodeId) -> Result<Arc<Runs>>;

    /// Changes the node, or makes it; none if it is gone, because nothing is left in it.
    fn set_node(&mut self, id: NodeId, runs: Option<Arc<Runs>>);
}

/// Blocks that follow one another, all with the same version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) block: u64,
    pub(crate) count: u64,
    pub(crate) version: u64,
}

impl Extent {
    /// The keys of its blocks.
    pub(crate) fn keys(self, ino: u64) -> impl Iterator<Item = Vec<u8>> {
        (self.block..self.block.saturating_add(self.count)).map(move |block| block_key(ino, block, self.version))
    }
}

/// Blocks that a cut took away.
pub(crate) type Freed = Extent;

/// The top of a file's block map. It is as low as it can be after an assignment, and empty only with height 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub(crate) struct BlockMap {
    height: u8,
    top: Runs,
}

#[derive(Deserialize)]
struct Unchecked {
    height: u8,
    top: Runs,
}

impl TryFrom<Unchecked> for BlockMap {
    type Error = &'static str;

    fn try_from(Unchecked { height, top }: Unchecked) -> Result<Self, Self::Error> {
        if height > MAX_HEIGHT {
            return Err("a block map is too high");
        }
        if height > 0 && (top.is_empty() || top.iter().any(|run| run.version != 0)) {
            return Err("the top of a block map names no children");
        }
        Ok(Self { height, top })
    }
}

/// How many blocks a node of this level covers, as a number of bits to shift by: at most 63.
fn shift(level: u8) -> u32 {
    BITS * (u32::from(level.min(MAX_HEIGHT)) + 1)
}

/// The position of a block in the node of this level that covers it.
fn position(block: u64, level: u8) -> u16 {
    (block >> (shift(level) - BITS)) as u16 % FANOUT
}

/// The node of this level that covers a block.
fn covering(ino: u64, block: u64, level: u8) -> NodeId {
    NodeId { ino, level, index: block >> shift(level) }
}

/// Loads a node, which holds at least one position: otherwise it would be gone.
async fn load<N: Nodes>(nodes: &N, id: NodeId) -> Result<Arc<Runs>> {
    let runs = nodes.node(id).await?;
    if runs.is_empty() { Err(corrupt(id, "is empty")) } else { Ok(runs) }
}

fn corrupt(id: NodeId, what: &str) -> Error {
    let text = format!("the block map of inode {} {what} at level {}, index {}: restore the file from a copy", id.ino, id.level, id.index);
    Error::new(ErrorKind::Corrupt, Operation::Read).with_text(text)
}

impl BlockMap {
    /// Whether no block is there.
    #[cfg(test)]
    pub(crate) const fn is_empty(&self) -> bool {
        self.top.is_empty()
    }

    /// All blocks that are there, if no other node has any.
    pub(crate) fn runs_without_nodes(&self) -> Option<Vec<Extent>> {
        let extent = |run: crate::runs::Run| Extent { block: run.start.into(), count: run.len.into(), version: run.version };
        (self.height == 0).then(|| self.top.iter().map(extent).collect())
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn cost(&self) -> usize {
        self.top.cost()
    }

    /// The first block behind those that it covers.
    fn span(&self) -> u64 {
        1 << shift(self.height)
    }

    /// The version of a block; none for a hole.
    pub(crate) async fn version_of<N: Nodes>(&self, nodes: &N, ino: u64, block: u64) -> Result<Option<u64>> {
        Ok(self.run_at(nodes, ino, block).await?.map(|run| run.version))
    }

    /// A block, and those behind it that have the same version and are in the same node; none for a hole.
    pub(crate) async fn run_at<N: Nodes>(&self, nodes: &N, ino: u64, block: u64) -> Result<Option<Extent>> {
        if block >= self.span() {
            return Ok(None);
        }
        let mut node = None;
        for level in (0..self.height).rev() {
            let above = node.as_deref().unwrap_or(&self.top);
            let id = covering(ino, block, level);
            match above.get(position(block, level + 1)) {
                None => return Ok(None),
                Some(0) => node = Some(load(nodes, id).await?),
                Some(_) => return Err(corrupt(id, "has a version above its blocks")),
            }
        }
        let at = position(block, 0);
        let run = node.as_deref().unwrap_or(&self.top).next_at_or_after(at).filter(|run| run.start == at);
        Ok(run.map(|run| Extent { block, count: run.len.into(), version: run.version }))
    }

    /// Gives a block this version, and returns the one it had. After an error, or when it is dropped, nothing is changed.
    pub(crate) async fn assign<N: Nodes>(&mut self, nodes: &mut N, ino: u64, block: u64, version: u64) -> Result<Option<u64>> {
        if block >> shift(MAX_HEIGHT) != 0 {
            let text = format!("block {block}: a file has no more than 2^63");
            return Err(Error::new(ErrorKind::InvalidInput, Operation::Write).with_text(text));
        }
        // The nodes that lead to the block, as far as there are any, from below the top. Only then come changes.
        let mut path: Vec<(NodeId, Arc<Runs>)> = Vec::new();
        if block < self.span() {
            for level in (0..self.height).rev() {
                if path.last().map_or(&self.top, |(_, runs)| runs.as_ref()).get(position(block, level + 1)).is_none() {
                    break;
                }
                let id = covering(ino, block, level);
                path.push((id, load(nodes, id).await?));
            }
        }
        self.grow(nodes, ino, block);
        let deepest = path.pop();
        let level = deepest.as_ref().map_or(self.height, |(id, _)| id.level);
        for missing in 0..level {
            let runs = Runs::single(position(block, missing), if missing == 0 { version } else { 0 });
            nodes.set_node(covering(ino, block, missing), Some(Arc::new(runs)));
        }
        let (position, version) = (position(block, level), if level == 0 { version } else { 0 });
        match deepest {
            None => Ok(self.top.set(position, version)),
            Some((id, mut runs)) => {
                let old = Arc::make_mut(&mut runs).set(position, version);
                nodes.set_node(id, Some(runs));
                Ok(old)
            }
        }
    }

    /// Makes it cover a block: the top becomes the first child of a new one, again and again.
    fn grow<N: Nodes>(&mut self, nodes: &mut N, ino: u64, block: u64) {
        while block >= self.span() && self.height < MAX_HEIGHT {
            if !self.top.is_empty() {
                let id = NodeId { ino, level: self.height, index: 0 };
                nodes.set_node(id, Some(Arc::new(std::mem::replace(&mut self.top, Runs::single(0, 0)))));
            }
            self.height += 1;
        }
    }

    /// Takes `from_block` and all behind it away, and tells what that frees. It visits only nodes that are there, the last one first: after
    /// an error, or when it is dropped, all blocks behind some block are gone, the rest is as it was, and it can be called again.
    pub(crate) async fn cut<N: Nodes>(
        &mut self,
        nodes: &mut N,
        ino: u64,
        from_block: u64,
        freed: &mut (dyn FnMut(Freed) + Send),
    ) -> Result<()> {
        while self.height > 0 {
            let Some(mut path) = self.path_to_last(nodes, ino, from_block).await? else { break };
            let Some((id, mut leaf)) = path.pop() else { break };
            let base = id.index << shift(0);
            Arc::make_mut(&mut leaf).clear_from(from_block.saturating_sub(base) as u16, &mut |start, len, version| {
                freed(Freed { block: base + u64::from(start), count: len.into(), version });
            });
            let kept = !leaf.is_empty();
            nodes.set_node(id, kept.then_some(leaf));
            if kept {
                break;
            }
            self.remove_child(nodes, id, path);
        }
        if self.height == 0 && from_block < self.span() {
            self.top.clear_from(from_block as u16, &mut |start, len, version| {
                freed(Freed { block: start.into(), count: len.into(), version });
            });
        }
        self.shrink(nodes, ino).await;
        Ok(())
    }

    /// The nodes below the top that lead to the last block that is there, with its own at the end; none if it is before `from_block`.
    async fn path_to_last<N: Nodes>(&self, nodes: &N, ino: u64, from_block: u64) -> Result<Option<Vec<(NodeId, Arc<Runs>)>>> {
        let mut path: Vec<(NodeId, Arc<Runs>)> = Vec::new();
        let mut last = self.top.last().map(u64::from);
        for level in (0..self.height).rev() {
            let Some(index) = last.filter(|index| ((index + 1) << shift(level)) > from_block) else { return Ok(None) };
            let id = NodeId { ino, level, index };
            let runs = load(nodes, id).await?;
            last = runs.last().map(|position| (index << BITS) + u64::from(position));
            path.push((id, runs));
        }
        Ok(last.filter(|block| *block >= from_block).map(|_| path))
    }

    /// Removes a child that is gone from its parent, the parent from its own if nothing is left in it, and so on.
    fn remove_child<N: Nodes>(&mut self, nodes: &mut N, mut child: NodeId, mut above: Vec<(NodeId, Arc<Runs>)>) {
        while let Some((id, mut runs)) = above.pop() {
            Arc::make_mut(&mut runs).clear((child.index % u64::from(FANOUT)) as u16);
            let kept = !runs.is_empty();
            nodes.set_node(id, kept.then_some(runs));
            if kept {
                return;
            }
            child = id;
        }
        self.top.clear((child.index % u64::from(FANOUT)) as u16);
        if self.top.is_empty() {
            self.height = 0;
        }
    }

    /// Takes the only child up again. It saves a step to every block, no more: so what cannot be read stays where it is.
    async fn shrink<N: Nodes>(&mut self, nodes: &mut N, ino: u64) {
        while self.height > 0 && self.top.last() == Some(0) {
            let id = NodeId { ino, level: self.height - 1, index: 0 };
            let Ok(runs) = load(nodes, id).await else { return };
            nodes.set_node(id, None);
            self.top = Arc::unwrap_or_clone(runs);
            self.height = id.level;
        }
    }

    /// The first blocks that are there from `from_block` on; none if only a hole follows. There may be more with the same version behind
    /// them, in the next node.
    #[cfg(test)]
    pub(crate) async fn next_present<N: Nodes>(&self, nodes: &N, ino: u64, from_block: u64) -> Result<Option<Extent>> {
        if from_block >= self.span() {
            return Ok(None);
        }
        let mut block = from_block;
        let mut id = NodeId { ino, level: self.height, index: 0 };
        let mut path: Vec<Arc<Runs>> = Vec::new();
        loop {
            let runs = path.last().map_or(&self.top, Arc::as_ref);
            // What went up may come behind the end of the node there.
            let inside = block >> shift(id.level) == id.index;
            match runs.next_at_or_after(position(block, id.level)).filter(|_| inside) {
                Some(run) if id.level == 0 => {
                    return Ok(Some(Extent {
                        block: (id.index << BITS) + u64::from(run.start),
                        count: run.len.into(),
                        version: run.version,
                    }));
                }
                Some(run) => {
                    id = NodeId { ino, level: id.level - 1, index: (id.index << BITS) + u64::from(run.start) };
                    if run.version != 0 {
                        return Err(corrupt(id, "has a version above its blocks"));
                    }
                    block = block.max(id.index << shift(id.level));
                    path.push(load(nodes, id).await?);
                }
                None if path.pop().is_none() => return Ok(None),
                None => {
                    block = (id.index + 1) << shift(id.level);
                    id = NodeId { ino, level: id.level + 1, index: id.index >> BITS };
                }
            }
        }
    }
}
