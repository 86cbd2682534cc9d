//! What the browser and the idb crate report.

use anystorage_api::{Error, Operation};
use anystorage_browser_host::exception::Exception;
use wasm_bindgen::JsValue;

/// Why a call on a connection did not work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The connection is gone, and the call may be made again on another one.
    Lost(Exception),
    /// Another connection is no use. The operation is up to the caller.
    Failed(Error),
}

impl From<Exception> for Failure {
    fn from(exception: Exception) -> Self {
        if is_lost(&exception) { Self::Lost(exception) } else { Self::Failed(exception.into_error(Operation::Read)) }
    }
}

impl From<idb::Error> for Failure {
    fn from(error: idb::Error) -> Self {
        exception(error).into()
    }
}

impl From<JsValue> for Failure {
    fn from(thrown: JsValue) -> Self {
        Exception::new(&thrown).into()
    }
}

/// Whether an exception says that the connection is gone. Browsers agree on no name for it: a call on a closed connection throws
/// `InvalidStateError`, what was under way on it ends with `AbortError`, and WebKit and Chromium also have an `UnknownError` for what
/// became of the process or the data behind it.
pub(crate) fn is_lost(exception: &Exception) -> bool {
    match exception.name() {
        "InvalidStateError" | "AbortError" => true,
        "UnknownError" => {
            let said = |words: &str| exception.message().contains(words);
            said("Connection to Indexed Database server lost") || said("in-progress transaction") || said("deleted by request of the user")
        }
        _ => false,
    }
}

/// What was thrown below the idb crate, as far as it keeps it.
pub(crate) fn exception(error: idb::Error) -> Exception {
    use idb::Error as E;
    match error {
        E::DeleteFailed(thrown)
        | E::GetAllFailed(thrown)
        | E::GetAllKeysFailed(thrown)
        | E::GetFailed(thrown)
        | E::IndexedDbDeleteFailed(thrown)
        | E::IndexedDbOpenFailed(thrown)
        | E::KeyRangeCreateFailed(thrown)
        | E::ObjectStoreCreateFailed(thrown)
        | E::ObjectStoreNotFound(thrown)
        | E::RequestErrorNotFound(thrown)
        | E::RequestResultNotFound(thrown)
        | E::TransactionCommitError(thrown)
        | E::TransactionOpenFailed(thrown)
        | E::UpdateFailed(thrown) => Exception::new(&thrown),
        E::DomException(exception) => Exception::new(&exception),
        other => Exception::named("Error", other.to_string()),
    }
}
