//! The rules, without HTTP, SQL or a clock.

pub(crate) mod aspect;
pub(crate) mod hospital;
pub(crate) mod import;
pub(crate) mod rating;
pub(crate) mod review;
