//! Short scripts of actions on the engine, with the durability model told of each.

use anystorage_api::{OpenOptions, StorageBackend, StoragePath};
use anystorage_conformance::durability_model::{Action, DurabilityModel, FileId};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Replace(&'static str, &'static [u8]),
    Create(&'static str),
    WriteAt(&'static str, u64, &'static [u8]),
    SetLen(&'static str, u64),
    SyncFile(&'static str),
    CreateDir(&'static str),
    RemoveFile(&'static str),
    RemoveDir(&'static str),
    Rename(&'static str, &'static str),
    Sync,
}

/// Plays `steps` up to the first that fails, which stays under way in the model.
pub(crate) async fn play(backend: &dyn StorageBackend, model: &mut DurabilityModel, steps: &[Step]) -> anystorage_api::Result<()> {
    for step in steps {
        one(backend, model, *step).await?;
    }
    Ok(())
}

async fn one(backend: &dyn StorageBackend, model: &mut DurabilityModel, step: Step) -> anystorage_api::Result<()> {
    let path = |text: &str| StoragePath::parse(text).unwrap();
    let file = |model: &DurabilityModel, text: &str| -> FileId { model.file_at(&path(text)).unwrap() };
    let writing = OpenOptions::new().write(true);
    let ticket = match step {
        Step::Replace(at, data) => {
            let ticket = model.begin(&Action::Replace { path: &path(at), data }).unwrap();
            backend.write(&path(at), data).await?;
            ticket
        }
        Step::Create(at) => {
            let ticket = model.begin(&Action::Create { path: &path(at) }).unwrap();
            backend.open(&path(at), &writing.create_new(true)).await?;
            ticket
        }
        Step::WriteAt(at, offset, data) => {
            let ticket = model.begin(&Action::WriteAt { file: file(model, at), offset, data }).unwrap();
            backend.open(&path(at), &writing).await?.write_at(offset, data).await?;
            ticket
        }
        Step::SetLen(at, len) => {
            let ticket = model.begin(&Action::SetLen { file: file(model, at), len }).unwrap();
            backend.open(&path(at), &writing).await?.set_len(len).await?;
            ticket
        }
        Step::SyncFile(at) => {
            let ticket = model.begin(&Action::SyncFile { file: file(model, at) }).unwrap();
            backend.open(&path(at), &writing).await?.sync().await?;
            ticket
        }
        Step::CreateDir(at) => {
            let ticket = model.begin(&Action::CreateDir { path: &path(at) }).unwrap();
            backend.create_dir(&path(at)).await?;
            ticket
        }
        Step::RemoveFile(at) => {
            let ticket = model.begin(&Action::RemoveFile { path: &path(at) }).unwrap();
            backend.remove_file(&path(at)).await?;
            ticket
        }
        Step::RemoveDir(at) => {
            let ticket = model.begin(&Action::RemoveDir { path: &path(at) }).unwrap();
            backend.remove_dir(&path(at)).await?;
            ticket
        }
        Step::Rename(from, to) => {
            let ticket = model.begin(&Action::Rename { from: &path(from), to: &path(to) }).unwrap();
            backend.rename(&path(from), &path(to)).await?;
            ticket
        }
        Step::Sync => {
            let ticket = model.begin(&Action::Sync).unwrap();
            backend.sync().await?;
            ticket
        }
    };
    model.returned(ticket);
    Ok(())
}
