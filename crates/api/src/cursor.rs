//! Keyset pagination: a page starts after the last row of the one before it, so rows that
//! come or go meanwhile neither repeat nor vanish, and page 1,000 costs what page 1 does.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::Problem;

/// What a list answers.
#[derive(Serialize)]
pub struct List<T> {
    pub items: Vec<T>,
    /// Opaque. `null` on the last page.
    pub next_cursor: Option<String>,
}

/// The `limit` and `cursor` of a list; a struct of query parameters repeats both fields and
/// builds this from them, since flattening loses the types of a query string.
#[derive(Debug, Clone)]
pub struct Page {
    pub limit: usize,
    pub cursor: Option<String>,
}

const DEFAULT_LIMIT: usize = 20;
/// Above this a page is no longer read by a person, and it would hold a connection too long.
const MAX_LIMIT: usize = 100;
/// A cursor of ours is far shorter.
const MAX_CURSOR_BYTES: usize = 1024;

#[derive(Serialize, Deserialize)]
struct Envelope<K> {
    list: String,
    key: K,
}

impl Page {
    /// 422 unless `limit` is between 1 and 100.
    pub fn new(limit: Option<u64>, cursor: Option<String>) -> Result<Self, Problem> {
        let limit = match limit.map(usize::try_from) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit @ 1..=MAX_LIMIT)) => limit,
            Some(_) => {
                let detail = format!("must be between 1 and {MAX_LIMIT}");
                return Err(Problem::invalid_field("limit", "out_of_range", detail));
            }
        };
        Ok(Self { limit, cursor })
    }

    /// The key after which the page starts. `list` names the list with its filters and order:
    /// a cursor of another one is refused with 422.
    pub fn after<K: DeserializeOwned>(&self, list: &str) -> Result<Option<K>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let invalid = || {
            let detail = "must be the next_cursor of the same list; leave it out to start again";
            Problem::invalid_field("cursor", "invalid_cursor", detail)
        };
        if cursor.len() > MAX_CURSOR_BYTES {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let envelope: Envelope<K> = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        if envelope.list != fingerprint(list) {
            return Err(invalid());
        }
        Ok(Some(envelope.key))
    }

    /// How many rows to ask the database for: one more than are shown, which tells whether
    /// a next page exists.
    pub fn rows(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// The answer made of up to [`rows`](Self::rows) rows; `key` gives the place of a row in the order.
    pub fn list<T, K: Serialize>(
        &self,
        list: &str,
        mut items: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> List<T> {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| {
            let envelope = Envelope { list: fingerprint(list), key: key(last) };
            // Keys are numbers and strings, which always serialise.
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&envelope).unwrap_or_default())
        });
        List { items, next_cursor }
    }
}

impl<T> List<T> {
    /// The same page with every item turned into what the API shows of it.
    pub fn map<U>(self, show: impl FnMut(T) -> U) -> List<U> {
        List { items: self.items.into_iter().map(show).collect(), next_cursor: self.next_cursor }
    }
}

/// Short, because it only has to tell our own lists apart, not to resist anyone: a made-up
/// cursor shows nothing that the list would not.
fn fingerprint(list: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(list)[..6])
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn a_cursor_leads_on_in_its_own_list_only() {
        let page = Page::new(Some(2), None).unwrap();
        let list = page.list("posts:newest", vec![5_i64, 4, 3], |n| *n);
        assert_eq!(list.items, [5, 4]);
        let next = Page::new(Some(2), list.next_cursor).unwrap();
        assert_eq!(next.after::<i64>("posts:newest").unwrap(), Some(4));
        assert!(next.after::<i64>("posts:votes").is_err());
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let page = Page::new(Some(3), None).unwrap();
        assert!(page.list("l", vec![1, 2, 3], |n| *n).next_cursor.is_none());
    }

    #[test]
    fn limits_are_held() {
        assert!(Page::new(Some(0), None).is_err());
        assert!(Page::new(Some(101), None).is_err());
        assert!(Page::new(Some(u64::MAX), None).is_err());
        assert_eq!(Page::new(None, None).unwrap().limit, 20);
    }

    #[test]
    fn anything_else_is_refused() {
        for cursor in ["", "*", "AAAA", "e30", &"A".repeat(4096)] {
            let page = Page::new(None, Some(cursor.to_owned())).unwrap();
            assert!(page.after::<i64>("l").is_err(), "{cursor}");
        }
    }
}
