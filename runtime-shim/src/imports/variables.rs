//! `spin:variables@3.0.0`

use wasmtime::component::{Accessor, HasSelf};

use super::wit::spin::variables::variables::{Error, Host, HostWithStore};
use crate::guest::Guest;

impl Host for Guest {}

impl HostWithStore<Guest> for HasSelf<Guest> {
    async fn get(
        accessor: &Accessor<Guest, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        Ok(accessor.with(|mut access| {
            let value = access.get().component.variables.get(&name).cloned();
            value
                .ok_or_else(|| Error::Undefined(format!("no variable `{name}` for this component")))
        }))
    }
}
