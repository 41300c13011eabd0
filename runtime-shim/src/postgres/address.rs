//! Addresses of PostgreSQL servers, as URL and as libpq's `key=value` words. They are read here
//! and not by the driver, so that what the allow list is asked about is what is connected to.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

const DEFAULT_PORT: u16 = 5432;

/// How a server proves who it is. As in Spin, a certificate counts wherever TLS is asked for:
/// libpq's `require` would let anybody between the two read along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    Off,
    /// TLS where the server has it. Who can answer in its place can also say that it has none,
    /// so its certificate is looked at only where the guest gave root certificates for it.
    Prefer,
    /// A certificate of a known authority, whatever its name.
    Authority,
    /// A certificate of a known authority for the host's name.
    Full,
}

/// Where to connect, and as whom.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    /// A shorter time to connect than the host's own, where the guest asks for it.
    pub(super) connect: Option<Duration>,
    /// User, password, database, options: for the driver.
    pub(super) config: Config,
}

impl Address {
    /// The error is one line that names what is wrong and never holds a value.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let parameters = match rest {
            Some(rest) => url(rest)?,
            None if text.contains("://") => {
                return Err("the address does not begin with postgres://".to_owned());
            }
            None => words(text)?,
        };
        Self::of(&parameters)
    }

    fn of(parameters: &[(String, String)]) -> Result<Self, String> {
        let mut config = Config::new();
        let (mut host, mut port, mut tls, mut connect) = (None, DEFAULT_PORT, Tls::Prefer, None);
        for (name, value) in parameters {
            match name.as_str() {
                "host" => host = Some(host_name(value)?),
                "port" => port = number(name, value)?,
                "sslmode" => tls = tls_mode(value)?,
                // Zero is libpq's word for no limit; ours stays.
                "connect_timeout" => {
                    let seconds: u32 = number(name, value)?;
                    connect = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
                }
                "channel_binding" if matches!(value.as_str(), "prefer" | "disable") => {}
                "user" => drop(config.user(value)),
                "password" => drop(config.password(value)),
                "dbname" => drop(config.dbname(value)),
                "application_name" => drop(config.application_name(value)),
                "options" => drop(config.options(value)),
                _ => return Err(format!("{} in the address is not supported", shown(name))),
            }
        }
        let host = host.ok_or("the address names no host")?;
        if config.get_user().is_none_or(str::is_empty) {
            return Err("the address names no user".to_owned());
        }
        config.ssl_mode(match tls {
            Tls::Off => SslMode::Disable,
            Tls::Prefer => SslMode::Prefer,
            Tls::Authority | Tls::Full => SslMode::Require,
        });
        Ok(Self { host, port, tls, connect, config })
    }
}

/// The name of a parameter, for a message: what is no name may be part of a password.
fn shown(name: &str) -> String {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    match name.len() <= 32 && name.bytes().all(is_letter) {
        true => format!("`{name}`"),
        false => "a parameter".to_owned(),
    }
}

fn host_name(value: &str) -> Result<String, String> {
    if value.is_empty() {
        return Err("the address names no host".to_owned());
    }
    if value.starts_with(['/', '@']) {
        return Err("`host` is a Unix socket, which components cannot reach".to_owned());
    }
    if value.contains(',') {
        return Err("`host` names several hosts; one is supported".to_owned());
    }
    Ok(value.to_owned())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{name}` in the address is not a valid number"))
}

fn tls_mode(value: &str) -> Result<Tls, String> {
    match value {
        "disable" => Ok(Tls::Off),
        "prefer" => Ok(Tls::Prefer),
        "verify-ca" => Ok(Tls::Authority),
        "require" | "verify-full" => Ok(Tls::Full),
        _ => {
            Err("`sslmode` is none of disable, prefer, require, verify-ca, verify-full".to_owned())
        }
    }
}

/// `user:password@host:port/database?name=value&…`, what follows the scheme.
fn url(rest: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut add = |name: &str, value: &str| {
        found.push((decoded(name)?, decoded(value)?));
        Ok::<_, String>(())
    };
    let place_end = rest.find('?').unwrap_or(rest.len());
    let (place, query) = (&rest[..place_end], rest[place_end..].trim_start_matches('?'));
    let (authority, database) = halves(place, '/');
    let authority = match authority.rsplit_once('@') {
        Some((user, authority)) => {
            let (user, password) = halves(user, ':');
            add("user", user)?;
            if let Some(password) = password {
                add("password", password)?;
            }
            authority
        }
        None => authority,
    };
    let (host, port) = host_and_port(authority)?;
    if !host.is_empty() {
        add("host", host)?;
    }
    if let Some(port) = port {
        add("port", port)?;
    }
    if let Some(database) = database.filter(|name| !name.is_empty()) {
        add("dbname", database)?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) =
            pair.split_once('=').ok_or("a parameter of the address has no value")?;
        add(name, value)?;
    }
    Ok(found)
}

/// `host:port`, `[::1]:port`, each without its port as well.
fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    if authority.contains(',') {
        return Err("`host` names several hosts; one is supported".to_owned());
    }
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("`host` in the address lacks a `]`")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("`port` in the address is not a valid number".to_owned()),
        };
    }
    let (host, port) = halves(authority, ':');
    Ok((host, port.filter(|port| !port.is_empty())))
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Into::into).map_err(|_| "the address holds an escape that is not UTF-8".to_owned())
}

/// What stands before the first `separator`, and what behind it.
fn halves(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(first, second)| (first, Some(second)))
}

/// `name=value name = 'a value'`, with `\` before a quote or a backslash.
fn words(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("a word of the address lacks its `=`")?;
        let (value, after) = word(after.trim_start())?;
        found.push((name.trim_end().to_owned(), value));
        rest = after.trim_start();
    }
    Ok(found)
}

/// The value at the beginning of `text`, and what follows it.
fn word(text: &str) -> Result<(String, &str), String> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            ' ' | '\t' | '\n' | '\r' if !quoted => return Ok((value, &text[at..])),
            other => value.push(other),
        }
    }
    if quoted {
        return Err("a quote in the address does not end".to_owned());
    }
    Ok((value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = Address::parse(text).unwrap_err();
        assert!(!error.contains("secret") && !error.contains('\n'), "{error}");
        error
    }

    #[test]
    fn both_forms_say_the_same() {
        for text in [
            "postgres://kim:p%40ss%20'word@db.example:6432/shop?sslmode=require&application_name=a%20b&connect_timeout=2",
            "postgresql://kim@db.example:6432/shop?password=p%40ss%20%27word&sslmode=verify-full&application_name=a%20b&connect_timeout=2",
            "host=db.example port = 6432 user=kim password='p@ss \\'word' dbname=shop sslmode=require application_name='a b' connect_timeout=2",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host.as_str(), address.port), ("db.example", 6432), "{text}");
            assert_eq!(address.tls, Tls::Full);
            assert_eq!(address.connect, Some(Duration::from_secs(2)));
            assert_eq!(address.config.get_user(), Some("kim"));
            assert_eq!(address.config.get_password(), Some(&b"p@ss 'word"[..]));
            assert_eq!(address.config.get_dbname(), Some("shop"));
            assert_eq!(address.config.get_application_name(), Some("a b"));
        }
    }

    #[test]
    fn what_is_left_out() {
        let address = Address::parse("postgres://kim@[::1]").unwrap();
        assert_eq!((address.host.as_str(), address.port, address.tls), ("::1", 5432, Tls::Prefer));
        assert_eq!(address.config.get_password(), None);
        assert_eq!(Address::parse("user=kim host=h password=''").unwrap().port, 5432);
    }

    #[test]
    fn what_is_refused_is_named() {
        for (text, named) in [
            ("host=h user=u password=secret hostaddr=127.0.0.1", "`hostaddr`"),
            ("postgres://u:secret@h/d?hostaddr=127.0.0.1", "`hostaddr`"),
            ("postgres://u:secret@h/d?service=x", "`service`"),
            ("postgres://u:secret@h1:1,h2:2/d", "several hosts"),
            ("host=h1,h2 user=u password=secret", "several hosts"),
            ("postgres://u:secret@%2Frun%2Fpostgresql/d", "Unix socket"),
            ("host=/run user=u password=secret", "Unix socket"),
            ("postgres://u:secret@h:x/d", "`port`"),
            ("postgres://u:secret@h:70000/d", "`port`"),
            ("postgres://u:secret@[::1]x/d", "`port`"),
            ("postgres://u:secret/with/slash@h/d", "`port`"),
            ("postgres://u:secret@h/d?sslmode=sometimes", "`sslmode`"),
            ("postgres://u:secret@h/d?channel_binding=require", "`channel_binding`"),
            ("postgres://u:secret@/d", "no host"),
            ("user=u password=secret", "no host"),
            ("postgres://h/d?password=secret", "no user"),
            ("mysql://u:secret@h/d", "postgres://"),
            ("host=h user=u password='secret", "does not end"),
            ("host=h user=u password secret", "lacks its `=`"),
            ("host=h user=u password=my secret%5=1", "a parameter"),
        ] {
            assert!(refused(text).contains(named), "{text}: {}", refused(text));
        }
    }
}
