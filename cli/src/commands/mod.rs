//! One file per subcommand.

pub(crate) mod cat;
pub(crate) mod conformance;
pub(crate) mod cp;
pub(crate) mod get;
pub(crate) mod info;
pub(crate) mod ls;
pub(crate) mod put;
pub(crate) mod rm;
pub(crate) mod stat;
