//! From where the script was loaded that wasm-bindgen made for this module.

use anystorage_browser_host::global::member;

/// Its URL, as far as it can be known: the first script in the trace of an error that it makes.
pub(super) fn url() -> Option<String> {
    let stack = member(&js_sys::Error::new("where am I").into(), "stack").as_string()?;
    stack.lines().find_map(of_line)
}

/// The URL in a line of a trace: `at NAME (URL:LINE:COLUMN)` or `NAME@URL:LINE:COLUMN`.
fn of_line(line: &str) -> Option<String> {
    let begin = line.find("://").map(|at| line.get(..at).unwrap_or_default())?;
    let from = begin.rfind(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).map_or(0, |at| at + 1);
    let from = if begin.ends_with("blob:http") || begin.ends_with("blob:https") { begin.rfind("blob:")? } else { from };
    let url = line.get(from..)?.trim_end().trim_end_matches(')');
    let (url, _column) = url.rsplit_once(':')?;
    let (url, number) = url.rsplit_once(':')?;
    (number.parse::<u32>().is_ok() && !url.ends_with(".wasm")).then(|| url.to_owned())
}
