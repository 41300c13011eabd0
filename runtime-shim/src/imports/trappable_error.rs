//! How a function of an interface fails: with an error for the guest, or with a trap.

use wasmtime::component::ResourceTableError;

use crate::held::{TOO_MUCH, TooMuch};
use crate::sqlite::DatabaseError;

/// An error that an interface declares.
pub(crate) trait InterfaceError {
    /// Its case for whatever has no case of its own.
    const OTHER: fn(String) -> Self;
}

#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub enum TrappableError<E> {
    Error(E),
    Trap(wasmtime::Error),
}

impl<E> TrappableError<E> {
    /// What the guest is told, unless it traps.
    pub(super) fn into_error(self) -> wasmtime::Result<E> {
        match self {
            Self::Error(error) => Ok(error),
            Self::Trap(trap) => Err(trap),
        }
    }
}

impl<E: InterfaceError> From<E> for TrappableError<E> {
    fn from(error: E) -> Self {
        Self::Error(error)
    }
}

impl<E: InterfaceError> From<DatabaseError> for TrappableError<E> {
    fn from(error: DatabaseError) -> Self {
        Self::Error(E::OTHER(error.0))
    }
}

impl<E: InterfaceError> From<TooMuch> for TrappableError<E> {
    fn from(TooMuch: TooMuch) -> Self {
        Self::Error(E::OTHER(TOO_MUCH.to_owned()))
    }
}

impl<E> From<ResourceTableError> for TrappableError<E> {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl<E> From<wasmtime::Error> for TrappableError<E> {
    fn from(trap: wasmtime::Error) -> Self {
        Self::Trap(trap)
    }
}
