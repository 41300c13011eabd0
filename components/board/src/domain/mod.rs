//! The board's rules: no HTTP, no SQL, no clock.

pub(crate) mod comment;
pub(crate) mod id;
pub(crate) mod label;
pub(crate) mod markdown;
pub(crate) mod post;

pub(crate) use comment::Comment;
pub(crate) use id::Id;
pub(crate) use markdown::Rendered;
pub(crate) use post::{Category, Post, Thread};
