//! Stores that panic over damaged bytes: the panic ends here, and becomes an error.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anystorage_api::{Error, ErrorKind, Operation, Result};

/// Runs a call into `store`, and turns a panic in it into [`Corrupt`](ErrorKind::Corrupt), with what the panic said.
///
/// What the call left behind in memory is unknown: after such an error the store must not be asked again until it is opened anew, which
/// is the caller's to see to. In programs built with `panic = "abort"` nothing can be caught.
pub fn caught<T>(store: &str, operation: Operation, call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panicked(store, operation, &*panic)))
}

fn panicked(store: &str, operation: Operation, panic: &(dyn Any + Send)) -> Error {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    told(store, operation, said.unwrap_or("it did not say why"))
}

/// The error for a panic in `store` that was not caught, but of which it is known what it said.
#[must_use]
pub fn told(store: &str, operation: Operation, said: &str) -> Error {
    let text = format!("{store} met bytes that it cannot have written, and gave up: {said}. Open the location again, or restore a backup");
    Error::new(ErrorKind::Corrupt, operation).with_text(text)
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_what_the_panic_said() {
        let error = caught("sled", Operation::Read, || -> Result<()> { panic!("page {} is odd", 7) }).unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Corrupt, Operation::Read));
        assert!(error.to_string().contains("sled") && error.to_string().contains("page 7 is odd"), "{error}");
        let error = caught("sled", Operation::Read, || -> Result<()> { panic!("short") }).unwrap_err();
        assert!(error.to_string().contains("short"), "{error}");
        let error = caught("sled", Operation::Read, || -> Result<()> { std::panic::panic_any(7) }).unwrap_err();
        assert!(error.to_string().contains("did not say"), "{error}");
    }

    #[test]
    fn what_does_not_panic_passes_through() {
        assert_eq!(caught("sled", Operation::Read, || Ok(7)).unwrap(), 7);
        let error = caught("sled", Operation::Read, || Err::<(), _>(Error::new(ErrorKind::Io, Operation::Sync))).unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Io, Operation::Sync));
    }
}
