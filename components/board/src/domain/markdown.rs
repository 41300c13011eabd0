//! Markdown of a small subset (CommonMark without raw HTML and images) to HTML that is safe
//! inside any page.
//!
//! Two fences, either of which is enough: the parser's events are filtered, so that nothing
//! but the subset is ever written as HTML, and the result is sanitised by an allow-list.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// Rendered HTML is kept with this number, and rendered again when it is not this one. Count
/// it up with every change to what this module makes.
pub(crate) const RENDERER: i64 = 1;

/// Deeper quotes, lists and emphasis show as plain text: nobody reads them, and each level
/// makes a browser's work and ours grow.
const MAX_DEPTH: usize = 12;

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from([
            "p",
            "br",
            "hr",
            "em",
            "strong",
            "code",
            "pre",
            "blockquote",
            "ul",
            "ol",
            "li",
            "a",
            "h3",
            "h4",
            "h5",
            "h6",
        ]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["http", "https"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow noopener noreferrer ugc"))
        .strip_comments(true);
    builder
});

/// A text as it was written and as it is shown.
#[derive(Clone)]
pub(crate) struct Rendered {
    pub source: String,
    pub html: String,
}

impl Rendered {
    /// Takes time and room in proportion to the length: do it before a transaction begins.
    pub(crate) fn new(source: String) -> Self {
        Self { html: render(&source), source }
    }
}

fn render(source: &str) -> String {
    let mut shown = Vec::new();
    let events =
        Parser::new_ext(source, Options::empty()).filter_map(|event| subset(event, &mut shown));
    let mut html = String::with_capacity(source.len() * 2);
    html::push_html(&mut html, events);
    SANITISER.clean(&html).to_string()
}

/// The event as the subset has it. `shown` says of each open element whether its tag was
/// written, because an end tag follows its start tag.
fn subset<'a>(event: Event<'a>, shown: &mut Vec<bool>) -> Option<Event<'a>> {
    match event {
        Event::Start(tag) => {
            let tag = element(tag).filter(|_| shown.len() < MAX_DEPTH);
            shown.push(tag.is_some());
            tag.map(Event::Start)
        }
        Event::End(tag) => shown.pop()?.then(|| Event::End(element_end(tag))),
        // Whoever writes a tag sees the tag.
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        // People who do not know Markdown expect a line to end where they end it.
        Event::SoftBreak => Some(Event::HardBreak),
        Event::Text(_) | Event::Code(_) | Event::HardBreak | Event::Rule => Some(event),
        _ => None,
    }
}

fn element(tag: Tag<'_>) -> Option<Tag<'_>> {
    match tag {
        Tag::HtmlBlock => Some(Tag::Paragraph),
        Tag::Heading { level, .. } => Some(Tag::Heading {
            level: below_title(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        // A link of the reference style could repeat one long address a thousand times.
        Tag::Link { link_type: LinkType::Inline | LinkType::Autolink, ref dest_url, .. }
            if is_web(dest_url) =>
        {
            Some(tag)
        }
        Tag::Paragraph
        | Tag::BlockQuote(_)
        | Tag::CodeBlock(_)
        | Tag::List(_)
        | Tag::Item
        | Tag::Emphasis
        | Tag::Strong => Some(tag),
        _ => None,
    }
}

fn element_end(tag: TagEnd) -> TagEnd {
    match tag {
        TagEnd::HtmlBlock => TagEnd::Paragraph,
        TagEnd::Heading(level) => TagEnd::Heading(below_title(level)),
        tag => tag,
    }
}

/// A page has its own h1 and h2: the site's and the post's title.
fn below_title(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

fn is_web(url: &str) -> bool {
    let starts_with = |scheme: &str| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    starts_with("https://") || starts_with("http://")
}

#[cfg(test)]
mod tests;
