//! The player: plays the load and announces each operation, until it is killed.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;

use anystorage_api::{ErrorKind, FileKind, OpenOptions, Result, StorageBackend, StorageFile, StoragePath};

use super::killer::Play;
use super::line::Line;
use super::load::{Load, Op, Shape, renamed};
use super::random::Random;

/// Plays the load over the location that `open` opens. Each line is announced before anything else happens.
///
/// # Errors
/// If an announcement fails. An engine that fails is announced.
pub(crate) async fn play(
    play: &Play,
    open: impl Future<Output = Result<Box<dyn StorageBackend>>>,
    announce: &mut impl AsyncFnMut(&Line) -> io::Result<()>,
) -> io::Result<()> {
    let &Play { seed, first, moves_directories, .. } = play;
    let ready = async {
        let backend = open.await?;
        let shape = shape(&*backend).await?;
        Ok::<_, anystorage_api::Error>((backend, shape))
    };
    let (backend, shape) = match ready.await {
        Ok(ready) => ready,
        Err(error) => return announce(&Line::Failed { kind: error.kind(), text: error.to_string() }).await,
    };
    let mut load = Load::new(seed, first, shape).moving_directories(moves_directories);
    let mut player = Player { backend: &*backend, files: BTreeMap::new() };
    loop {
        let (number, op) = load.next();
        let data = op.data(seed, number);
        announce(&Line::Begin { number, digest: op.digest() }).await?;
        match player.perform(&op, &data).await {
            Ok(()) => announce(&Line::End { number }).await?,
            Err(error) => {
                let text = format!("operation {number}, {op:?}: {error}");
                return announce(&Line::Failed { kind: error.kind(), text }).await;
            }
        }
        player.forget_some(&mut Random::new(seed, !number));
    }
}

async fn shape(backend: &dyn StorageBackend) -> Result<Shape> {
    const PAGE: usize = 256;
    let mut shape = Shape::empty();
    let mut directories = vec![StoragePath::root()];
    while let Some(directory) = directories.pop() {
        let mut after: Option<String> = None;
        loop {
            let page = backend.list(&directory, after.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            for entry in page {
                let path = directory.join(&entry.name)?;
                if entry.kind == FileKind::Directory {
                    shape.add_directory(path.clone());
                    directories.push(path);
                } else {
                    let len = backend.stat(&path).await?.len;
                    shape.add_file(path, len);
                }
                after = Some(entry.name);
            }
            if is_last {
                break;
            }
        }
    }
    Ok(shape)
}

/// The engine and the files that are open, under the paths they have by now.
struct Player<'a> {
    backend: &'a dyn StorageBackend,
    files: BTreeMap<StoragePath, Box<dyn StorageFile>>,
}

impl Player<'_> {
    async fn perform(&mut self, op: &Op, data: &[u8]) -> Result<()> {
        match op {
            Op::Create { path } => {
                let options = OpenOptions::new().read(true).write(true).create_new(true);
                let file = self.backend.open(path, &options).await?;
                self.files.insert(path.clone(), file);
            }
            Op::WriteAt { path, offset, .. } => self.file(path).await?.write_at(*offset, data).await?,
            Op::SetLen { path, len } => self.file(path).await?.set_len(*len).await?,
            Op::SyncFile { path } => self.file(path).await?.sync().await?,
            Op::Replace { path, .. } => {
                self.backend.write(path, data).await?;
                self.files.remove(path);
            }
            Op::CreateDir { path } => self.backend.create_dir(path).await?,
            Op::RemoveFile { path } => {
                self.backend.remove_file(path).await?;
                self.files.remove(path);
            }
            Op::RemoveDir { path } => self.backend.remove_dir(path).await?,
            Op::Rename { from, to } => {
                self.backend.rename(from, to).await?;
                self.files.remove(to);
                self.files = renamed(std::mem::take(&mut self.files).into_iter(), from, to);
            }
            Op::Sync => self.backend.sync().await?,
        }
        Ok(())
    }

    async fn file(&mut self, path: &StoragePath) -> Result<&dyn StorageFile> {
        if !self.files.contains_key(path) {
            let file = self.backend.open(path, &OpenOptions::new().read(true).write(true)).await?;
            self.files.insert(path.clone(), file);
        }
        let file = self.files.get(path).map(|file| &**file);
        file.ok_or_else(|| anystorage_api::Error::new(ErrorKind::NotFound, anystorage_api::Operation::Open).with_path(path))
    }

    /// Closes a file now and then, so that a sync of everything has closed files to cover.
    fn forget_some(&mut self, random: &mut Random) {
        if random.percent(30)
            && let Some(path) = random.one_of(self.files.keys()).cloned()
        {
            self.files.remove(&path);
        }
    }
}
