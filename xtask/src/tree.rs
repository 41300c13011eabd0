//! The invariants of the source tree, as ARCHITECTURE.md states them.
//!
//! Rust is read as tokens, so comments do not count and strings are no code. Each rule is a
//! function from a text to what is wrong with it, and each has a test that shows it can fail.

use std::fs;
use std::path::Path;
use std::process::Command;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde_json::Value;

use crate::{command, workspace};

/// Files that may hold `unsafe` or allow it, each with the reason.
const UNSAFE: &[(&str, &str)] =
    &[("runtime-shim/src/native_code.rs", "wasmtime's Component::deserialize_file is unsafe")];

/// Crates that speak HTTP or SQL.
const HTTP_AND_SQL: &[&str] =
    &["api", "axum", "database", "http", "http_body", "hyper", "rusqlite", "spin_sdk", "sqlx"];

const CLOCKS: &[&str] = &["SystemTime", "Instant", "now_utc"];

/// Types whose functions, such as `TcpStream::connect`, open a socket.
const SOCKETS: &[&str] =
    &["Socket", "TcpListener", "TcpSocket", "TcpStream", "UdpSocket", "UnixListener", "UnixStream"];

const NAMELESS: &[&str] = &["utils", "util", "helpers", "helper", "common", "constants"];

/// One line of Rust that breaks a rule: its number and what stands there.
type Finding = (usize, String);

/// Every token of a file that is not a test's, in order, with its line.
fn tokens(text: &str) -> Vec<Finding> {
    let stream: TokenStream = text.parse().expect("the tree holds Rust that compiles");
    let mut found = Vec::new();
    flatten(stream, &mut found);
    found
}

fn flatten(stream: TokenStream, found: &mut Vec<Finding>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        if let Some(TokenTree::Group(attribute)) = trees.peek()
            && is_punct(&tree, '#')
            && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
        {
            skip_item(&mut trees);
            continue;
        }
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                found.push((line, open(group.delimiter()).to_owned()));
                flatten(group.stream(), found);
            }
            other => found.push((line, other.to_string())),
        }
    }
}

/// Up to the body of the item that the attribute belongs to, or its semicolon.
fn skip_item(trees: &mut impl Iterator<Item = TokenTree>) {
    for tree in trees {
        let body =
            matches!(&tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if body || is_punct(&tree, ';') {
            return;
        }
    }
}

fn is_punct(tree: &TokenTree, character: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn open(delimiter: Delimiter) -> &'static str {
    match delimiter {
        Delimiter::Parenthesis => "(",
        Delimiter::Brace => "{",
        Delimiter::Bracket => "[",
        Delimiter::None => "",
    }
}

/// Uses of the names as the first part of a path, as in `http::StatusCode`.
fn paths_into(text: &str, crates: &[&str]) -> Vec<Finding> {
    let tokens = tokens(text);
    let inner = |at: usize| at > 1 && tokens[at - 1].1 == ":" && tokens[at - 2].1 == ":";
    let starts = members(&tokens, crates).filter(|at| !inner(*at));
    starts.map(|at| tokens[at].clone()).collect()
}

/// Calls of a function of these types, wherever in a path they stand.
fn functions_of(text: &str, types: &[&str]) -> Vec<Finding> {
    let tokens = tokens(text);
    members(&tokens, types).map(|at| tokens[at].clone()).collect()
}

/// Where one of the names is followed by `::`.
fn members(tokens: &[Finding], names: &[&str]) -> impl Iterator<Item = usize> {
    tokens.windows(3).enumerate().filter_map(|(at, window)| {
        let named = names.contains(&window[0].1.as_str());
        (named && window[1].1 == ":" && window[2].1 == ":").then_some(at)
    })
}

fn names(text: &str, names: &[&str]) -> Vec<Finding> {
    tokens(text).into_iter().filter(|(_, token)| names.contains(&token.as_str())).collect()
}

/// Literals that read as a statement of SQL.
fn sql(text: &str) -> Vec<Finding> {
    let starts = ["\"select ", "\"insert into ", "\"update ", "\"delete from "];
    let is_sql = |token: &str| starts.iter().any(|start| token.to_lowercase().starts_with(start));
    tokens(text).into_iter().filter(|(_, token)| is_sql(token)).collect()
}

/// Calls that trap the instance, and with it every request it is serving.
fn traps(text: &str) -> Vec<Finding> {
    let tokens = tokens(text);
    let calls = tokens.windows(3).filter(|window| {
        let called = matches!(window[1].1.as_str(), "unwrap" | "expect");
        window[0].1 == "." && called && window[2].1 == "("
    });
    calls.map(|window| window[1].clone()).collect()
}

/// Modules whose name does not say what they hold.
fn nameless_modules(text: &str) -> Vec<Finding> {
    let tokens = tokens(text);
    let modules = tokens.windows(2).filter(|pair| pair[0].1 == "mod");
    modules
        .filter(|pair| NAMELESS.contains(&pair[1].1.as_str()))
        .map(|pair| pair[1].clone())
        .collect()
}

fn is_nameless(path: &str) -> bool {
    path.split('/').any(|part| NAMELESS.contains(&part.split('.').next().unwrap_or_default()))
}

/// What only this machine or its network has: folders of its users, places packages came from.
///
/// The words are put together here, or this file would be its own first finding.
fn local_places(path: &str, text: &str) -> Vec<String> {
    let folders = ["work", "root", "home", "tmp/w"].map(|folder| format!("/{folder}/"));
    let mut found: Vec<String> =
        folders.into_iter().filter(|folder| text.contains(folder.as_str())).collect();
    if path.ends_with("package-lock.json") && text.contains("\"resolved\": \"http") {
        found.push("the address of an npm registry".to_owned());
    }
    let index = "registry+https://github.com/rust-lang/crates.io-index";
    let sources = text.lines().filter(|line| line.starts_with("source = "));
    if path == "Cargo.lock" && sources.clone().any(|line| !line.contains(index)) {
        found.push("a source that is not crates.io".to_owned());
    }
    let setting = ["registry", "index-url", "find-links"].map(|name| format!("{name}="));
    if text.lines().any(|line| setting.iter().any(|name| line.replace(' ', "").starts_with(name))) {
        found.push("the setting of a package registry".to_owned());
    }
    found
}

/// Components among the dependencies of a component, as `A → B`.
fn dependencies_between_components(packages: &[Package]) -> Vec<String> {
    let components: Vec<&Package> =
        packages.iter().filter(|package| package.folder.starts_with("components/")).collect();
    let mut found = Vec::new();
    for component in &components {
        for other in components.iter().filter(|other| component.uses.contains(&other.name)) {
            found.push(format!("{} → {}", component.name, other.name));
        }
    }
    found
}

/// Shared crates that fewer than two packages use: they belong to their only user.
fn crates_that_are_not_shared(packages: &[Package]) -> Vec<String> {
    let users =
        |name: &String| packages.iter().filter(|package| package.uses.contains(name)).count();
    let shared = packages.iter().filter(|package| package.folder.starts_with("crates/"));
    shared.filter(|package| users(&package.name) < 2).map(|package| package.name.clone()).collect()
}

/// A member of the workspace.
struct Package {
    name: String,
    /// From the root, such as `crates/api`.
    folder: String,
    /// Its dependencies of any kind.
    uses: Vec<String>,
}

fn packages() -> Vec<Package> {
    let mut cargo = command::cargo();
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata = command::output(&mut cargo).expect("cargo metadata answers");
    let metadata: Value = serde_json::from_str(&metadata).expect("and in JSON");
    metadata["packages"].as_array().expect("with packages").iter().map(package).collect()
}

fn package(metadata: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let manifest = text(&metadata["manifest_path"]);
    let folder =
        Path::new(&manifest).parent().and_then(|it| it.strip_prefix(workspace::root()).ok());
    let uses = metadata["dependencies"].as_array().expect("dependencies");
    Package {
        name: text(&metadata["name"]),
        folder: folder.expect("a member is in the workspace").display().to_string(),
        uses: uses.iter().map(|dependency| text(&dependency["name"])).collect(),
    }
}

/// The texts that git keeps or is about to: path from the root, and content.
fn files() -> Vec<(String, String)> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let list = command::output(git.current_dir(workspace::root())).expect("git lists its files");
    // What is no UTF-8 is an image or the like; what is not there was just deleted.
    let read =
        |path: &str| Some((path.to_owned(), fs::read_to_string(workspace::path(path)).ok()?));
    list.lines().filter_map(read).collect()
}

fn rust_in(folder: &str) -> Vec<(String, String)> {
    let in_folder = |path: &str| path.starts_with(folder) && path.ends_with(".rs");
    files().into_iter().filter(|(path, _)| in_folder(path)).collect()
}

/// Fails with every finding as `path:line: what`.
fn assert_none(rule: &str, files: Vec<(String, String)>, check: impl Fn(&str) -> Vec<Finding>) {
    let mut found = Vec::new();
    for (path, text) in files {
        found.extend(check(&text).into_iter().map(|(line, what)| format!("{path}:{line}: {what}")));
    }
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

mod rules {
    use super::*;

    #[test]
    fn domain_knows_neither_http_nor_sql_and_reads_no_clock() {
        let mut domain = rust_in("components/");
        domain.retain(|(path, _)| path.contains("/src/domain") && !path.ends_with("tests.rs"));
        assert!(!domain.is_empty(), "there is a domain to look at");
        assert_none("domain rules are pure", domain, |text| {
            [paths_into(text, HTTP_AND_SQL), names(text, CLOCKS), sql(text)].concat()
        });
    }

    #[test]
    fn only_net_opens_a_socket_in_the_host() {
        let mut host = rust_in("runtime-shim/src/");
        host.retain(|(path, _)| !path.starts_with("runtime-shim/src/net"));
        assert_none("sockets are opened in net", host, |text| functions_of(text, SOCKETS));
    }

    #[test]
    fn names_say_what_a_module_holds() {
        let paths: Vec<String> = files().into_iter().map(|(path, _)| path).collect();
        let found: Vec<&String> = paths.iter().filter(|path| is_nameless(path)).collect();
        assert!(found.is_empty(), "name them by what they hold: {found:?}");
        assert_none("name it by what it holds", rust_in(""), nameless_modules);
    }

    #[test]
    fn unsafe_stands_only_where_it_is_named() {
        let mut code = rust_in("");
        code.retain(|(path, _)| !UNSAFE.iter().any(|(excepted, _)| path == excepted));
        assert_none("no unsafe, and no leave for it", code, |text| {
            names(text, &["unsafe", "unsafe_code"])
        });
    }

    #[test]
    fn exceptions_are_still_needed() {
        for (path, reason) in UNSAFE {
            let text = fs::read_to_string(workspace::path(path)).unwrap_or_default();
            assert!(!names(&text, &["unsafe"]).is_empty(), "{path} needs no exception: {reason}");
        }
    }

    #[test]
    fn nothing_in_a_component_traps_on_purpose() {
        let mut code = [rust_in("components/"), rust_in("crates/")].concat();
        code.retain(|(path, _)| path.contains("/src/") && !path.ends_with("tests.rs"));
        assert_none("answer a problem instead of a trap", code, traps);
    }

    #[test]
    fn no_file_knows_this_machine() {
        let mut found = Vec::new();
        for (path, text) in files() {
            found.extend(
                local_places(&path, &text).into_iter().map(|what| format!("{path}: {what}")),
            );
        }
        assert!(found.is_empty(), "these files hold on this machine only:\n{}", found.join("\n"));
    }

    #[test]
    fn components_never_depend_on_each_other() {
        let found = dependencies_between_components(&packages());
        assert!(found.is_empty(), "components talk over HTTP: {found:?}");
    }

    #[test]
    fn a_shared_crate_has_two_users() {
        let found = crates_that_are_not_shared(&packages());
        assert!(found.is_empty(), "move these into their only user: {found:?}");
    }
}

/// A rule that cannot fail is no rule.
mod samples {
    use super::*;

    fn lines(findings: Vec<Finding>) -> Vec<usize> {
        findings.into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn paths_are_found_in_code_and_macros_but_not_in_text() {
        let text =
            "use axum::Router;\n// use http::X\nfn f() { log!(http::OK) }\nlet a = \"http::\";";
        assert_eq!(lines(paths_into(text, HTTP_AND_SQL)), [1, 3]);
        assert!(paths_into("use crate::http::Own;", HTTP_AND_SQL).is_empty());
    }

    #[test]
    fn clocks_and_sockets_are_found() {
        assert_eq!(lines(names("fn f() {\n std::time::SystemTime::now() }", CLOCKS)), [2]);
        let text = "fn f(a: TcpStream) {\n net::TcpStream::connect(b) }";
        assert_eq!(lines(functions_of(text, SOCKETS)), [2]);
    }

    #[test]
    fn sql_is_found() {
        assert_eq!(lines(sql("f(\"Select id from posts\")")), [1]);
        assert!(sql("f(\"Choose a post\")").is_empty());
    }

    #[test]
    fn traps_are_found_outside_tests() {
        let text = "fn f() { a.unwrap(); b.unwrap_or(1); g(b.expect(\"x\")) }
            #[cfg(test)]
            mod tests { fn t() { c.unwrap() } }
            fn h() {
                d.unwrap()
            }";
        assert_eq!(lines(traps(text)), [1, 1, 5]);
    }

    #[test]
    fn unsafe_is_found() {
        let text = "#![allow(unsafe_code)]\nfn f() { unsafe { g() } }";
        assert_eq!(lines(names(text, &["unsafe", "unsafe_code"])), [1, 2]);
    }

    #[test]
    fn nameless_modules_are_found() {
        assert_eq!(lines(nameless_modules("mod utils;\nmod posts;\nmod common { }")), [1, 3]);
        assert!(is_nameless("crates/api/src/helpers.rs") && is_nameless("tests/common/a.mjs"));
        assert!(!is_nameless("crates/api/src/uncommon.rs"));
    }

    #[test]
    fn places_of_one_machine_are_found() {
        assert_eq!(local_places("a.md", concat!("see /ho", "me/me/x")).len(), 1);
        assert_eq!(local_places("x/package-lock.json", "\"resolved\": \"https://a/b\"").len(), 1);
        assert_eq!(local_places("Cargo.lock", "source = \"registry+https://a/index\"").len(), 1);
        assert_eq!(local_places("tests/.npmrc", "registry = https://a").len(), 1);
        assert!(local_places("README.md", "cargo xtask up").is_empty());
    }

    #[test]
    fn wrong_dependencies_are_found() {
        let package = |name: &str, folder: &str, uses: &[&str]| Package {
            name: name.to_owned(),
            folder: folder.to_owned(),
            uses: uses.iter().map(ToString::to_string).collect(),
        };
        let packages = [
            package("auth", "components/auth", &["api"]),
            package("board", "components/board", &["auth", "api", "text"]),
            package("api", "crates/api", &[]),
            package("text", "crates/text", &[]),
        ];
        assert_eq!(dependencies_between_components(&packages), ["board → auth"]);
        assert_eq!(crates_that_are_not_shared(&packages), ["text"]);
    }
}
