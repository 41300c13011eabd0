//! The pages that are measured, each with as much on it as a reader meets.

use anyhow::{Context, Result};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

pub(super) struct Page {
    pub(super) name: &'static str,
    pub(super) path: String,
}

/// Of the site at `base`: the thread with the most comments among the newest, and the hospital
/// with the most reviews among the first.
pub(super) fn all(base: &str) -> Result<Vec<Page>> {
    let post = fullest(base, "/api/board/posts?limit=100", "comment_count")?;
    let hospital = fullest(base, "/api/review/hospitals?limit=100", "review_count")?;
    let page = |name, path| Page { name, path };
    Ok(vec![
        page("home", "/".to_owned()),
        page("board", "/board".to_owned()),
        page("thread", format!("/board/{post}")),
        page("hospitals", "/hospitals".to_owned()),
        page("hospital", format!("/hospitals/{hospital}")),
    ])
}

/// The id, for a path, of the one in a list that has the most of what `count` counts.
fn fullest(base: &str, list: &str, count: &str) -> Result<String> {
    let mut answer = ureq::get(format!("{base}{list}")).call().with_context(|| list.to_owned())?;
    let list: Value = answer.body_mut().read_json()?;
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fullest = items.iter().max_by_key(|item| item[count].as_u64());
    let id = fullest.and_then(|item| item["id"].as_str());
    let id = id.with_context(|| format!("{base} has nothing to measure at {list}"))?;
    Ok(utf8_percent_encode(id, NON_ALPHANUMERIC).to_string())
}
