use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use anystorage::StorageBackendExt;
use anystorage::{Durability, Error, ErrorKind, Operation, StorageBackend, StoragePath};
use serde_json::json;

use crate::arguments::Put;
use crate::copy::part::{self, Source};
use crate::copy::report::warning_of;
use crate::failure::Failure;
use crate::output::{Format, complain, print, print_json, shown};
use crate::place::Place;

pub(crate) async fn run(options: &Put, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::below_root(&options.url, &options.path)?;
    let mut source = match options.file.as_deref().filter(|file| *file != Path::new("-")) {
        None => HostSource { name: "stdin".to_owned(), reader: Box::new(io::stdin()) },
        Some(file) => {
            let opened = File::open(file).map_err(|error| Failure::host_file("open", file, error))?;
            HostSource { name: format!("{file:?}"), reader: Box::new(opened) }
        }
    };
    let storage = if options.parents { place.open().await? } else { place.open_existing().await? };
    let stored = async {
        if let Some(parent) = place.path.parent() {
            if options.parents {
                storage.create_dir_all(&parent).await?;
            } else {
                refuse_missing(&*storage, &parent, &place.path).await?;
            }
        }
        let bytes = part::store(&*storage, &place.path, &part::part_of(&place.path)?, &mut source, true).await?;
        storage.sync().await?;
        Ok::<u64, Error>(bytes)
    };
    let bytes = stored.await.map_err(|error| Failure::from(error).at(&place.url))?;
    let durability = storage.capabilities().durability;
    storage.close().await?;
    match format {
        Format::Table => {
            warning_of(durability, place.url.as_str()).iter().for_each(|warning| complain(warning));
            print(&format!("{bytes} bytes: {} -> {}\n", shown(&source.name), shown(&place.to_string())))?;
        }
        Format::Json => {
            let durable = durability != Durability::None;
            print_json(&json!({"from": source.name, "to": place.to_string(), "bytes": bytes, "durable": durable}))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Names the directory that is missing, and what creates it.
async fn refuse_missing(storage: &dyn StorageBackend, parent: &StoragePath, path: &StoragePath) -> anystorage::Result<()> {
    match storage.stat(parent).await {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let why = format!("the directory {:?} is missing: -p creates it", parent.as_str());
            Err(Error::new(ErrorKind::NotFound, Operation::Open).with_path(path).with_text(why))
        }
        // Whatever else is wrong with it, storing the file tells.
        _ => Ok(()),
    }
}

struct HostSource {
    name: String,
    reader: Box<dyn Read>,
}

impl Source for HostSource {
    async fn fill(&mut self, buf: &mut [u8]) -> anystorage::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::from_io(error, Operation::Read).with_text(self.name.clone())),
            }
        }
        Ok(filled)
    }
}
