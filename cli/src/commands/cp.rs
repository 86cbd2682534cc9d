use std::process::ExitCode;

use anystorage::StorageBackendExt;
use anystorage::{Durability, Error, ErrorKind, Operation};

use crate::arguments::Cp;
use crate::copy::overlap::{is_same_store, refuse_overlap};
use crate::copy::progress::Progress;
use crate::copy::report::{CopyReport, warning_of};
use crate::copy::tree;
use crate::failure::Failure;
use crate::output::{Format, complain, print, print_json, unless_nobody_reads};
use crate::place::Place;

pub(crate) async fn run(options: &Cp, format: Format) -> Result<ExitCode, Failure> {
    let from = Place::parse(&options.src)?;
    let mut to = Place::parse(&options.dst)?;
    let source = from.open_for_reading().await?;
    let found = source.stat(&from.path).await.map_err(|error| Failure::from(error).at(&from.url))?;
    if found.is_dir() {
        // Before the destination is opened, so that a refused copy has not even locked it.
        refuse_overlap(&from, &to)?;
    }
    // A store is opened once, for both ends.
    let other = if is_same_store(&from.url, &to.url) { None } else { Some(to.open().await?) };
    let destination = other.as_ref().unwrap_or(&source);
    if !found.is_dir() {
        let into = destination.is_dir(&to.path).await.map_err(|error| Failure::from(error).at(&to.url))?;
        if let (true, Some(name)) = (into, from.path.file_name()) {
            to.path = to.path.join(name)?;
        }
        refuse_overlap(&from, &to)?;
    }
    if to.url.is_read_only() {
        let error = Error::new(ErrorKind::PermissionDenied, Operation::Copy).with_text("the destination is opened for reading alone");
        return Err(Failure::from(error).at(&to.url));
    }
    let durability = destination.capabilities().durability;
    let durable = durability != Durability::None;
    let mut report = CopyReport { from: from.to_string(), to: to.to_string(), durable, ..CopyReport::default() };
    let mut progress = Progress::of(&*source, &from.path).await;
    tree::copy(&*source, &from.path, &**destination, &to.path, &mut progress, &mut report).await;
    let closed = destination.close().await;
    unless_nobody_reads(match format {
        Format::Table => {
            report.complaints().iter().for_each(|complaint| complain(complaint));
            warning_of(durability, to.url.as_str()).iter().for_each(|warning| complain(warning));
            print(&format!("{}\n", report.summary()))
        }
        Format::Json => print_json(&report),
    })?;
    closed?;
    let nothing_missing = report.left_out.is_empty() || !options.strict;
    Ok(if report.complete && report.failed.is_empty() && nothing_missing { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
