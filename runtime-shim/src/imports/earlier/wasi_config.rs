//! `wasi:config/store@0.2.0-draft-2024-09-27`: the component's variables.

use super::wit::wasi::config::store::{Error, Host};
use crate::guest::Guest;

impl Host for Guest {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        // What is no name cannot be declared either.
        Ok(Ok(self.variable(&key).ok()))
    }

    async fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, Error>> {
        let variables = &self.component.variables;
        let mut all: Vec<_> =
            variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        all.sort();
        Ok(Ok(all))
    }
}
