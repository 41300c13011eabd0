//! What a host must survive.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{BoxBody, FullBody, HeaderName, HeaderValue, Response, box_body};
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::Connection;
use spin_sdk::variables;
use spin_sdk::wasip3::filesystem::preopens::get_directories;
use spin_sdk::wasip3::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Method, Request, Scheme};
use spin_sdk::wasip3::wit_bindgen::FutureReader;
use spin_sdk::wasip3::wit_future;

/// Computes for a while, like a password hash.
pub(crate) fn compute(time: Duration) -> String {
    let started = Instant::now();
    let mut rounds: u64 = 0;
    while started.elapsed() < time {
        rounds = black_box(rounds + 1);
    }
    "computed".to_owned()
}

pub(crate) fn endless() -> ! {
    let mut rounds: u64 = 0;
    loop {
        rounds = black_box(rounds.wrapping_add(1));
    }
}

pub(crate) fn panic() -> ! {
    panic!("as asked")
}

/// Takes memory until there is none.
pub(crate) fn memory() -> ! {
    const PIECE: usize = 16 * 1024 * 1024;
    let mut pieces = Vec::new();
    loop {
        pieces.push(black_box(vec![1_u8; PIECE]));
    }
}

/// Calls itself until the stack ends.
pub(crate) fn overflow(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    if depth == 0 { 0 } else { overflow(depth + 1) + room[7] }
}

/// More outbound calls at once than any program needs.
pub(crate) async fn fetch_storm(url: &str) -> String {
    const CALLS: usize = 1000;
    let calls = (0..CALLS).map(|_| spin_sdk::http::get(url));
    let answered = futures::future::join_all(calls).await;
    let refused = answered.iter().filter(|answer| answer.is_err()).count();
    format!("{refused} of {CALLS} refused")
}

/// How many responses it may keep unread, how many more once one was read, and once one was
/// dropped.
pub(crate) async fn outbound_held(url: &str) -> Result<String> {
    let mut held = Vec::new();
    let all = keep(url, &mut held).await;
    held.pop().context("none")?.into_body().bytes().await?;
    let after_reading = keep(url, &mut held).await;
    held.pop();
    let after_dropping = keep(url, &mut held).await;
    Ok(format!("{all} {after_reading} {after_dropping}"))
}

/// Calls until one is refused.
async fn keep(url: &str, held: &mut Vec<Response>) -> usize {
    let before = held.len();
    while held.len() < MANY
        && let Ok(response) = spin_sdk::http::get(url).await
    {
        held.push(response);
    }
    held.len() - before
}

/// More header lines than any client takes.
pub(crate) fn headers_without_end() -> Result<Response<BoxBody>> {
    const LINES: usize = 20_000;
    let mut response = Response::new(box_body(FullBody::new(Bytes::new())));
    for line in 0..LINES {
        let name = HeaderName::try_from(format!("x-filler-{line}"))?;
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static("yyyyyyyyyyyyyyyyyyyyyyyyyyyy"));
    }
    Ok(response)
}

/// Calls the host without end, and is answered at once.
pub(crate) async fn call_storm() -> ! {
    loop {
        black_box(variables::get("greeting").await.is_ok());
    }
}

/// Calls the host without end, and waits for each answer.
pub(crate) async fn write_storm() -> Result<String> {
    let store = Store::open("default").await?;
    loop {
        store.set("storm", "x").await?;
    }
}

const MANY: usize = 30;

/// Results that it never reads, of 10 MB each.
pub(crate) async fn unread() -> Result<String> {
    let connection = Connection::open_default().await?;
    let (mut kept, mut refused) = (Vec::new(), 0);
    for _ in 0..MANY {
        match connection.execute("select zeroblob(10000000)", []).await {
            Ok(result) => kept.push(result),
            Err(_) => refused += 1,
        }
    }
    drop(kept);
    connection.execute("select zeroblob(10000000)", []).await?.collect().await?;
    Ok(format!("{refused} of {MANY} refused"))
}

/// Calls at once that hand 10 MB each to the host.
pub(crate) async fn argument_storm() -> Result<String> {
    let (store, value) = (Store::open("default").await?, vec![b'x'; 10_000_000]);
    let calls = (0..MANY).map(|_| store.set("storm", &value));
    let done = futures::future::join_all(calls).await;
    let refused = done.iter().filter(|done| done.is_err()).count();
    Ok(format!("{refused} of {MANY} refused"))
}

/// Directories that it does not read to the end, each of which occupies a thread, and then a write.
pub(crate) async fn directories(count: usize) -> Result<String> {
    let (root, _) = get_directories().into_iter().next().context("no files")?;
    let mut unread = Vec::new();
    for _ in 0..count {
        unread.push(root.read_directory());
    }
    Store::open("default").await?.set("directories", "x").await?;
    drop(unread);
    Ok("set".to_owned())
}

/// A file as often as it may have it open at once.
pub(crate) async fn open_files(path: &str) -> Result<String> {
    const MOST: usize = 1_000;
    let (root, _) = get_directories().into_iter().next().context("no files")?;
    let mut files = Vec::new();
    while files.len() < MOST {
        let (links, how, flags) = (PathFlags::empty(), OpenFlags::empty(), DescriptorFlags::READ);
        match root.open_at(links, path.to_owned(), how, flags).await {
            Ok(file) => files.push(file),
            Err(error) => return Ok(format!("{} {error:?}", files.len())),
        }
    }
    Ok("all".to_owned())
}

/// More empty lines than anybody reads.
pub(crate) fn print_storm() -> String {
    print!("{}", "\n".repeat(3_000_000));
    "printed".to_owned()
}

/// Requests that it never sends, each with so many bytes where a method and a host stand. How many
/// of them the host took.
pub(crate) fn request_lines(bytes: usize) -> String {
    let text = "X".repeat(bytes);
    let (mut kept, mut methods, mut hosts) = (Vec::new(), 0, 0);
    for _ in 0..MANY {
        let request = request().0;
        methods += usize::from(request.set_method(&Method::Other(text.clone())).is_ok());
        hosts += usize::from(request.set_authority(Some(&text)).is_ok());
        kept.push(request);
    }
    format!("{methods} methods and {hosts} hosts of {MANY}")
}

/// Says of the body of a request of its own that it failed, with so many bytes, and how many come
/// back.
pub(crate) async fn error_text(bytes: usize) -> String {
    let (request, done) = request();
    let (say, ended) = wit_future::new(|| Ok(()));
    let _body = Request::consume_body(request, ended);
    let said = say.write(Err(ErrorCode::InternalError(Some("x".repeat(bytes))))).await;
    match (said, done.await) {
        (Ok(()), Err(ErrorCode::InternalError(text))) => {
            text.map_or(0, |text| text.len()).to_string()
        }
        (said, heard) => format!("{} {heard:?}", said.is_ok()),
    }
}

type Sent = FutureReader<Result<(), ErrorCode>>;

/// Says how long a body is that there is not.
pub(crate) async fn length_alone(peer: &str) -> Result<String> {
    let fields = Fields::from_list(&[("content-length".to_owned(), b"30".to_vec())])?;
    let (request, _) = Request::new(fields, None, wit_future::new(|| Ok(None)).1, None);
    let set = [
        request.set_scheme(Some(&Scheme::Http)),
        request.set_authority(Some(peer)),
        request.set_path_with_query(Some("/")),
    ];
    if set.contains(&Err(())) {
        return Ok("a part of it is not taken".to_owned());
    }
    Ok(client::send(request).await?.get_status_code().to_string())
}

/// Without a body, and never sent.
fn request() -> (Request, Sent) {
    let trailers = wit_future::new(|| Ok(None)).1;
    Request::new(Fields::new(), None, trailers, None)
}
