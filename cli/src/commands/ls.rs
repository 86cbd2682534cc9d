use std::process::ExitCode;

use anystorage::{DirEntry, Error, FileKind, Metadata, StorageBackend, StoragePath};
use serde::Serialize;

use crate::arguments::Ls;
use crate::commands::stat::rfc3339;
use crate::copy::PAGE;
use crate::failure::Failure;
use crate::output::{Format, print, shown, table};
use crate::place::Place;

pub(crate) async fn run(options: &Ls, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::of(&options.url, options.path.as_deref())?;
    let storage = place.open_for_reading().await?;
    let mut listing = Listing { storage: &*storage, place: &place, format, printed: 0, failed: false };
    listing.run(options.recursive).await.map_err(|failure| failure.at(&place.url))?;
    Ok(if listing.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[derive(Serialize)]
struct Row {
    path: String,
    kind: &'static str,
    /// None where it is not a file.
    len: Option<u64>,
    modified: Option<String>,
    /// False for a name that is not UTF-8; `path` is then a replacement.
    addressable: bool,
    /// Why a directory is not listed, or not to its end: a row of its own.
    error: Option<Why>,
}

#[derive(Serialize)]
struct Why {
    kind: &'static str,
    message: String,
}

/// Prints page by page, so that a directory of any size needs little memory.
struct Listing<'a> {
    storage: &'a dyn StorageBackend,
    place: &'a Place,
    format: Format,
    printed: usize,
    /// Whether a directory could not be listed.
    failed: bool,
}

impl Listing<'_> {
    async fn run(&mut self, recursive: bool) -> Result<(), Failure> {
        let mut directories = vec![self.place.path.clone()];
        while let Some(directory) = directories.pop() {
            let mut below = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let page = match self.storage.list(&directory, after.as_deref(), PAGE).await {
                    Ok(page) => page,
                    // Nothing can be shown of what was asked for.
                    Err(error) if after.is_none() && directory == self.place.path => return Err(error.into()),
                    Err(error) => {
                        self.not_listed(&directory, error)?;
                        break;
                    }
                };
                let mut rows = Vec::with_capacity(page.len());
                for entry in &page {
                    rows.push(self.row(&directory, entry).await?);
                    if recursive && entry.kind == FileKind::Directory && entry.addressable {
                        below.push(directory.join(&entry.name)?);
                    }
                }
                self.print(&rows)?;
                if page.len() < PAGE {
                    break;
                }
                after = page.into_iter().next_back().map(|entry| entry.name);
            }
            directories.extend(below.into_iter().rev());
        }
        if self.format == Format::Json {
            print(if self.printed == 0 { "[]\n" } else { "\n]\n" })?;
        }
        Ok(())
    }

    /// A directory may have gone, or not be for this user: the others are listed all the same.
    fn not_listed(&mut self, directory: &StoragePath, error: Error) -> Result<(), Failure> {
        self.failed = true;
        let why = Why { kind: error.kind().code(), message: error.to_string() };
        if self.format == Format::Json {
            let kind = FileKind::Directory.as_str();
            let path = directory.to_string();
            self.print(&[Row { path, kind, len: None, modified: None, addressable: true, error: Some(why) }])?;
        }
        // The exit code is told at the end.
        let _ = Failure::from(error).at(&self.place.url).report(self.format);
        Ok(())
    }

    async fn row(&self, directory: &StoragePath, entry: &DirEntry) -> Result<Row, Failure> {
        let shown_path = if directory.is_root() { entry.name.clone() } else { format!("{directory}/{}", entry.name) };
        let (kind, addressable) = (entry.kind.as_str(), entry.addressable);
        let mut row = Row { path: shown_path, kind, len: None, modified: None, addressable, error: None };
        // A link's own length and time cannot be asked for, only those of what it leads to.
        if entry.addressable && matches!(entry.kind, FileKind::File | FileKind::Directory) {
            match self.storage.stat(&directory.join(&entry.name)?).await {
                Ok(Metadata { kind, len, modified, .. }) => {
                    row.len = (kind == FileKind::File).then_some(len);
                    row.modified = modified.map(rfc3339);
                }
                // It went away, or may not be looked at: the name is all there is to show.
                Err(error) => log::warn!("{error}"),
            }
        }
        Ok(row)
    }

    fn print(&mut self, rows: &[Row]) -> Result<(), Failure> {
        match self.format {
            Format::Table => {
                let cells: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
                print(&table(&cells, &[1]))?;
            }
            Format::Json => {
                for (index, row) in rows.iter().enumerate() {
                    print(if self.printed + index == 0 { "[\n" } else { ",\n" })?;
                    print(&serde_json::to_string(row).map_err(|error| Failure::stdout(error.into()))?)?;
                }
            }
        }
        self.printed += rows.len();
        Ok(())
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let mark = if self.addressable { "" } else { "   (the name is not UTF-8)" };
        vec![
            self.kind.to_owned(),
            self.len.map_or_else(|| "-".to_owned(), |len| len.to_string()),
            self.modified.clone().unwrap_or_else(|| "-".to_owned()),
            format!("{}{mark}", shown(&self.path)),
        ]
    }
}
