//! The rules, without HTTP, SQL or a clock.

pub(crate) mod aspect;
pub(crate) mod hospital;
pub(crate) mod import;
pub(crate) mod moderation;
pub(crate) mod pseudonym;
pub(crate) mod publication;
pub(crate) mod rating;
pub(crate) mod review;
pub(crate) mod statement;
