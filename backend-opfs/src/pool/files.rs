//! The OPFS files of a location: those that are there, and new ones.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Weak;
use std::task::Poll;

use anystorage_api::{Operation, Result};

use super::More;
use super::file::OpfsFile;
use crate::faults::FlushFaults;
use crate::host::{Directory, failed};

/// The name table. All other files have their number as a name.
pub(super) const TABLE: &str = "table";

/// How many are opened at the same time: together they take a fifth of what they take one after another (Chromium 156).
const AT_ONCE: usize = 32;

/// The directory that has them.
#[derive(Clone, Debug)]
pub(super) struct Files {
    directory: Directory,
    faults: FlushFaults,
    /// What these are the files of.
    more: Weak<More>,
}

impl Files {
    pub(super) const fn new(directory: Directory, faults: FlushFaults, more: Weak<More>) -> Self {
        Self { directory, faults, more }
    }

    /// Which there are, beside the table.
    pub(super) async fn numbers(&self) -> Result<Vec<u32>> {
        let entries = self.directory.entries().await?;
        let number = |name: &str| name.parse::<u32>().ok().filter(|number| number.to_string() == name);
        let mut numbers: Vec<u32> = entries.iter().filter(|(_, is_directory)| !is_directory).filter_map(|(name, _)| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Opens these, and makes those that are missing.
    pub(super) async fn open(&self, numbers: &[u32]) -> Result<Vec<(u32, OpfsFile)>> {
        let mut opened = Vec::with_capacity(numbers.len());
        for some in numbers.chunks(AT_ONCE) {
            let calls = some.iter().map(|number| async { Ok((*number, self.handle(&number.to_string()).await?)) });
            for file in all(calls).await {
                let (number, handle) = file?;
                opened.push((number, OpfsFile::new(handle, number, Weak::clone(&self.more))));
            }
        }
        Ok(opened)
    }

    /// Opens a file, which is made if it is missing.
    pub(super) async fn handle(&self, name: &str) -> Result<crate::handle::Handle> {
        let operation = Operation::OpenLocation;
        let plain = self.directory.file(name, true).await.map_err(failed(operation))?;
        plain.open(&self.faults).await.map_err(|error| error.in_operation(operation))
    }
}

/// What all of them give, in their order.
async fn all<T>(calls: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut calls: Vec<_> = calls.map(|call| (Box::pin(call), None)).collect();
    poll_fn(|context| {
        let mut is_over = true;
        for (call, done) in &mut calls {
            if done.is_none() {
                match Pin::new(call).poll(context) {
                    Poll::Ready(value) => *done = Some(value),
                    Poll::Pending => is_over = false,
                }
            }
        }
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    calls.into_iter().filter_map(|(_, done)| done).collect()
}
