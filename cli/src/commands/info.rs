use std::path::Path;
use std::process::ExitCode;

use anystorage::{Capabilities, OpenReport, StorageConfig, Usage};
use serde_json::{Value, json};

use crate::arguments::Info;
use crate::failure::Failure;
use crate::output::{Format, print, print_json, shown, table};
use crate::place::Place;

pub(crate) async fn run(options: &Info, format: Format) -> Result<ExitCode, Failure> {
    // A URL is opened for reading alone; what is shown is the one that was asked for.
    let (storage, asked) = match (&options.url, &options.config) {
        (Some(url), _) => {
            let place = Place::of(url, None)?;
            (place.open_for_reading().await?, Some(place.url))
        }
        (None, Some(file)) => (read_config(file)?.open_inline().await?, None),
        (None, None) => return Err(Failure::Configuration("name a URL, or a file with --config".to_owned())),
    };
    let usage = if storage.capabilities().usage { Some(storage.usage().await?) } else { None };
    let mut report = storage.report().clone();
    if let Some(asked) = asked {
        report.opened = asked;
    }
    match format {
        Format::Table => print(&as_table(&report, &storage.capabilities(), usage))?,
        Format::Json => {
            print_json(&json!({
                "report": report,
                "capabilities": flags(&storage.capabilities()).into_iter().collect::<serde_json::Map<_, _>>(),
                "usage": usage.map(|usage| json!({"used": usage.used, "quota": usage.quota, "free": usage.free})),
            }))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read_config(file: &Path) -> Result<StorageConfig, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::host_file("read", file, error))?;
    toml::from_str(&text).map_err(|error| Failure::Configuration(format!("{file:?}: {error}")))
}

fn as_table(report: &OpenReport, capabilities: &Capabilities, usage: Option<Usage>) -> String {
    let bytes = |count: Option<u64>| count.map_or_else(|| "not known".to_owned(), |count| format!("{count} bytes"));
    let mut rows = vec![
        vec!["open".to_owned(), shown(report.opened.as_str())],
        vec!["engine".to_owned(), report.engine.to_owned()],
        vec!["why".to_owned(), report.why.clone()],
    ];
    rows.extend(report.tried.iter().map(|attempt| vec!["passed over".to_owned(), shown(&attempt.to_string())]));
    for (name, value) in flags(capabilities) {
        let value = match value {
            Value::Bool(offered) => if offered { "yes" } else { "no" }.to_owned(),
            Value::String(text) => text,
            other => format!("{other} bytes"),
        };
        rows.push(vec![name.replace('_', " "), value]);
    }
    if let Some(usage) = usage {
        rows.push(vec!["used".to_owned(), bytes(usage.used)]);
        rows.push(vec!["quota".to_owned(), bytes(usage.quota)]);
        rows.push(vec!["free".to_owned(), bytes(usage.free)]);
    }
    table(&rows, &[])
}

/// What the engine offers, by name.
fn flags(known: &Capabilities) -> Vec<(String, Value)> {
    [
        ("durability", json!(known.durability.as_str())),
        ("atomic_sync", json!(known.atomic_sync)),
        ("atomic_rename_file", json!(known.atomic_rename_file)),
        ("atomic_rename_dir", json!(known.atomic_rename_dir)),
        ("immediate", json!(known.immediate)),
        ("shared", json!(known.shared)),
        ("real_names", json!(known.real_names)),
        ("checksums", json!(known.checksums)),
        ("attributes", json!(known.attributes)),
        ("usage", json!(known.usage)),
        ("max_name_len", json!(known.max_name_len)),
        ("max_file_len", json!(known.max_file_len)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
