//! What there is to read on a site: asked once, before anybody begins.

use std::sync::OnceLock;

use fastrand::Rng;
use goose::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// As many as a list gives at once. People read what is new, and what stands first.
const ITEMS: usize = 100;
/// Pages of the list of threads.
const PAGES: usize = 3;
/// Of a name, what is typed into a search.
const TYPED_CHARACTERS: usize = 2;

static MATERIAL: OnceLock<Material> = OnceLock::new();

#[derive(Default)]
pub(crate) struct Material {
    threads: Vec<Thread>,
    hospitals: Vec<Hospital>,
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Thread {
    pub(crate) id: String,
    title: String,
}

#[derive(Deserialize)]
pub(crate) struct Hospital {
    pub(crate) id: String,
    name: String,
    pub(crate) region: String,
}

pub(crate) fn current() -> &'static Material {
    MATERIAL.get_or_init(Material::default)
}

/// Ends the program where there is nothing, because goose would go on without.
pub(crate) async fn gather(user: &mut GooseUser) -> TransactionResult {
    match read_lists(user).await {
        Ok(material) if material.threads.is_empty() || material.hospitals.is_empty() => {
            eprintln!("the site has no posts or no hospitals: fill it with `cargo xtask seed`");
            std::process::exit(1)
        }
        Ok(material) => {
            MATERIAL.get_or_init(|| material);
            Ok(())
        }
        Err(error) => {
            eprintln!("cannot read the lists of the site: {error}");
            std::process::exit(1)
        }
    }
}

async fn read_lists(user: &mut GooseUser) -> Result<Material, Box<TransactionError>> {
    let mut material = Material::default();
    let mut path = format!("/api/board/posts?limit={ITEMS}");
    for _ in 0..PAGES {
        let list: List<Thread> = read(user, &path).await?;
        material.threads.extend(list.items);
        match list.next_cursor {
            Some(next) => path = format!("/api/board/posts?limit={ITEMS}&cursor={next}"),
            None => break,
        }
    }
    let path = format!("/api/review/hospitals?limit={ITEMS}");
    let list: List<Hospital> = read(user, &path).await?;
    material.hospitals = list.items;
    Ok(material)
}

async fn read<T: DeserializeOwned>(
    user: &mut GooseUser,
    path: &str,
) -> Result<T, Box<TransactionError>> {
    let answer = user.get(path).await?.response?;
    Ok(answer.json().await?)
}

impl Material {
    pub(crate) fn thread(&self, random: &mut Rng) -> Option<&Thread> {
        self.threads.get(early(random, self.threads.len()))
    }

    pub(crate) fn hospital(&self, random: &mut Rng) -> Option<&Hospital> {
        self.hospitals.get(early(random, self.hospitals.len()))
    }
}

impl Thread {
    /// The first word of its title.
    pub(crate) fn term(&self) -> &str {
        self.title.split_whitespace().next().unwrap_or_default()
    }
}

impl Hospital {
    /// The beginning of its name.
    pub(crate) fn term(&self) -> String {
        self.name.chars().take(TYPED_CHARACTERS).collect()
    }
}

/// A place of a list; one of the first quarter half of the time.
fn early(random: &mut Rng, length: usize) -> usize {
    let share = random.f64();
    (share * share * length as f64) as usize
}
