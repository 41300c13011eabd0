//! MySQL and MariaDB servers, through `mysql_async`: `imports/mysql.rs` is what components see.

mod address;
mod session;
mod statement;
pub(crate) mod values;

pub(crate) use address::Address;
pub(crate) use session::{Failure, MysqlSession, Rows};
