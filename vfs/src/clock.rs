//! The time of day, natively and in browsers.

use anystorage_api::Timestamp;
use web_time::{SystemTime, UNIX_EPOCH};

/// Now.
pub(crate) fn now() -> Timestamp {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp::new(since.as_secs().try_into().unwrap_or(i64::MAX), since.subsec_nanos()),
        Err(_) => Timestamp::new(0, 0),
    }
}
