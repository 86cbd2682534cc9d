use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use anystorage::StorageBackendExt;
use anystorage::{Error, Operation};
use serde_json::json;

use crate::arguments::Put;
use crate::copy::part::{self, Source};
use crate::failure::Failure;
use crate::output::{Format, print, print_json, shown};
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
        if options.parents
            && let Some(parent) = place.path.parent()
        {
            storage.create_dir_all(&parent).await?;
        }
        let bytes = part::store(&*storage, &place.path, &part::part_of(&place.path, 0)?, &mut source, true).await?;
        storage.sync().await?;
        Ok::<u64, Error>(bytes)
    };
    let bytes = stored.await.map_err(|error| Failure::from(error).at(&place.url))?;
    storage.close().await?;
    match format {
        Format::Table => print(&format!("{bytes} bytes: {} -> {}\n", shown(&source.name), shown(&place.to_string())))?,
        Format::Json => print_json(&json!({"from": source.name, "to": place.to_string(), "bytes": bytes}))?,
    }
    Ok(ExitCode::SUCCESS)
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
