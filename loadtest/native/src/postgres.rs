//! One connection per thread, on which statements follow each other without waiting for answers.

use anyhow::Result;
use tokio::net::TcpStream;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::{INSERT, Line, NAME, SELECT};

pub(crate) struct Database {
    client: Client,
    select: Statement,
    insert: Statement,
}

impl Database {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let config: Config = url.parse()?;
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.as_str(),
            _ => "127.0.0.1",
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let (client, connection) = config.connect_raw(stream, NoTls).await?;
        tokio::spawn(connection);
        let select = client.prepare(&format!("{SELECT} $1")).await?;
        let insert = client.prepare(&format!("{INSERT} ($1, $2, $3)")).await?;
        Ok(Self { client, select, insert })
    }

    pub(crate) async fn rows(&self, count: i64) -> Result<Vec<Line>> {
        let rows = self.client.query(&self.select, &[&count]).await?;
        let line = |row: &tokio_postgres::Row| {
            Ok(Line { id: row.try_get(0)?, score: row.try_get(1)?, name: row.try_get(2)? })
        };
        rows.iter().map(line).collect()
    }

    pub(crate) async fn insert(&self, id: String) -> Result<()> {
        self.client.execute(&self.insert, &[&id, &1_i64, &NAME]).await?;
        Ok(())
    }
}
