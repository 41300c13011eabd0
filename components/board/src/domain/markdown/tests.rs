use std::time::{Duration, Instant};

use super::render;

#[test]
fn the_subset_is_rendered() {
    let cases = [
        ("한 줄\n두 줄", "<p>한 줄<br>\n두 줄</p>\n"),
        (
            "*기울임* **굵게** `코드`",
            "<p><em>기울임</em> <strong>굵게</strong> <code>코드</code></p>\n",
        ),
        ("# 하나\n### 셋\n###### 여섯", "<h3>하나</h3>\n<h5>셋</h5>\n<h6>여섯</h6>\n"),
        ("- 가\n- 나", "<ul>\n<li>가</li>\n<li>나</li>\n</ul>\n"),
        ("3. 가\n4. 나", "<ol start=\"3\">\n<li>가</li>\n<li>나</li>\n</ol>\n"),
        ("> 인용", "<blockquote>\n<p>인용</p>\n</blockquote>\n"),
        ("```js\na < b\n```", "<pre><code>a &lt; b\n</code></pre>\n"),
        ("---", "<hr>\n"),
    ];
    for (source, html) in cases {
        assert_eq!(render(source), html, "{source}");
    }
}

#[test]
fn links_lead_to_the_web_only_and_vouch_for_nothing() {
    let link = "<p><a href=\"https://a.kr/?b=1&amp;c=2\" rel=\"nofollow noopener noreferrer ugc\">글</a></p>\n";
    assert_eq!(render("[글](https://a.kr/?b=1&c=2)"), link);
    assert_eq!(render("[글](https://a.kr/?b=1&c=2 \"제목\")"), link);
    assert!(render("<http://a.kr>").contains("href=\"http://a.kr\""));
    for source in [
        "[글](/path)",
        "[글](//a.kr)",
        "[글](a.kr)",
        "[글](#id)",
        "<a@a.kr>",
        "[글](ftp://a.kr)",
        "[글]()",
    ] {
        assert!(!render(source).contains("<a"), "{source}");
    }
}

#[test]
fn what_is_no_part_of_the_subset_stays_as_text() {
    assert_eq!(render("a <b>c</b>"), "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n");
    assert_eq!(render("<div>\nx\n</div>"), "<p>&lt;div&gt;\nx\n&lt;/div&gt;</p>\n");
    assert_eq!(render("![그림](https://a.kr/a.png)"), "<p>그림</p>\n");
    assert_eq!(render("[글][1]\n\n[1]: https://a.kr"), "<p>글</p>\n");
}

/// Strings that have got through some filter of some site.
const ATTACKS: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//a.kr/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img/src='x'/onerror='alert(1)'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<iframe src=\"javascript:alert(1)\"></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<object data=\"data:text/html;base64,PHNjcmlwdD4=\"></object>",
    "<form action=\"javascript:alert(1)\"><input type=submit></form>",
    "<base href=\"javascript:alert(1)//\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
    "<style>*{background:url(javascript:alert(1))}</style>",
    "<link rel=stylesheet href=//a.kr/x.css>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a href=\"https://a.kr\" onclick=alert(1)>x</a>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<!--<img src=x onerror=alert(1)>-->",
    "<!--><img src=x onerror=alert(1)>-->",
    "<?php alert(1) ?>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](<java\tscript:alert(1)>)",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;&#x61;vascript&#58;alert(1))",
    "[x](&#0000106avascript:alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](java&NewLine;script:alert(1))",
    "[x](&#1;javascript:alert(1))",
    "[x](javascript%3Aalert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](DATA:text/html,<script>alert(1)</script>)",
    "[x](file:///etc/passwd)",
    "[x](blob:https://a.kr/1)",
    "[x](https:javascript:alert(1))",
    "[x](https://a.kr/\"onmouseover=\"alert(1))",
    "[x](https://a.kr/'onmouseover='alert(1))",
    "[x](https://a.kr \"\\\" onmouseover=alert(1) x=\\\"\")",
    "[x](https://a.kr/&quot;onmouseover=&quot;alert(1))",
    "[x](<https://a.kr/><script>alert(1)</script>>)",
    "[<img src=x onerror=alert(1)>](https://a.kr)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "[x][1]\n\n[1]: https://a.kr \"\\\" onmouseover=alert(1)\"",
    "[x]\n\n[x]: data:text/html,<script>alert(1)</script>",
    "<javascript:alert(1)>",
    "<JAVASCRIPT:alert(1)>",
    "<data:text/html,alert(1)>",
    "<https://a.kr/\"onmouseover=\"alert(1)>",
    "![x](javascript:alert(1))",
    "![x](https://a.kr/x.png\"onerror=\"alert(1))",
    "![\"onerror=\"alert(1)](x)",
    "```\"><script>alert(1)</script>\nx\n```",
    "```js\" onmouseover=\"alert(1)\nx\n```",
    "`<script>alert(1)</script>`",
    "    <script>alert(1)</script>",
    "> <script>alert(1)</script>",
    "- <img src=x onerror=alert(1)>",
    "# <img src=x onerror=alert(1)>",
    "# x {#id onclick=alert(1)}",
    "1<script\n>alert(1)</script\n>",
    "*<img src=x* onerror=alert(1)>",
    "**<svg/**onload=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\<script>alert(1)\\</script>",
    "<a\u{a0}href=javascript:alert(1)>x</a>",
    "<\u{130}mg src=x onerror=alert(1)>",
    "＜script＞alert(1)＜/script＞",
    "</p></div><script>alert(1)</script>",
    "<textarea><script>alert(1)</script></textarea>",
    "<title><img src=x onerror=alert(1)></title>",
    "<xmp><script>alert(1)</script></xmp>",
    "<plaintext>",
    "<p style=\"position:fixed;inset:0\" id=x class=x>",
];

#[test]
fn nothing_of_an_attack_is_left() {
    for source in ATTACKS {
        let html = render(source);
        for tag in tags(&html) {
            assert!(is_plain(tag), "{source}\n  gave <{tag}> in {html}");
        }
    }
}

/// The inside of every tag. Text and attribute values have their angle brackets escaped by
/// the serialiser, so whatever stands between brackets is a tag to a browser.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest))
}

fn is_plain(tag: &str) -> bool {
    const NAMES: &[&str] = &[
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
        "h3",
        "h4",
        "h5",
        "h6",
    ];
    let name = tag.strip_prefix('/').unwrap_or(tag);
    NAMES.contains(&name) || name == "a" || is_link(tag)
}

fn is_link(tag: &str) -> bool {
    let Some(rest) = tag.strip_prefix("a href=\"") else { return false };
    let Some((url, rest)) = rest.split_once('"') else { return false };
    (url.starts_with("https://") || url.starts_with("http://"))
        && rest == " rel=\"nofollow noopener noreferrer ugc\""
}

#[test]
fn the_check_of_attacks_can_fail() {
    assert!(tags("<p><script></p>").any(|tag| !is_plain(tag)));
    assert!(!is_plain("a href=\"javascript:alert(1)\" rel=\"nofollow noopener noreferrer ugc\""));
    assert!(!is_plain("a href=\"https://a.kr\" onclick=\"x\""));
    assert!(!is_plain("p onclick=\"x\""));
}

/// What has made parsers take quadratic time or overflow their stack, filled up to the
/// longest body.
#[test]
fn no_text_takes_long_or_grows_much() {
    let units = [
        ">",
        "> ",
        "- ",
        "* ",
        "1. ",
        ">- ",
        "*",
        "_",
        "**a ",
        "*a **a ",
        "_a __a ",
        "*_",
        "`",
        "``a",
        "[",
        "![",
        "[a](",
        "[a](<",
        "[a](b",
        "](",
        "[]",
        "[a]",
        "[a][b]",
        "<",
        "<a",
        "<!--",
        "<!--a-->",
        "<?",
        "<![CDATA[",
        "<a b='",
        "<http://a>",
        "&",
        "&#",
        "&amp;",
        "\\",
        "a\n",
        "a\n\n",
        "#\n",
        "-\n",
        ">\n\n",
        "    a\n",
        "\t",
        "~~~\n",
        "```\n",
        "[a]: b\n",
        "[a](http://b)",
        "| a ",
        "***a***",
        "*a*",
        "<b>",
        "</b>",
        "(((",
        "\"",
        "가",
        "\u{1F468}\u{200D}",
    ];
    let longest = 10_000;
    for unit in units {
        for tail in ["", "a", "*a*", "]", "\n"] {
            let source: String =
                unit.chars().cycle().take(longest - tail.len()).chain(tail.chars()).collect();
            bounded(&source);
        }
    }
    let open = "[a".repeat(longest / 4) + &"](b)".repeat(longest / 8);
    let quotes = (0..140).map(|depth| format!("{}a\n", ">".repeat(depth))).collect::<String>();
    let lists = (0..95).map(|depth| format!("{}- a\n", "  ".repeat(depth))).collect::<String>();
    let references = format!("[a]: https://a.kr/{}\n\n{}", "b".repeat(5_000), "[a] ".repeat(1_200));
    for source in [open, quotes, lists, references] {
        bounded(&source);
    }
}

fn bounded(source: &str) {
    let start = Instant::now();
    let html = render(source);
    let (took, start_of) = (start.elapsed(), source.chars().take(20).collect::<String>());
    // A hundred times what a text of this length usually takes.
    assert!(took < Duration::from_millis(250), "{start_of:?} took {took:?}");
    assert!(html.len() < source.len() * 16, "{start_of:?} made {} bytes", html.len());
}
