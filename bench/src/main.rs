//! (filled by this change set)
fn main() {}
