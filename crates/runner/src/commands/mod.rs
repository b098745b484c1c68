//! The commands, a file each.

pub(crate) mod backends;
pub(crate) mod checks;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod data;
pub(crate) mod evaluate;
pub(crate) mod losses;
pub(crate) mod manual;
pub(crate) mod mistakes;
pub(crate) mod pictures;
pub(crate) mod predict;
pub(crate) mod report;
pub(crate) mod reproduce;
pub(crate) mod schema;
pub(crate) mod train;
pub(crate) mod trial;
pub(crate) mod tune;
