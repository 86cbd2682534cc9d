use std::io::IsTerminal;

use anystorage::{FileKind, Result, StorageBackend, StoragePath};
use indicatif::{ProgressBar, ProgressStyle};

use super::PAGE;
use super::report::reason_to_leave_out;

/// Files and bytes done, on a terminal; nothing elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    files: u64,
    all_files: u64,
}

impl Progress {
    /// For nobody to see.
    pub(crate) const fn hidden() -> Self {
        Self { bar: None, files: 0, all_files: 0 }
    }

    /// Counts what is below `from` and shows a bar, if stderr is a terminal.
    pub(crate) async fn of(source: &dyn StorageBackend, from: &StoragePath) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::hidden();
        }
        // A wrong total only makes the bar wrong: the copy meets the same error and tells it.
        let (files, bytes) = count(source, from).await.unwrap_or_default();
        let bar = ProgressBar::new(bytes);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3}%  {bytes} of {total_bytes}, {msg}, {bytes_per_sec}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let progress = Self { bar: Some(bar), files: 0, all_files: files };
        progress.show_files();
        progress
    }

    pub(crate) fn bytes(&self, count: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(count);
        }
    }

    pub(crate) fn file(&mut self) {
        self.files += 1;
        self.show_files();
    }

    pub(crate) fn sync(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message("syncing");
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show_files(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{} of {} files", self.files, self.all_files));
        }
    }
}

/// Files and bytes at and below a path.
async fn count(source: &dyn StorageBackend, from: &StoragePath) -> Result<(u64, u64)> {
    let found = source.stat(from).await?;
    if !found.is_dir() {
        return Ok((1, found.len));
    }
    let (mut files, mut bytes) = (0, 0);
    let mut directories = vec![from.clone()];
    while let Some(directory) = directories.pop() {
        let mut after: Option<String> = None;
        loop {
            let page = source.list(&directory, after.as_deref(), PAGE).await?;
            for entry in page.iter().filter(|entry| reason_to_leave_out(entry).is_none()) {
                let Ok(path) = directory.join(&entry.name) else { continue };
                match entry.kind {
                    FileKind::Directory => directories.push(path),
                    FileKind::File => {
                        files += 1;
                        bytes += source.stat(&path).await.map_or(0, |found| found.len);
                    }
                    _ => {}
                }
            }
            if page.len() < PAGE {
                break;
            }
            after = page.into_iter().next_back().map(|entry| entry.name);
        }
    }
    Ok((files, bytes))
}
