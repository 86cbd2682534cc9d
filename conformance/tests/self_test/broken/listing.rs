//! Faults in listing directories and in what `stat` says.

use std::sync::atomic::{AtomicU64, Ordering};

use anystorage_api::{DirEntry, FileKind, Metadata, Result, StoragePath};

use super::{Inner, Opened, fault, faults};

faults! {
    "list is in reverse order" => Reversed {},
    "list is in the order of UTF-16 units" => Utf16Order {},
    "list sorts without case" => CaselessOrder {},
    "list gives the entry at `after` again" => Inclusive {},
    "list skips the first entry behind `after`" => SkipsFirst {},
    "list loses the last entry of a page" => LosesLast {},
    "list ignores the limit" => NoLimit {},
    "list counts entries, and loses some when others go" => CountsEntries::default(),
    "list stops after 512 entries" => StopsAt512 {},
    "list hides names that begin with a dot" => HidesDots {},
    "list takes every entry for a file" => AllFiles {},
    "list says that entries cannot be addressed" => Unaddressable {},
    "list of a file is empty" => FilesAreEmpty {},
    "list of what is missing is empty" => MissingIsEmpty {},
    "list with limit 0 looks at nothing" => LimitZeroIsBlind {},
    "list takes siblings with the same start for entries" => Siblings {},
    "list gives an entry for the directory itself" => ListsDot {},
    "the revision is always the same" => RevisionIsConstant {},
    "the revision is the length" => RevisionIsLength {},
    "the revision of directories is always the same" => DirectoryRevisionIsConstant {},
    "the revision differs with every look" => RevisionRuns::default(),
    "directories have a length" => DirectoriesHaveLength {},
    "handles tell another revision than paths" => HandlesTellAnotherRevision {},
    "stat of the root is not found" => NoRoot {},
    "the revision of handles is always the same" => HandleRevisionIsConstant {},
}

async fn all(inner: &Inner, directory: &StoragePath) -> Result<Vec<DirEntry>> {
    inner.list(directory, None, usize::MAX).await
}

/// A page of entries in any order: those behind the one that is called `after`; none if that is gone, or a reader might never end.
fn page(all: Vec<DirEntry>, after: Option<&str>, limit: usize) -> Vec<DirEntry> {
    let start = after.map_or(0, |after| all.iter().position(|entry| entry.name == after).map_or(all.len(), |at| at + 1));
    all.into_iter().skip(start).take(limit).collect()
}

fault! { Reversed {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let mut entries = all(inner, directory).await?;
        entries.reverse();
        Ok(page(entries, after, limit))
    }
}

fault! { Utf16Order {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let mut entries = all(inner, directory).await?;
        entries.sort_by_key(|entry| entry.name.encode_utf16().collect::<Vec<_>>());
        Ok(page(entries, after, limit))
    }
}

fault! { CaselessOrder {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let mut entries = all(inner, directory).await?;
        entries.sort_by_key(|entry| entry.name.to_lowercase());
        Ok(page(entries, after, limit))
    }
}

fault! { Inclusive {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let entries = all(inner, directory).await?;
        // Once the end is reached there is an end, or nobody would ever get away from here.
        let rest: Vec<DirEntry> = entries.into_iter().filter(|entry| after.is_none_or(|after| entry.name.as_str() >= after)).collect();
        Ok(if rest.len() == 1 && after.is_some() { Vec::new() } else { rest.into_iter().take(limit).collect() })
    }
}

fault! { SkipsFirst {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let entries = inner.list(directory, after, limit.saturating_add(1)).await?;
        Ok(entries.into_iter().skip(usize::from(after.is_some())).take(limit).collect())
    }
}

fault! { LosesLast {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let mut entries = inner.list(directory, after, limit).await?;
        entries.pop();
        Ok(entries)
    }
}

fault! { NoLimit {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, _: usize) -> Result<Vec<DirEntry>> {
        inner.list(directory, after, usize::MAX).await
    }
}

fault! { CountsEntries { seen: AtomicU64 }
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let seen = if after.is_none() { 0 } else { self.seen.load(Ordering::Relaxed) };
        let page: Vec<DirEntry> = all(inner, directory).await?.into_iter().skip(seen as usize).take(limit).collect();
        self.seen.store(seen + page.len() as u64, Ordering::Relaxed);
        Ok(page)
    }
}

fault! { StopsAt512 {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let entries = all(inner, directory).await?;
        Ok(entries.into_iter().take(512).filter(|entry| after.is_none_or(|after| entry.name.as_str() > after)).take(limit).collect())
    }
}

fault! { HidesDots {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let entries = inner.list(directory, after, usize::MAX).await?;
        Ok(entries.into_iter().filter(|entry| !entry.name.starts_with('.')).take(limit).collect())
    }
}

fault! { AllFiles {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let entries = inner.list(directory, after, limit).await?;
        Ok(entries.into_iter().map(|entry| DirEntry::new(entry.name, FileKind::File)).collect())
    }
}

fault! { Unaddressable {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let entries = inner.list(directory, after, limit).await?;
        Ok(entries.into_iter().map(|entry| DirEntry::unaddressable(entry.name, entry.kind)).collect())
    }
}

fault! { FilesAreEmpty {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        match inner.stat(directory).await {
            Ok(found) if found.is_file() => Ok(Vec::new()),
            _ => inner.list(directory, after, limit).await,
        }
    }
}

fault! { MissingIsEmpty {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        match inner.list(directory, after, limit).await {
            Err(error) if error.kind() == anystorage_api::ErrorKind::NotFound => Ok(Vec::new()),
            outcome => outcome,
        }
    }
}

fault! { LimitZeroIsBlind {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        if limit == 0 { Ok(Vec::new()) } else { inner.list(directory, after, limit).await }
    }
}

fault! { Siblings {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let mut entries = all(inner, directory).await?;
        if let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) {
            let siblings = all(inner, &parent).await?;
            entries.extend(siblings.into_iter().filter(|entry| entry.name.starts_with(name) && entry.name != name));
        }
        entries.sort();
        Ok(page(entries, after, limit))
    }
}

fault! { ListsDot {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let mut entries = inner.list(directory, after, limit).await?;
        if after.is_none() {
            entries.insert(0, DirEntry::new(".", FileKind::Directory));
            entries.truncate(limit);
        }
        Ok(entries)
    }
}

fault! { RevisionIsConstant {}
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        Ok(inner.stat(path).await?.with_revision(1))
    }
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        Ok(file.inner.stat().await?.with_revision(1))
    }
}

fault! { RevisionIsLength {}
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        let found = inner.stat(path).await?;
        let len = found.len;
        Ok(found.with_revision(len))
    }
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        let found = file.inner.stat().await?;
        let len = found.len;
        Ok(found.with_revision(len))
    }
}

fault! { DirectoryRevisionIsConstant {}
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        let found = inner.stat(path).await?;
        Ok(if found.is_dir() { found.with_revision(1) } else { found })
    }
}

fault! { RevisionRuns { number: AtomicU64 }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        Ok(inner.stat(path).await?.with_revision(self.number.fetch_add(1, Ordering::Relaxed)))
    }
}

fault! { DirectoriesHaveLength {}
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        let mut found = inner.stat(path).await?;
        if found.is_dir() {
            found.len = 4096;
        }
        Ok(found)
    }
}

fault! { HandlesTellAnotherRevision {}
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        let found = file.inner.stat().await?;
        let other = found.revision ^ (1 << 40);
        Ok(found.with_revision(other))
    }
}

fault! { NoRoot {}
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        if path.is_root() {
            return Err(anystorage_api::Error::new(anystorage_api::ErrorKind::NotFound, anystorage_api::Operation::Stat));
        }
        inner.stat(path).await
    }
}

fault! { HandleRevisionIsConstant {}
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        Ok(file.inner.stat().await?.with_revision(1))
    }
}
