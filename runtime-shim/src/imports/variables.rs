//! `spin:variables@3.0.0`

use wasmtime::component::{Accessor, HasSelf};

use super::wit::spin::variables::variables::{Error, Host, HostWithStore};
use crate::guest::Guest;
use crate::variables::{VARIABLE_NAMES, is_variable_name};

impl Host for Guest {}

impl Guest {
    pub(super) fn variable(&self, name: &str) -> Result<String, Error> {
        self.component.variables.get(name).cloned().ok_or_else(|| {
            if is_variable_name(name) {
                Error::Undefined(format!("no variable `{name}` for this component"))
            } else {
                Error::InvalidName(format!("`{name}`: {VARIABLE_NAMES}"))
            }
        })
    }
}

impl HostWithStore<Guest> for HasSelf<Guest> {
    async fn get(
        accessor: &Accessor<Guest, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        Ok(accessor.with(|mut access| access.get().variable(&name)))
    }
}
