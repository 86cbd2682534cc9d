//! What is refused for want of space, by whatever name.

use crate::exception::Exception;
use crate::global::estimate;

/// In bytes, what the databases of a browser may need for a name or a commit: where less is left, that is why they refused.
const ROOM: u64 = 1 << 20;

/// Why something was refused. Where there is no room, Firefox may call the failure unknown: what it tells of its space decides then.
pub async fn refined(exception: Exception) -> Exception {
    if exception.name() != "UnknownError" {
        return exception;
    }
    let Some(free) = estimate().await.ok().and_then(|usage| usage.free) else { return exception };
    let message = format!("{} ({free} bytes of the origin's quota are left)", exception.message());
    Exception::named(if free < ROOM { "QuotaExceededError" } else { exception.name() }, message)
}
