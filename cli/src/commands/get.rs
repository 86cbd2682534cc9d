use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::arguments::Get;
use crate::commands::cat::pour;
use crate::copy::part::part_name;
use crate::failure::Failure;
use crate::output::{Format, print, print_json, shown};
use crate::place::Place;

pub(crate) async fn run(options: &Get, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::below_root(&options.url, &options.path)?;
    let storage = place.open_for_reading().await?;
    let at_place = |failure: Failure| failure.at(&place.url);
    let Some(file) = options.file.as_deref().filter(|file| *file != Path::new("-")) else {
        // stdout carries the bytes alone.
        let mut out = io::stdout().lock();
        pour(&*storage, &place.path, |chunk| out.write_all(chunk).map_err(Failure::stdout)).await.map_err(at_place)?;
        out.flush().map_err(Failure::stdout)?;
        return Ok(ExitCode::SUCCESS);
    };
    let failed = |error| Failure::host_file("write", file, error);
    let bytes = if fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        // A directory refuses, a pipe or a device takes the bytes; neither can be replaced.
        let mut sink = fs::OpenOptions::new().write(true).open(file).map_err(failed)?;
        pour(&*storage, &place.path, |chunk| sink.write_all(chunk).map_err(failed)).await.map_err(at_place)?
    } else {
        // Through a link, what it leads to is replaced, and not the link.
        let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let mut part = Part::beside(&file).map_err(failed)?;
        let bytes = pour(&*storage, &place.path, |chunk| part.file.write_all(chunk).map_err(failed)).await.map_err(at_place)?;
        part.replace(&file).map_err(failed)?;
        bytes
    };
    match format {
        Format::Table => print(&format!("{bytes} bytes: {} -> {}\n", shown(&place.to_string()), shown(&file.to_string_lossy())))?,
        Format::Json => print_json(&json!({"from": place.to_string(), "to": file.to_string_lossy(), "bytes": bytes}))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A new file beside the one to write, which takes its place in the last step. Dropped before that, it is removed.
struct Part {
    file: File,
    path: PathBuf,
    in_place: bool,
}

impl Part {
    /// Its name follows from that of `target`, so that what a killed run left is replaced by the next; with the permissions of `target`,
    /// or those of any new file.
    fn beside(target: &Path) -> io::Result<Self> {
        let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if fs::metadata(directory).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("the directory {directory:?} is missing")));
        }
        let name = target.file_name().unwrap_or_default();
        let path = directory.join(part_name(".anystorage-get-", name.as_encoded_bytes()));
        let left = remove_left(&path)?;
        // Whoever may write there could have made a link of that name: what is there is never opened for writing.
        let file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        drop(left);
        let part = Self { file, path, in_place: false };
        part.file.try_lock()?;
        if let Ok(existing) = fs::metadata(target) {
            part.file.set_permissions(existing.permissions())?;
        }
        Ok(part)
    }

    fn replace(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.in_place = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.in_place {
            // The error that matters is the one that it is dropped for.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes what a killed run left under this name, unless the run is alive and holds its lock. Gives the lock, if there was a file.
fn remove_left(path: &Path) -> io::Result<Option<File>> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let left = if found.is_file() { File::open(path).ok() } else { None };
    if let Some(left) = &left
        && let Err(TryLockError::WouldBlock) = left.try_lock()
    {
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another get is writing the same file"));
    }
    fs::remove_file(path)?;
    Ok(left)
}
