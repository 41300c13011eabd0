use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use uuid::Uuid;

use super::pods::START_LIMIT;
use super::site::{Answer, Site};
use super::{Tried, wait};

const DATABASES: [&str; 3] = ["mysql", "mariadb", "postgres"];
/// After its server is back a component has to notice that its sessions are gone.
const NOTICE_LIMIT: Duration = Duration::from_secs(60);

/// One fact in each database.
pub(super) struct Facts {
    login: String,
    password: String,
    post: String,
    hospitals: String,
}

pub(super) fn run(tried: Tried<'_>) -> Result<()> {
    let Tried { cluster, site, report, .. } = tried;
    let facts = Facts::write(site)?;
    report.say("an account is in MySQL, a post in MariaDB, hospitals are in PostgreSQL")?;
    for database in DATABASES {
        let selector = format!("app.kubernetes.io/name={database}");
        let before = cluster.pods(&selector)?.into_iter().next().context("it has no pod")?;
        cluster.run(&["delete", "pod", &before.name])?;
        let back = wait(START_LIMIT, "its pod is there again", || {
            let pods = cluster.pods(&selector)?;
            Ok(pods.iter().any(|pod| pod.ready && pod.uid != before.uid))
        })?;
        let noticed = wait(NOTICE_LIMIT, "the data is there", || Ok(facts.read(site).is_ok()))?;
        report.say(&format!(
            "{} was deleted and ready again after {} s; its data was served {} s later",
            before.name,
            back.as_secs(),
            noticed.as_secs()
        ))?;
    }
    Ok(())
}

impl Facts {
    pub(super) fn write(site: &Site) -> Result<Self> {
        let login = format!("e2e-{}", &Uuid::new_v4().simple().to_string()[..12]);
        let password = Uuid::new_v4().to_string();
        let account = json!({ "login": login, "password": password });
        let made = site.post("/api/auth/accounts", None, &account)?;
        ensure!(made.status == 201, "an account: {} {}", made.status, made.text);
        let session = site.post("/api/auth/sessions", None, &account)?.field("access_token")?;
        let post = json!({ "category": "free", "title": "Of the e2e test", "body": login });
        let posted = site.post("/api/board/posts", Some(&session), &post)?;
        ensure!(posted.status == 201, "a post: {} {}", posted.status, posted.text);
        let hospitals = hospitals(site)?;
        Ok(Self { post: posted.field("id")?, login, password, hospitals })
    }

    /// Whether all of it is served as it was.
    pub(super) fn read(&self, site: &Site) -> Result<()> {
        let session = self.sign_in(site)?;
        ensure!(session.status == 201, "signing in: {}", session.status);
        let post = self.read_post(site)?;
        ensure!(post.status == 200 && post.text.contains(&self.login), "the post: {}", post.status);
        ensure!(hospitals(site)? == self.hospitals, "the hospitals are others");
        Ok(())
    }

    /// Whether account and post are as unknown as if they had never been.
    pub(super) fn are_gone(&self, site: &Site) -> Result<()> {
        let session = self.sign_in(site)?;
        ensure!(session.status == 401, "signing in: {}", session.status);
        let post = self.read_post(site)?;
        ensure!(post.status == 404, "the post: {}", post.status);
        Ok(())
    }

    fn sign_in(&self, site: &Site) -> Result<Answer> {
        let account = json!({ "login": self.login, "password": self.password });
        site.post("/api/auth/sessions", None, &account)
    }

    fn read_post(&self, site: &Site) -> Result<Answer> {
        site.get(&format!("/api/board/posts/{}", self.post))
    }
}

/// The first page of them, as it was answered.
fn hospitals(site: &Site) -> Result<String> {
    let answer = site.get("/api/review/hospitals?limit=50")?;
    ensure!(answer.status == 200, "hospitals: {} {}", answer.status, answer.text);
    ensure!(
        answer.text.contains("\"id\""),
        "the site has no hospitals: `cargo xtask import hospitals samples/hospitals.csv …` first"
    );
    Ok(answer.text)
}
