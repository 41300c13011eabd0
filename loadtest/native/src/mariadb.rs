//! A pool per thread; each connection keeps its prepared statements.

use anyhow::Result;
use mysql_async::prelude::Queryable;
use mysql_async::{Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts};

use crate::{INSERT, Line, NAME, SELECT};

/// As many as the host keeps for each thread.
const CONNECTIONS: usize = 16;

pub(crate) struct Database(Pool);

impl Database {
    pub(crate) fn new(url: &str) -> Result<Self> {
        let limits = PoolConstraints::new(CONNECTIONS, CONNECTIONS).unwrap_or_default();
        // A reset would forget the prepared statements.
        let pool = PoolOpts::default().with_constraints(limits).with_reset_connection(false);
        let options = OptsBuilder::from_opts(Opts::from_url(url)?).pool_opts(pool);
        Ok(Self(Pool::new(options.prefer_socket(false))))
    }

    pub(crate) async fn rows(&self, count: i64) -> Result<Vec<Line>> {
        let mut connection = self.0.get_conn().await?;
        let line = |(id, score, name)| Line { id, score, name };
        Ok(connection.exec_map(format!("{SELECT} ?"), (count,), line).await?)
    }

    pub(crate) async fn insert(&self, id: String) -> Result<()> {
        let mut connection = self.0.get_conn().await?;
        connection.exec_drop(format!("{INSERT} (?, ?, ?)"), (id, 1, NAME)).await?;
        Ok(())
    }
}
