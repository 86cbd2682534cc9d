use std::process::ExitCode;

use anystorage::{DirEntry, FileKind, Metadata, StorageBackend, StoragePath};
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
    let mut listing = Listing { storage: &*storage, format, printed: 0 };
    listing.run(&place.path, options.recursive).await.map_err(|failure| failure.at(&place.url))?;
    Ok(ExitCode::SUCCESS)
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
}

/// Prints page by page, so that a directory of any size needs little memory.
struct Listing<'a> {
    storage: &'a dyn StorageBackend,
    format: Format,
    printed: usize,
}

impl Listing<'_> {
    async fn run(&mut self, directory: &StoragePath, recursive: bool) -> Result<(), Failure> {
        let mut directories = vec![directory.clone()];
        while let Some(directory) = directories.pop() {
            let mut below = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let page = self.storage.list(&directory, after.as_deref(), PAGE).await?;
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

    async fn row(&self, directory: &StoragePath, entry: &DirEntry) -> Result<Row, Failure> {
        let shown_path = if directory.is_root() { entry.name.clone() } else { format!("{directory}/{}", entry.name) };
        let mut row = Row { path: shown_path, kind: entry.kind.as_str(), len: None, modified: None, addressable: entry.addressable };
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
