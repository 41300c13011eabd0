//! The memory and the tables that an instance may take.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::app::Component;
use crate::limits::size;

/// Holds an instance to `memory_bytes` and `table_elements`, and tells the metrics what it takes.
pub(super) struct Limiter {
    component: Arc<Component>,
    /// Bytes that it may still take, of all its memories together.
    memory: usize,
    /// Elements that its tables may still take together.
    elements: usize,
    taken: i64,
    /// What it took for its start.
    first: i64,
}

impl Limiter {
    pub(super) fn new(component: Arc<Component>) -> Self {
        let memory = size(component.limits.memory_bytes);
        let elements = size(component.limits.table_elements);
        Self { component, memory, elements, taken: 0, first: 0 }
    }

    /// What it takes from now on is what requests make it take.
    pub(super) fn started(&mut self) {
        self.first = self.taken;
    }

    /// Bytes that requests made it take.
    pub(super) fn grown(&self) -> u64 {
        u64::try_from(self.taken - self.first).unwrap_or(0)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if is_beyond(desired, maximum) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        let Some(left) = self.memory.checked_sub(more) else { return Ok(false) };
        self.memory = left;
        self.taken += more as i64;
        self.component.metrics.memory.add(more as i64);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if is_beyond(desired, maximum) {
            return Ok(false);
        }
        let Some(left) = self.elements.checked_sub(desired.saturating_sub(current)) else {
            return Ok(false);
        };
        self.elements = left;
        Ok(true)
    }
}

/// Whether what is asked for is more than the component itself declares, which fails after it was allowed.
fn is_beyond(desired: usize, maximum: Option<usize>) -> bool {
    maximum.is_some_and(|maximum| desired > maximum)
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.component.metrics.memory.sub(self.taken);
    }
}
