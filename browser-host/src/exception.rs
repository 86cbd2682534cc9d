//! What JavaScript throws, as values of Rust.

use std::fmt;

use anystorage_api::{Error, ErrorKind, Operation};
use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// What was thrown: the name and the message of a `DOMException`, an `Error`, or anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    name: String,
    message: String,
}

impl Exception {
    /// From what was thrown or rejected.
    #[must_use]
    pub fn new(thrown: &JsValue) -> Self {
        let field = |name: &str| Reflect::get(thrown, &JsValue::from_str(name)).ok().and_then(|value| value.as_string());
        match (field("name"), field("message")) {
            (Some(name), message) => Self { name, message: message.unwrap_or_default() },
            (None, _) => Self { name: "Error".to_owned(), message: thrown.as_string().unwrap_or_else(|| format!("{thrown:?}")) },
        }
    }

    /// From a name and a message that a library kept of it.
    #[must_use]
    pub fn named(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), message: message.into() }
    }

    /// The name, as `NotFoundError`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The message, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The kind that fits the name best, wherever it comes from. What a name means in one call alone, its caller knows better.
    ///
    /// The names are those of [Web IDL](https://webidl.spec.whatwg.org/#idl-DOMException-error-names).
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.name.as_str() {
            "NotFoundError" => ErrorKind::NotFound,
            // The second is Firefox's own: it throws it for a file that there is no room to lengthen.
            "QuotaExceededError" | "NS_ERROR_FILE_NO_DEVICE_SPACE" => ErrorKind::NoSpace,
            "NoModificationAllowedError" => ErrorKind::Locked,
            "SecurityError" | "NotAllowedError" => ErrorKind::PermissionDenied,
            "NotSupportedError" => ErrorKind::Unsupported,
            _ => ErrorKind::Io,
        }
    }

    /// As an error of an operation, with the [kind](Self::kind) that fits.
    #[must_use]
    pub fn into_error(self, operation: Operation) -> Error {
        Error::new(self.kind(), operation).with_cause(self)
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => f.write_str(&self.name),
            message => write!(f, "{}: {message}", self.name),
        }
    }
}

impl std::error::Error for Exception {}

/// What was thrown, as an error of an operation: for `map_err`.
pub fn thrown(operation: Operation) -> impl Fn(JsValue) -> Error {
    move |value| Exception::new(&value).into_error(operation)
}
