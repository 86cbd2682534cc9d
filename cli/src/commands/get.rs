use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::arguments::Get;
use crate::commands::cat::pour;
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
        let mut sink = sibling(&file).map_err(failed)?;
        let bytes = pour(&*storage, &place.path, |chunk| sink.write_all(chunk).map_err(failed)).await.map_err(at_place)?;
        sink.as_file().sync_all().map_err(failed)?;
        sink.persist(&file).map_err(|error| failed(error.error))?;
        bytes
    };
    match format {
        Format::Table => print(&format!("{bytes} bytes: {} -> {}\n", shown(&place.to_string()), shown(&file.to_string_lossy())))?,
        Format::Json => print_json(&json!({"from": place.to_string(), "to": file.to_string_lossy(), "bytes": bytes}))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A temporary file beside `file`, so that the last step is a rename; with the permissions of `file`, or those of any new file.
fn sibling(file: &Path) -> io::Result<tempfile::NamedTempFile> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".anystorage-get-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let created = builder.tempfile_in(directory)?;
    if let Ok(existing) = fs::metadata(file) {
        created.as_file().set_permissions(existing.permissions())?;
    }
    Ok(created)
}
