//! `spin:key-value@3.0.0` in an SQLite file, with Spin's own table, so that a
//! store made by Spin is read here.

use std::sync::Arc;

use rusqlite::types::Value as Parameter;
use wasmtime::component::{HasSelf, Resource};

use super::wit::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use super::wit::spin::sqlite::sqlite::{RowResult, Value};
use super::{GuestAccessor, InterfaceError, Stream, TrappableError, hold, stream};
use crate::guest::Guest;
use crate::held::Held;
use crate::sqlite::{Database, DatabaseError, Lease};

/// The table, made on each new connection.
pub(crate) const SCHEMA: &str = "create table if not exists spin_key_value (
    store text not null, key text not null, value blob not null, primary key (store, key))";

const GET: &str = "select value from spin_key_value where store = ?1 and key = ?2";
pub(crate) const SET: &str = "insert into spin_key_value (store, key, value) values (?1, ?2, ?3)
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
    /// Bytes of one result.
    limit: u64,
}

type Store = Resource<OpenStore>;

impl OpenStore {
    /// Runs `sql` with the store's name as its first parameter.
    async fn run(
        &self,
        lease: &mut Lease,
        sql: &str,
        more: Vec<Parameter>,
    ) -> Result<Vec<Vec<u8>>, DatabaseError> {
        let mut parameters = vec![Parameter::Text(self.name.to_string())];
        parameters.extend(more);
        let found = lease.execute(sql, parameters, self.limit).await?;
        Ok(found.rows.into_iter().map(bytes).collect())
    }

    async fn run_once(
        &self,
        sql: &str,
        more: Vec<Parameter>,
    ) -> Result<Vec<Vec<u8>>, DatabaseError> {
        let mut lease = self.database.lease().await?;
        self.run(&mut lease, sql, more).await
    }

    pub(super) async fn get(&self, key: String) -> Result<Option<Vec<u8>>, DatabaseError> {
        Ok(self.run_once(GET, vec![Parameter::Text(key)]).await?.into_iter().next())
    }

    pub(super) async fn set(&self, key: String, value: Vec<u8>) -> Result<(), DatabaseError> {
        self.run_once(SET, vec![Parameter::Text(key), Parameter::Blob(value)]).await.map(drop)
    }

    pub(super) async fn delete(&self, key: String) -> Result<(), DatabaseError> {
        self.run_once(DELETE, vec![Parameter::Text(key)]).await.map(drop)
    }

    pub(super) async fn exists(&self, key: String) -> Result<bool, DatabaseError> {
        Ok(!self.run_once(EXISTS, vec![Parameter::Text(key)]).await?.is_empty())
    }

    pub(super) async fn keys(&self) -> Result<Vec<String>, DatabaseError> {
        let keys = self.run_once(KEYS, Vec::new()).await?;
        Ok(keys.into_iter().map(|key| String::from_utf8_lossy(&key).into_owned()).collect())
    }

    /// Sets some values and deletes others, all or none.
    pub(super) async fn change(
        &self,
        changes: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<(), DatabaseError> {
        let mut lease = self.begin().await?;
        for (key, value) in changes {
            let key = Parameter::Text(key);
            match value {
                Some(value) => self.run(&mut lease, SET, vec![key, Parameter::Blob(value)]).await?,
                None => self.run(&mut lease, DELETE, vec![key]).await?,
            };
        }
        commit(lease).await
    }

    /// Replaces the value of `key` by what `next` makes of it; `None` leaves it.
    /// Nothing else is written in between. Whether it was replaced.
    pub(super) async fn update(
        &self,
        key: String,
        next: impl FnOnce(Option<Vec<u8>>) -> Result<Option<Vec<u8>>, DatabaseError>,
    ) -> Result<bool, DatabaseError> {
        let mut lease = self.begin().await?;
        let key = Parameter::Text(key);
        let found = self.run(&mut lease, GET, vec![key.clone()]).await?.into_iter().next();
        let Some(value) = next(found)? else { return Ok(false) };
        self.run(&mut lease, SET, vec![key, Parameter::Blob(value)]).await?;
        commit(lease).await.map(|()| true)
    }

    /// A connection whose transaction is rolled back unless it is committed.
    async fn begin(&self) -> Result<Lease, DatabaseError> {
        let mut lease = self.database.lease().await?;
        lease.execute("begin immediate", Vec::new(), self.limit).await?;
        Ok(lease)
    }
}

async fn commit(mut lease: Lease) -> Result<(), DatabaseError> {
    lease.execute("commit", Vec::new(), 0).await.map(drop)
}

impl Guest {
    /// The store that the component calls `label`, if it was given one.
    pub(super) fn open_store(&mut self, label: &str) -> wasmtime::Result<Option<Store>> {
        let Some(database) = self.component.stores.get(label).map(Arc::clone) else {
            return Ok(None);
        };
        let limit = self.component.limits.sqlite_result_bytes;
        Ok(Some(self.table.push(OpenStore { name: label.into(), database, limit })?))
    }

    pub(super) fn opened(&self, store: &Store) -> wasmtime::Result<OpenStore> {
        Ok(self.table.get(store)?.clone())
    }
}

type Answer<T> = Result<T, TrappableError<Error>>;

impl InterfaceError for Error {
    const OTHER: fn(String) -> Self = Self::Other;
}

/// The one column of every query here.
fn bytes(row: RowResult) -> Vec<u8> {
    match row.values.into_iter().next() {
        Some(Value::Integer(value)) => value.to_string().into_bytes(),
        Some(Value::Real(value)) => value.to_string().into_bytes(),
        Some(Value::Text(value)) => value.into_bytes(),
        Some(Value::Blob(value)) => value,
        Some(Value::Null) | None => Vec::new(),
    }
}

fn opened(accessor: &GuestAccessor, store: &Store) -> wasmtime::Result<OpenStore> {
    accessor.with(|mut access| access.get().opened(store))
}

/// Does `work`, whose arguments are `bytes` that the host holds meanwhile.
async fn counted<T>(
    accessor: &GuestAccessor,
    store: &Store,
    bytes: usize,
    work: impl AsyncFnOnce(OpenStore) -> Result<T, DatabaseError>,
) -> Answer<T> {
    let store = opened(accessor, store)?;
    let _held = hold(accessor, bytes as u64)?;
    Ok(work(store).await?)
}

async fn keys(accessor: &GuestAccessor, store: &Store) -> Answer<(Vec<String>, Held)> {
    let keys = opened(accessor, store)?.keys().await?;
    let bytes = keys.iter().map(|key| (size_of::<String>() + key.len()) as u64).sum();
    Ok((keys, hold(accessor, bytes)?))
}

impl Host for Guest {
    fn convert_error(&mut self, error: TrappableError<Error>) -> wasmtime::Result<Error> {
        error.into_error()
    }
}

impl HostStore for Guest {
    fn drop(&mut self, store: Store) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl HostStoreWithStore<Guest> for HasSelf<Guest> {
    async fn open(accessor: &GuestAccessor, label: String) -> Answer<Store> {
        let store = accessor.with(|mut access| access.get().open_store(&label))?;
        Ok(store.ok_or(Error::AccessDenied)?)
    }

    async fn get(accessor: &GuestAccessor, store: Store, key: String) -> Answer<Option<Vec<u8>>> {
        counted(accessor, &store, key.len(), async |store| store.get(key).await).await
    }

    async fn set(
        accessor: &GuestAccessor,
        store: Store,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let bytes = key.len() + value.len();
        counted(accessor, &store, bytes, async |store| store.set(key, value).await).await
    }

    async fn delete(accessor: &GuestAccessor, store: Store, key: String) -> Answer<()> {
        counted(accessor, &store, key.len(), async |store| store.delete(key).await).await
    }

    async fn exists(accessor: &GuestAccessor, store: Store, key: String) -> Answer<bool> {
        counted(accessor, &store, key.len(), async |store| store.exists(key).await).await
    }

    async fn get_keys(
        accessor: &GuestAccessor,
        store: Store,
    ) -> wasmtime::Result<Stream<String, Error>> {
        match keys(accessor, &store).await {
            Ok((keys, held)) => stream(accessor, keys, Some(held), Ok(())),
            Err(error) => stream(accessor, Vec::new(), None, Err(error.into_error()?)),
        }
    }
}
