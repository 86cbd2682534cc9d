//! (filled by this change set)
