//! `spin:key-value@3.0.0` in an SQLite file, with Spin's own table, so that a
//! store made by Spin is read here.

use std::sync::Arc;

use rusqlite::types::Value as Parameter;
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::wit::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::database::{self, Database, Row};
use crate::guest::Guest;

/// The table, made on each new connection.
pub(crate) const SCHEMA: &str = "create table if not exists spin_key_value (
    store text not null, key text not null, value blob not null, primary key (store, key))";

const GET: &str = "select value from spin_key_value where store = ?1 and key = ?2";
const SET: &str = "insert into spin_key_value (store, key, value) values (?1, ?2, ?3)
    on conflict (store, key) do update set value = excluded.value";
const DELETE: &str = "delete from spin_key_value where store = ?1 and key = ?2";
const EXISTS: &str = "select '' from spin_key_value where store = ?1 and key = ?2";
const KEYS: &str = "select key from spin_key_value where store = ?1 order by key";

/// A store that a guest opened.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct OpenStore {
    name: Arc<str>,
    database: Arc<Database>,
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;
type Guests = Accessor<Guest, HasSelf<Guest>>;

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        Self::Other(error.0)
    }
}

/// The one column of every query here.
struct Bytes(Vec<u8>);

impl Row for Bytes {
    type Cell = Vec<u8>;
    fn integer(value: i64) -> Vec<u8> {
        value.to_string().into_bytes()
    }
    fn real(value: f64) -> Vec<u8> {
        value.to_string().into_bytes()
    }
    fn text(value: String) -> Vec<u8> {
        value.into_bytes()
    }
    fn blob(value: Vec<u8>) -> Vec<u8> {
        value
    }
    fn null() -> Vec<u8> {
        Vec::new()
    }
    fn new(cells: Vec<Vec<u8>>) -> Self {
        Self(cells.into_iter().next().unwrap_or_default())
    }
}

/// Runs `sql` with the store's name as its first parameter.
async fn run(
    accessor: &Guests,
    store: Resource<OpenStore>,
    sql: &str,
    more: Vec<Parameter>,
) -> Answer<Vec<Bytes>> {
    let (store, limit) = accessor.with(|mut access| {
        let guest = access.get();
        wasmtime::error::Ok((
            guest.table.get(&store)?.clone(),
            guest.component.limits.sqlite_result_bytes,
        ))
    })?;
    let mut parameters = vec![Parameter::Text(store.name.to_string())];
    parameters.extend(more);
    let found = async { store.database.lease().await?.execute(sql, parameters, limit).await };
    Ok(found.await.map(|found| found.rows).map_err(Error::from))
}

impl Host for Guest {}

impl HostStore for Guest {
    fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl HostStoreWithStore<Guest> for HasSelf<Guest> {
    async fn open(accessor: &Guests, label: String) -> Answer<Resource<OpenStore>> {
        accessor.with(|mut access| {
            let guest = access.get();
            let Some(database) = guest.component.stores.get(&label).cloned() else {
                return Ok(Err(Error::AccessDenied));
            };
            Ok(Ok(guest.table.push(OpenStore { name: label.into(), database })?))
        })
    }

    async fn get(
        accessor: &Guests,
        store: Resource<OpenStore>,
        key: String,
    ) -> Answer<Option<Vec<u8>>> {
        let found = run(accessor, store, GET, vec![Parameter::Text(key)]).await?;
        Ok(found.map(|rows| rows.into_iter().next().map(|row| row.0)))
    }

    async fn set(
        accessor: &Guests,
        store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let set =
            run(accessor, store, SET, vec![Parameter::Text(key), Parameter::Blob(value)]).await?;
        Ok(set.map(|_| ()))
    }

    async fn delete(accessor: &Guests, store: Resource<OpenStore>, key: String) -> Answer<()> {
        Ok(run(accessor, store, DELETE, vec![Parameter::Text(key)]).await?.map(|_| ()))
    }

    async fn exists(accessor: &Guests, store: Resource<OpenStore>, key: String) -> Answer<bool> {
        Ok(run(accessor, store, EXISTS, vec![Parameter::Text(key)])
            .await?
            .map(|rows| !rows.is_empty()))
    }

    async fn get_keys(
        accessor: &Guests,
        store: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let (keys, end) = match run(accessor, store, KEYS, Vec::new()).await? {
            Ok(rows) => (
                rows.into_iter().map(|row| String::from_utf8_lossy(&row.0).into_owned()).collect(),
                Ok(()),
            ),
            Err(error) => (Vec::new(), Err(error)),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            Ok((keys, FutureReader::new(&mut access, async { wasmtime::error::Ok(end) })?))
        })
    }
}
