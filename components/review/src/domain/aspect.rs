use serde::{Deserialize, Serialize};

/// The six things that a review gives stars for. Their names are part of the API.
pub(crate) const NAMES: [&str; 6] =
    ["treatment", "explanation", "kindness", "facilities", "cost", "honesty"];

/// One value for each aspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerAspect<T> {
    pub(crate) treatment: T,
    pub(crate) explanation: T,
    pub(crate) kindness: T,
    pub(crate) facilities: T,
    pub(crate) cost: T,
    pub(crate) honesty: T,
}

impl<T> PerAspect<T> {
    /// In the order of [`NAMES`].
    pub(crate) fn into_array(self) -> [T; 6] {
        [self.treatment, self.explanation, self.kindness, self.facilities, self.cost, self.honesty]
    }
}

impl<T> From<[T; 6]> for PerAspect<T> {
    fn from([treatment, explanation, kindness, facilities, cost, honesty]: [T; 6]) -> Self {
        Self { treatment, explanation, kindness, facilities, cost, honesty }
    }
}
