use std::process::ExitCode;

use anystorage::{FileKind, StorageBackendExt};
use serde_json::json;

use crate::arguments::Rm;
use crate::failure::Failure;
use crate::output::{Format, print, print_json, shown};
use crate::place::Place;

pub(crate) async fn run(options: &Rm, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::below_root(&options.url, &options.path)?;
    let storage = place.open_existing().await?;
    let removed = async {
        // A link is removed itself, so what counts is the entry, and not what it leads to.
        let is_directory = matches!(storage.entry(&place.path).await, Ok(Some(entry)) if entry.kind == FileKind::Directory);
        if options.recursive && is_directory {
            storage.remove_dir_all(&place.path).await?;
        } else {
            storage.remove_file(&place.path).await?;
        }
        storage.sync().await
    };
    removed.await.map_err(|error| Failure::from(error).at(&place.url))?;
    storage.close().await?;
    match format {
        Format::Table => print(&format!("removed {}\n", shown(&place.to_string())))?,
        Format::Json => print_json(&json!({"removed": place.path.as_str(), "url": place.url}))?,
    }
    Ok(ExitCode::SUCCESS)
}
