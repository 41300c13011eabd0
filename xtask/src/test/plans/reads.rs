//! Every list, search and detail that the APIs offer, over seeded rows.

use anyhow::{Context, Result, bail, ensure};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::token;

const POSTS: &str = "/api/board/posts";
const HOSPITALS: &str = "/api/review/hospitals";

/// Words that fill a page among the newest, that few posts have, that none has; Latin
/// letters; terms of several words; what LIKE would take for a wildcard.
const TERMS: [&str; 8] =
    ["근무", "뷔페", "꿩밭", "쀍쀍", "emr", "꿩밭 뷔페", "꿩밭 차트까지 선배부터", "%%"];

/// The same for hospitals, one syllable, and initial consonants.
const HOSPITAL_TERMS: [&str; 9] =
    ["의원", "이비인후과", "없는길 1234", "쀍쀍", "길", "쀍", "ㄱㅇ", "ㅅㄴㅂㄹㄷㅂ", "서울 내과"];

/// Has a twentieth of all reviews.
const LARGE_HOSPITAL: &str = "SYN-000001";
/// One of the samples, which nobody has reviewed.
const SMALL_HOSPITAL: &str = "SYN-0001";

/// How far a list is followed, by a hundred rows a page: a statement that walks to its page from
/// the beginning has read more than one that finds it.
const DEEP_PAGES: usize = 12;

/// The long threads are a thousand posts apart.
const PAGES_TO_LONG_THREAD: usize = 11;

struct Reader {
    agent: Agent,
    base: String,
    token: Option<String>,
}

/// Has every component open its database, which on SQLite makes its tables.
pub(super) fn touch(base: &str) -> Result<()> {
    let reader = Reader::new(base);
    reader.get(&format!("{POSTS}?limit=1"))?;
    reader.get(&format!("{HOSPITALS}?limit=1")).map(drop)
}

/// Reads everything, as the public and as an insider.
pub(super) fn all(base: &str) -> Result<()> {
    let mut reader = Reader::new(base);
    reader.posts()?;
    reader.hospitals()?;
    reader.deep_pages()?;
    let thread = reader.long_thread()?;
    reader.thread(&thread)?;
    reader.reviews()?;
    reader.open_to_check()?;
    reader.sign_up()?;
    reader.thread(&thread)?;
    reader.reviews()?;
    for path in [
        "accounts/me",
        "proofs",
        "proofs/mail-domains?hospital_id=SYN-0001",
        "passes/keys?limit=1",
        "passes/keys?hospital_id=SYN-0001&year=2026",
        "passes/crowd?hospital_id=SYN-0001&year=2026",
        ".well-known/jwks.json",
    ] {
        reader.get(&format!("/api/auth/{path}"))?;
    }
    Ok(())
}

impl Reader {
    fn new(base: &str) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { agent, base: base.to_owned(), token: None }
    }

    fn posts(&self) -> Result<()> {
        for sort in ["newest", "votes"] {
            for category in ["", "&category=question", "&category=news"] {
                self.pages(&format!("{POSTS}?limit=20&sort={sort}{category}"))?;
                for term in TERMS {
                    self.pages(&format!(
                        "{POSTS}?limit=20&sort={sort}{category}&q={}",
                        escaped(term)
                    ))?;
                }
            }
        }
        Ok(())
    }

    fn hospitals(&self) -> Result<()> {
        for region in ["", "&region=서울"] {
            for kind in ["", "&kind=의원", "&kind=종합병원"] {
                let filters = format!("{region}{kind}").replace("서울", &escaped("서울"));
                let filters = filters
                    .replace("의원", &escaped("의원"))
                    .replace("종합병원", &escaped("종합병원"));
                self.pages(&format!("{HOSPITALS}?limit=20{filters}"))?;
                for term in HOSPITAL_TERMS {
                    self.pages(&format!("{HOSPITALS}?limit=20{filters}&q={}", escaped(term)))?;
                }
            }
        }
        self.get("/api/review/hospital-facets").map(drop)
    }

    fn reviews(&self) -> Result<()> {
        for hospital in [LARGE_HOSPITAL, SMALL_HOSPITAL] {
            self.get(&format!("{HOSPITALS}/{hospital}"))?;
            for sort in ["newest", "highest", "lowest"] {
                let list =
                    self.pages(&format!("{HOSPITALS}/{hospital}/reviews?limit=20&sort={sort}"))?;
                if let Some(id) = list["items"][0]["id"].as_str() {
                    self.get(&format!("{HOSPITALS}/{hospital}/reviews/{id}"))?;
                }
            }
        }
        self.pages("/api/review/moderation/log?limit=20")?;
        self.pages("/api/review/reviews?limit=20").map(drop)
    }

    /// What nothing is read by in a list: keys, the export.
    fn open_to_check(&self) -> Result<()> {
        let unknown = self.ask(&format!("/api/review/keys/{}", "A".repeat(43)))?.status();
        ensure!(unknown == StatusCode::NOT_FOUND, "an unknown key: {unknown}");
        let mut export = self.ask("/api/review/export.ndjson")?.into_body().into_reader();
        std::io::copy(&mut export, &mut std::io::sink())?;
        Ok(())
    }

    fn thread(&self, id: &str) -> Result<()> {
        self.get(&format!("{POSTS}/{id}"))?;
        let list = self.pages(&format!("{POSTS}/{id}/comments?limit=20"))?;
        let comment = list["items"][0]["id"].as_str().context("a long thread without a comment")?;
        self.get(&format!("{POSTS}/{id}/comments/{comment}")).map(drop)
    }

    /// The newest post with a thousand comments.
    fn long_thread(&self) -> Result<String> {
        let mut path = format!("{POSTS}?limit=100");
        for _ in 0..PAGES_TO_LONG_THREAD {
            let list = self.get(&path)?;
            let posts = list["items"].as_array().context("a list without items")?;
            let long = posts.iter().find(|post| post["comment_count"].as_u64() > Some(900));
            if let Some(id) = long.and_then(|post| post["id"].as_str()) {
                return Ok(id.to_owned());
            }
            let cursor = list["next_cursor"].as_str().context("no long thread is left")?;
            path = format!("{POSTS}?limit=100&cursor={cursor}");
        }
        bail!("no long thread among the newest posts")
    }

    fn deep_pages(&self) -> Result<()> {
        let (region, kind) = (escaped("서울"), escaped("의원"));
        let lists = [
            POSTS.to_owned() + "?",
            format!("{POSTS}?category=question"),
            format!("{POSTS}?sort=votes"),
            format!("{POSTS}?sort=votes&category=question"),
            HOSPITALS.to_owned() + "?",
            format!("{HOSPITALS}?region={region}"),
            format!("{HOSPITALS}?kind={kind}"),
            format!("{HOSPITALS}?region={region}&kind={kind}"),
            format!("{HOSPITALS}/{LARGE_HOSPITAL}/reviews?sort=newest"),
            format!("{HOSPITALS}/{LARGE_HOSPITAL}/reviews?sort=highest"),
            format!("{HOSPITALS}/{LARGE_HOSPITAL}/reviews?sort=lowest"),
            "/api/review/reviews?".to_owned(),
            format!("{POSTS}/{}/comments?", self.long_thread()?),
        ];
        lists.iter().try_for_each(|list| self.follow(&format!("{list}&limit=100")))
    }

    fn follow(&self, list: &str) -> Result<()> {
        let mut path = list.to_owned();
        for _ in 0..DEEP_PAGES {
            let page = self.get(&path)?;
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("{list}&cursor={}", escaped(cursor));
        }
        Ok(())
    }

    /// A list's first page, which is returned, and the one after it.
    fn pages(&self, path: &str) -> Result<Value> {
        let first = self.get(path)?;
        if let Some(cursor) = first["next_cursor"].as_str() {
            self.get(&format!("{path}&cursor={}", escaped(cursor)))?;
        }
        Ok(first)
    }

    fn sign_up(&mut self) -> Result<()> {
        let login = format!("p{}", &token::random()?[..16]);
        let account = json!({ "login": login, "password": token::random()? });
        self.post("/api/auth/accounts", &account)?;
        let session = self.post("/api/auth/sessions", &account)?;
        self.token =
            Some(session["access_token"].as_str().context("a session without a token")?.to_owned());
        Ok(())
    }

    fn ask(&self, path: &str) -> Result<Response<Body>> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.call().with_context(|| path.to_owned())
    }

    fn get(&self, path: &str) -> Result<Value> {
        let mut response = self.ask(path)?;
        let answer = response.body_mut().read_to_string()?;
        if response.status() != 200 {
            bail!("GET {path}: {} {answer}", response.status());
        }
        Ok(serde_json::from_str(&answer)?)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let mut response = self.agent.post(format!("{}{path}", self.base)).send_json(body)?;
        let answer = response.body_mut().read_to_string()?;
        if response.status() != 201 {
            bail!("POST {path}: {} {answer}", response.status());
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
