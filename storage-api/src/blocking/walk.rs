use crate::{Operation, Result, StorageBackend, Walk, WalkEntry};

/// A [`Walk`] as an iterator. After an error it goes on behind the directory that could not be listed.
#[derive(Debug)]
pub struct BlockingWalk<'a, B: ?Sized> {
    walk: Walk<'a, B>,
}

impl<'a, B: StorageBackend + ?Sized> BlockingWalk<'a, B> {
    pub(super) const fn new(walk: Walk<'a, B>) -> Self {
        Self { walk }
    }
}

impl<B: StorageBackend + ?Sized> Iterator for BlockingWalk<'_, B> {
    type Item = Result<WalkEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        super::at_once(Operation::List, None, self.walk.next()).transpose()
    }
}
