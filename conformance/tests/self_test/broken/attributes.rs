//! Faults in what is set of files beside their bytes, over an engine that offers it.

use std::sync::Mutex;

use anystorage_api::{
    Attributes, DirEntry, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath, Timestamp,
};

use super::{Inner, Opened, fault, faults};

faults! {
    "set_attributes resets what is not given" => ResetsOthers {},
    "set_attributes counts as a change of the bytes" => CountsAsChange {},
    "set_attributes forgets the time of the last read" => ForgetsAccessed {},
    "a mode is cut to the permissions of three" => CutsMode {},
    "times are whole seconds" => WholeSeconds {},
    "handles do not tell attributes" => HandlesKnowNothing {},
    "a mode that is too large is cut" => TakesLargeModes {},
    "attributes of what is missing are set in silence" => MissingIsFine {},
    "refused attributes are set in part" => SetsInPart {},
    "a link target of a file with bytes empties it" => EmptiesForLink {},
    "a link target of a directory is dropped in silence" => DirectoriesTakeTargets {},
    "a time that was set by hand stays for ever" => TimeStays::default(),
    "a rename loses the mode" => RenameLosesMode {},
    "attributes belong to the path" => BelongToPaths::default(),
    "write loses the mode" => WriteLosesMode {},
    "write_at resets the mode" => WriteAtResetsMode {},
    "an open that truncates resets the mode" => TruncatingResetsMode {},
    "links are opened as what they lead to" => OpensTarget {},
    "links read as empty files" => ReadsLinkAsEmpty {},
    "links are written to as files" => WritesOverLink {},
    "stat tells what a link leads to" => StatFollows {},
    "list tells links as files" => ListsLinksAsFiles {},
    "a link has the length of its target" => LinksHaveLength {},
    "removing a link removes what it leads to" => RemovesTarget {},
    "a link's attributes are those of what it leads to" => SetsTarget {},
    "renaming over a link renames over what it leads to" => RenamesOverTarget {},
    "link targets are cleaned up" => CleansTargets {},
}

/// Where a link beside it leads, as far as these faults follow links.
async fn target(inner: &Inner, path: &StoragePath) -> Option<StoragePath> {
    let target = inner.stat(path).await.ok()?.link_target?;
    path.parent()?.join(&target).ok()
}

fault! { ResetsOthers {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let mut all = attributes.clone();
        all.mode = Some(attributes.mode.unwrap_or(0o644));
        inner.set_attributes(path, &all).await
    }
}

fault! { CountsAsChange {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        inner.set_attributes(path, attributes).await?;
        match attributes.modified {
            Some(_) => Ok(()),
            None => inner.set_attributes(path, &Attributes::new().modified(Timestamp::new(1, 1))).await,
        }
    }
}

fault! { ForgetsAccessed {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let mut rest = attributes.clone();
        rest.accessed = None;
        inner.set_attributes(path, &rest).await
    }
}

fault! { CutsMode {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let mut cut = attributes.clone();
        cut.mode = attributes.mode.map(|mode| if mode > Attributes::MAX_MODE { mode } else { mode & 0o777 });
        inner.set_attributes(path, &cut).await
    }
}

fault! { WholeSeconds {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let mut cut = attributes.clone();
        let whole = |at: Timestamp| Timestamp::new(at.seconds(), 0);
        (cut.accessed, cut.modified) = (cut.accessed.map(whole), cut.modified.map(whole));
        inner.set_attributes(path, &cut).await
    }
}

fault! { HandlesKnowNothing {}
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        Ok(file.inner.stat().await?.with_mode(None).with_accessed(None).with_modified(None))
    }
}

fault! { TakesLargeModes {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let mut cut = attributes.clone();
        cut.mode = attributes.mode.map(|mode| mode & Attributes::MAX_MODE);
        inner.set_attributes(path, &cut).await
    }
}

fault! { MissingIsFine {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        match inner.set_attributes(path, attributes).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}

fault! { SetsInPart {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        if let Some(accessed) = attributes.accessed {
            inner.set_attributes(path, &Attributes::new().accessed(accessed)).await?;
        }
        inner.set_attributes(path, attributes).await
    }
}

fault! { EmptiesForLink {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        if attributes.link_target.is_some() && inner.stat(path).await.is_ok_and(|found| found.is_file()) {
            inner.open(path, &OpenOptions::editing().truncate(true)).await?;
        }
        inner.set_attributes(path, attributes).await
    }
}

fault! { DirectoriesTakeTargets {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let mut rest = attributes.clone();
        if inner.stat(path).await.is_ok_and(|found| found.is_dir()) {
            rest.link_target = None;
        }
        inner.set_attributes(path, &rest).await
    }
}

fault! { TimeStays { set: Mutex<Option<(StoragePath, Timestamp)>> }
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        inner.set_attributes(path, attributes).await?;
        if let Some(modified) = attributes.modified {
            *self.set.lock().unwrap() = Some((path.clone(), modified));
        }
        Ok(())
    }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        let found = inner.stat(path).await?;
        match &*self.set.lock().unwrap() {
            Some((at, modified)) if at == path => Ok(found.with_modified(Some(*modified))),
            _ => Ok(found),
        }
    }
}

fault! { RenameLosesMode {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(from, to).await?;
        inner.set_attributes(to, &Attributes::new().mode(0)).await
    }
}

fault! { BelongToPaths { set: Mutex<Vec<(StoragePath, u32)>> }
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        inner.set_attributes(path, attributes).await?;
        self.set.lock().unwrap().extend(attributes.mode.map(|mode| (path.clone(), mode)));
        Ok(())
    }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        let found = inner.stat(path).await?;
        let set = self.set.lock().unwrap();
        let mode = set.iter().rev().find(|(at, _)| at == path).map(|(_, mode)| *mode);
        Ok(found.with_mode(mode))
    }
}

fault! { WriteLosesMode {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        if inner.stat(path).await.is_ok_and(|found| found.is_file()) {
            inner.remove_file(path).await?;
        }
        inner.write(path, data).await
    }
}

fault! { WriteAtResetsMode {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        file.inner.write_at(offset, data).await?;
        if file.inner.stat().await?.mode.is_some() {
            file.backend.set_attributes(&file.path, &Attributes::new().mode(0o644)).await?;
        }
        Ok(())
    }
}

fault! { TruncatingResetsMode {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = inner.open(path, options).await?;
        if options.is_truncate() && file.stat().await?.mode.is_some() {
            inner.set_attributes(path, &Attributes::new().mode(0o644)).await?;
        }
        Ok(file)
    }
}

fault! { OpensTarget {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        match target(inner, path).await {
            Some(target) if !options.is_create_new() => inner.open(&target, options).await,
            _ => inner.open(path, options).await,
        }
    }
}

fault! { ReadsLinkAsEmpty {}
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        if inner.stat(path).await.is_ok_and(|found| found.is_symlink()) { Ok(Vec::new()) } else { inner.read(path).await }
    }
}

fault! { WritesOverLink {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        if inner.stat(path).await.is_ok_and(|found| found.is_symlink()) {
            inner.remove_file(path).await?;
        }
        inner.write(path, data).await
    }
}

fault! { StatFollows {}
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        match target(inner, path).await {
            Some(target) => inner.stat(&target).await,
            None => inner.stat(path).await,
        }
    }
}

fault! { ListsLinksAsFiles {}
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let mut entries = inner.list(directory, after, limit).await?;
        for entry in entries.iter_mut().filter(|entry| entry.kind == FileKind::Symlink) {
            entry.kind = FileKind::File;
        }
        Ok(entries)
    }
}

fault! { LinksHaveLength {}
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        let mut found = inner.stat(path).await?;
        found.len += found.link_target.as_ref().map_or(0, |target| target.len() as u64);
        Ok(found)
    }
}

fault! { RemovesTarget {}
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        let target = target(inner, path).await;
        inner.remove_file(path).await?;
        match target {
            Some(target) => inner.remove_file(&target).await,
            None => Ok(()),
        }
    }
}

fault! { SetsTarget {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        match target(inner, path).await {
            Some(target) if attributes.link_target.is_none() => inner.set_attributes(&target, attributes).await,
            _ => inner.set_attributes(path, attributes).await,
        }
    }
}

fault! { RenamesOverTarget {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        match target(inner, to).await {
            Some(target) => inner.rename(from, &target).await,
            None => inner.rename(from, to).await,
        }
    }
}

fault! { CleansTargets {}
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let mut clean = attributes.clone();
        if let Some(target) = &attributes.link_target {
            let parts: Vec<&str> = target.split('/').filter(|part| !part.is_empty() && *part != "..").collect();
            if parts.is_empty() {
                return Err(Error::new(ErrorKind::InvalidInput, Operation::SetAttributes).with_path(path));
            }
            clean.link_target = Some(parts.join("/"));
        }
        inner.set_attributes(path, &clean).await
    }
}
