//! Short scripts of actions on an engine, with a [`DurabilityModel`] told of each: for cutting one protocol at every operation.

use anystorage_api::{Error, ErrorKind, OpenOptions, Operation, Result, StorageBackend, StoragePath};

use crate::durability_model::{Action, DurabilityModel, FileId, Refused};

/// One action. Paths are relative to the root of the location.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// `StorageBackend::write`.
    Replace(&'static str, &'static [u8]),
    /// Opens a file that is not there yet.
    Create(&'static str),
    /// `StorageFile::write_at`, through a handle of its own.
    WriteAt(&'static str, u64, &'static [u8]),
    /// `StorageFile::set_len`, through a handle of its own.
    SetLen(&'static str, u64),
    /// `StorageFile::sync`, through a handle of its own.
    SyncFile(&'static str),
    /// `StorageBackend::create_dir`.
    CreateDir(&'static str),
    /// `StorageBackend::remove_file`.
    RemoveFile(&'static str),
    /// `StorageBackend::remove_dir`.
    RemoveDir(&'static str),
    /// `StorageBackend::rename`.
    Rename(&'static str, &'static str),
    /// `StorageBackend::sync`.
    Sync,
}

/// Plays `steps` up to the first that fails, which stays under way in the model.
///
/// # Errors
/// What the engine answers; [`ErrorKind::InvalidInput`] for a step that every engine has to refuse.
pub async fn play(backend: &dyn StorageBackend, model: &mut DurabilityModel, steps: &[Step]) -> Result<()> {
    for step in steps {
        one(backend, model, *step).await?;
    }
    Ok(())
}

async fn one(backend: &dyn StorageBackend, model: &mut DurabilityModel, step: Step) -> Result<()> {
    let path = StoragePath::parse;
    let writing = OpenOptions::new().write(true);
    let ticket = match step {
        Step::Replace(at, data) => {
            let path = path(at)?;
            let ticket = model.begin(&Action::Replace { path: &path, data }).map_err(refused)?;
            backend.write(&path, data).await?;
            ticket
        }
        Step::Create(at) => {
            let path = path(at)?;
            let ticket = model.begin(&Action::Create { path: &path }).map_err(refused)?;
            backend.open(&path, &writing.create_new(true)).await?;
            ticket
        }
        Step::WriteAt(at, offset, data) => {
            let ticket = model.begin(&Action::WriteAt { file: file(model, at)?, offset, data }).map_err(refused)?;
            backend.open(&path(at)?, &writing).await?.write_at(offset, data).await?;
            ticket
        }
        Step::SetLen(at, len) => {
            let ticket = model.begin(&Action::SetLen { file: file(model, at)?, len }).map_err(refused)?;
            backend.open(&path(at)?, &writing).await?.set_len(len).await?;
            ticket
        }
        Step::SyncFile(at) => {
            let ticket = model.begin(&Action::SyncFile { file: file(model, at)? }).map_err(refused)?;
            backend.open(&path(at)?, &writing).await?.sync().await?;
            ticket
        }
        Step::CreateDir(at) => {
            let path = path(at)?;
            let ticket = model.begin(&Action::CreateDir { path: &path }).map_err(refused)?;
            backend.create_dir(&path).await?;
            ticket
        }
        Step::RemoveFile(at) => {
            let path = path(at)?;
            let ticket = model.begin(&Action::RemoveFile { path: &path }).map_err(refused)?;
            backend.remove_file(&path).await?;
            ticket
        }
        Step::RemoveDir(at) => {
            let path = path(at)?;
            let ticket = model.begin(&Action::RemoveDir { path: &path }).map_err(refused)?;
            backend.remove_dir(&path).await?;
            ticket
        }
        Step::Rename(from, to) => {
            let (from, to) = (path(from)?, path(to)?);
            let ticket = model.begin(&Action::Rename { from: &from, to: &to }).map_err(refused)?;
            backend.rename(&from, &to).await?;
            ticket
        }
        Step::Sync => {
            let ticket = model.begin(&Action::Sync).map_err(refused)?;
            backend.sync().await?;
            ticket
        }
    };
    model.returned(ticket);
    Ok(())
}

fn file(model: &DurabilityModel, at: &str) -> Result<FileId> {
    let path = StoragePath::parse(at)?;
    model.file_at(&path).ok_or_else(|| Error::new(ErrorKind::NotFound, Operation::Open).with_path(&path))
}

fn refused(refused: Refused) -> Error {
    Error::new(ErrorKind::InvalidInput, Operation::Open).with_cause(refused)
}
