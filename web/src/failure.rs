//! Errors as JavaScript knows them, in words for people who have never heard of an engine.

use anystorage_api::{Error, ErrorKind};
use js_sys::Reflect;
use serde::Serialize;
use wasm_bindgen::JsValue;

/// What JavaScript is given in the place of a `Result`.
pub(crate) type Result<T> = std::result::Result<T, JsValue>;

/// An `Error` with `kind`, a message in plain words, and in `detail` what the engine says.
pub(crate) fn thrown(error: Error) -> JsValue {
    let made = js_sys::Error::new(plain(error.kind()));
    for (name, value) in [("kind", error.kind().code()), ("detail", &error.to_string())] {
        // The object was made here, and takes what it is given.
        let _ = Reflect::set(&made, &name.into(), &value.into());
    }
    made.into()
}

/// Something as an object of JavaScript.
pub(crate) fn object(value: &impl Serialize) -> Result<JsValue> {
    let text = serde_json::to_string(value).map_err(|error| JsValue::from(js_sys::Error::new(&error.to_string())))?;
    js_sys::JSON::parse(&text)
}

/// What has happened, and what can be done.
pub(crate) const fn plain(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "It is not there any more.",
        ErrorKind::AlreadyExists => "There is a file of this name already.",
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => "A folder is in the way.",
        ErrorKind::InvalidPath => "A file cannot have this name: it must not be empty, too long, or contain a slash.",
        ErrorKind::InvalidInput => "That cannot be stored here.",
        ErrorKind::PermissionDenied => {
            "The browser does not let this page store anything. Allow cookies and site data for it, or leave the private window."
        }
        ErrorKind::NoSpace => "The browser gives this page no more space. Delete something, then try again.",
        ErrorKind::Locked => "Another tab has these files open. Close it, then try again.",
        ErrorKind::Disconnected | ErrorKind::Closed => "The connection to the files is gone. Reload the page.",
        ErrorKind::Unsupported => "This browser does not offer it in a page.",
        ErrorKind::Corrupt => "What is stored is damaged: it is not what was written.",
        _ => "The browser could not do it.",
    }
}
