//! `wasi:keyvalue@0.2.0-draft2` on the stores of `spin:key-value`.

use wasmtime::component::Resource;

use super::wit::wasi::keyvalue::atomics::{self, CasError};
use super::wit::wasi::keyvalue::batch;
use super::wit::wasi::keyvalue::store::{Error, Host, HostBucket, KeyResponse};
use crate::guest::Guest;
use crate::held::{Held, TooMuch};
use crate::imports::key_value::OpenStore;
use crate::imports::{InterfaceError, TrappableError};
use crate::sqlite::DatabaseError;

/// What a key and its value take besides their bytes.
const ENTRY_BYTES: usize = 64;

type Bucket = Resource<OpenStore>;
type Answer<T> = Result<T, TrappableError<Error>>;

/// A value as it was read, to be replaced if nobody else replaced it.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct CompareAndSwap {
    store: OpenStore,
    key: String,
    seen: Option<Vec<u8>>,
    /// Of key and value.
    held: Held,
}

impl InterfaceError for Error {
    const OTHER: fn(String) -> Self = Self::Other;
}

impl Guest {
    fn hold_seen(&self, key: &str, seen: Option<&Vec<u8>>) -> Result<Held, TooMuch> {
        self.held.hold((key.len() + seen.map_or(0, Vec::len)) as u64)
    }
}

impl Host for Guest {
    async fn open(&mut self, identifier: String) -> Answer<Bucket> {
        Ok(self.open_store(&identifier)?.ok_or(Error::AccessDenied)?)
    }

    fn convert_error(&mut self, error: TrappableError<Error>) -> wasmtime::Result<Error> {
        error.into_error()
    }
}

impl HostBucket for Guest {
    async fn get(&mut self, bucket: Bucket, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(self.opened(&bucket)?.get(key).await?)
    }

    async fn set(&mut self, bucket: Bucket, key: String, value: Vec<u8>) -> Answer<()> {
        Ok(self.opened(&bucket)?.set(key, value).await?)
    }

    async fn delete(&mut self, bucket: Bucket, key: String) -> Answer<()> {
        Ok(self.opened(&bucket)?.delete(key).await?)
    }

    async fn exists(&mut self, bucket: Bucket, key: String) -> Answer<bool> {
        Ok(self.opened(&bucket)?.exists(key).await?)
    }

    /// All keys in one page, so that no cursor is ever given out.
    async fn list_keys(&mut self, bucket: Bucket, cursor: Option<String>) -> Answer<KeyResponse> {
        if cursor.is_some() {
            return Err(Error::Other("list-keys: cursor not supported".to_owned()).into());
        }
        Ok(KeyResponse { keys: self.opened(&bucket)?.keys().await?, cursor: None })
    }

    async fn drop(&mut self, bucket: Bucket) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl batch::Host for Guest {
    async fn get_many(
        &mut self,
        bucket: Bucket,
        keys: Vec<String>,
    ) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        let (store, limit) = (self.opened(&bucket)?, self.component.limits.sqlite_result_bytes);
        let (mut found, mut bytes) = (Vec::with_capacity(keys.len()), 0);
        for key in keys {
            // Each is answered at once, and others wait for this thread.
            tokio::task::consume_budget().await;
            let value = store.get(key.clone()).await?;
            bytes += (key.len() + ENTRY_BYTES + value.as_ref().map_or(0, Vec::len)) as u64;
            if bytes > limit {
                let why = format!("query result exceeds limit of {limit} bytes");
                return Err(Error::Other(why).into());
            }
            found.push((key, value));
        }
        Ok(found)
    }

    async fn set_many(&mut self, bucket: Bucket, values: Vec<(String, Vec<u8>)>) -> Answer<()> {
        let changes = values.into_iter().map(|(key, value)| (key, Some(value))).collect();
        Ok(self.opened(&bucket)?.change(changes).await?)
    }

    async fn delete_many(&mut self, bucket: Bucket, keys: Vec<String>) -> Answer<()> {
        let changes = keys.into_iter().map(|key| (key, None)).collect();
        Ok(self.opened(&bucket)?.change(changes).await?)
    }
}

impl atomics::Host for Guest {
    /// Eight bytes, the least significant first, as Spin writes them; nothing counts as 0.
    async fn increment(&mut self, bucket: Bucket, key: String, delta: i64) -> Answer<i64> {
        let mut sum = 0;
        let next = |found: Option<Vec<u8>>| {
            let before = match found.map(<[u8; 8]>::try_from).transpose() {
                Ok(bytes) => bytes.map_or(0, i64::from_le_bytes),
                Err(_) => return Err(DatabaseError("the value is no number".to_owned())),
            };
            let overflow = || DatabaseError("the number would overflow".to_owned());
            sum = before.checked_add(delta).ok_or_else(overflow)?;
            Ok(Some(sum.to_le_bytes().to_vec()))
        };
        self.opened(&bucket)?.update(key, next).await?;
        Ok(sum)
    }

    async fn swap(
        &mut self,
        cas: Resource<CompareAndSwap>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), CasError>> {
        let CompareAndSwap { store, key, seen, held } = self.table.delete(cas)?;
        let next = |found| Ok((found == seen).then_some(value));
        match store.update(key.clone(), next).await {
            Ok(true) => Ok(Ok(())),
            Ok(false) => {
                let again = self.table.push(CompareAndSwap { store, key, seen, held })?;
                Ok(Err(CasError::CasFailed(again)))
            }
            Err(error) => Ok(Err(CasError::StoreError(Error::Other(error.0)))),
        }
    }
}

impl atomics::HostCas for Guest {
    async fn new(&mut self, bucket: Bucket, key: String) -> Answer<Resource<CompareAndSwap>> {
        let store = self.opened(&bucket)?;
        let seen = store.get(key.clone()).await?;
        let held = self.hold_seen(&key, seen.as_ref())?;
        Ok(self.table.push(CompareAndSwap { store, key, seen, held })?)
    }

    async fn current(&mut self, cas: Resource<CompareAndSwap>) -> Answer<Option<Vec<u8>>> {
        let CompareAndSwap { store, key, .. } = self.table.get(&cas)?;
        let (store, key) = (store.clone(), key.clone());
        let seen = store.get(key.clone()).await?;
        let held = self.hold_seen(&key, seen.as_ref())?;
        let cas = self.table.get_mut(&cas)?;
        cas.held = held;
        cas.seen.clone_from(&seen);
        Ok(seen)
    }

    async fn drop(&mut self, cas: Resource<CompareAndSwap>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}
