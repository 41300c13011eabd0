//! `mysql://user:password@host:port/database?parameter=value`.
//!
//! Read here and not by `mysql_async`, whose parameters lead past the allow-list (`socket`), and
//! whose errors repeat what they were given, the password among it.

use std::fmt;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use mysql_async::{Opts, OptsBuilder, SslOpts};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::limits::{Limits, size};
use crate::net;

const DEFAULT_PORT: u16 = 3306;

/// Parameters of `mysql_async` that tune what this host does in its own way.
const WITHOUT_EFFECT: &[&str] = &[
    "abs_conn_ttl",
    "abs_conn_ttl_jitter",
    "compression",
    "conn_ttl",
    "inactive_connection_ttl",
    "max_allowed_packet",
    "pool_max",
    "pool_min",
    "prefer_socket",
    "reset_connection",
    "secure_auth",
    "stmt_cache_size",
    "tcp_keepalive",
    "tcp_nodelay",
    "ttl_check_interval",
    "wait_timeout",
];

/// Where to log in, and as whom. It has no `Debug`, because it holds the password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    /// `affected rows` counts what a statement found, not what it changed.
    found_rows: bool,
}

/// What MySQL's own `ssl-mode` says, with the same meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tls {
    Disabled,
    /// Where the server has it; its certificate is not looked at.
    Preferred,
    /// Always; its certificate is not looked at.
    Required,
    /// A known authority must have signed the certificate, for whatever name.
    VerifyCa,
    VerifyIdentity,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mysql://{}:{}", self.host, self.port)
    }
}

impl Address {
    /// The errors name what is wrong in one line, and hold nothing that may be secret.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let Some(rest) = text.strip_prefix("mysql://") else {
            bail!("the address of the database does not start with mysql://");
        };
        // Such an `@` ends a password that has one of these; what stands before it is no host.
        let tail = rest.find(['/', '?', '#']).map_or("", |end| &rest[end..]);
        ensure!(
            !tail.contains(['@', '#']),
            "the address of the database has an `@` or `#` behind the host; in a name or a password write %40 and %23"
        );
        let url = Url::parse(text).context("the address of the database")?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.context("the address of the database names no host")?;
        let database = decoded(url.path().trim_start_matches('/'))?;
        let parameters = Parameters::read(&url)?;
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(DEFAULT_PORT),
            tls: parameters.tls(),
            user: Some(decoded(url.username())?).filter(|user| !user.is_empty()),
            password: url.password().map(decoded).transpose()?,
            database: Some(database).filter(|database| !database.is_empty()),
            found_rows: parameters.found_rows,
        })
    }

    /// For a login at `place`.
    pub(crate) fn options(&self, place: SocketAddr, tls: bool, limits: &Limits) -> Opts {
        // One row, and one statement: what is larger fits into no result, or into no call.
        let packet = size(limits.server_result_bytes.max(limits.hostcall_bytes));
        OptsBuilder::default()
            // The name is for the certificate only, as its address is given.
            .ip_or_hostname(net::unbracketed(&self.host))
            .resolved_ips(Some([place.ip()]))
            .tcp_port(place.port())
            .prefer_socket(false)
            .user(self.user.as_deref())
            .pass(self.password.as_deref())
            .db_name(self.database.as_deref())
            .client_found_rows(self.found_rows)
            // Of none the driver would leave each at the server.
            .stmt_cache_size(size(limits.server_statements).max(1))
            .max_allowed_packet(Some(packet))
            // Only mysql_async's own pool would look at it; without it a login asks the server.
            .wait_timeout(Some(0))
            .ssl_opts(tls.then(|| self.tls.options()))
            .into()
    }
}

impl Tls {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "disabled" => Self::Disabled,
            "preferred" => Self::Preferred,
            "required" => Self::Required,
            "verify_ca" => Self::VerifyCa,
            "verify_identity" => Self::VerifyIdentity,
            _ => return None,
        })
    }

    fn options(self) -> SslOpts {
        let verified = matches!(self, Self::VerifyCa | Self::VerifyIdentity);
        SslOpts::default()
            .with_danger_accept_invalid_certs(!verified)
            .with_danger_skip_domain_validation(self != Self::VerifyIdentity)
    }
}

/// What stands behind the `?`.
struct Parameters {
    mode: Option<Tls>,
    /// `mysql_async`'s way to say it.
    require_ssl: bool,
    verify_ca: bool,
    verify_identity: bool,
    found_rows: bool,
}

impl Parameters {
    fn read(url: &Url) -> Result<Self> {
        let mut all = Self {
            mode: None,
            require_ssl: false,
            verify_ca: true,
            verify_identity: true,
            found_rows: false,
        };
        for (name, value) in url.query_pairs() {
            all.set(&name.to_ascii_lowercase(), &value)
                .with_context(|| format!("parameter `{name}` in the address of the database"))?;
        }
        Ok(all)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "ssl-mode" | "sslmode" => {
                let modes = "is not DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY";
                self.mode = Some(Tls::parse(value).context(modes)?);
            }
            "require_ssl" => self.require_ssl = yes_or_no(value)?,
            "verify_ca" => self.verify_ca = yes_or_no(value)?,
            "verify_identity" => self.verify_identity = yes_or_no(value)?,
            "client_found_rows" => self.found_rows = yes_or_no(value)?,
            "socket" => bail!("is refused: the allow-list knows no sockets"),
            other if WITHOUT_EFFECT.contains(&other) => {}
            _ => bail!("is unknown"),
        }
        Ok(())
    }

    fn tls(&self) -> Tls {
        match (self.mode, self.require_ssl, self.verify_ca, self.verify_identity) {
            (Some(mode), ..) => mode,
            (None, false, ..) => Tls::Preferred,
            (None, true, false, _) => Tls::Required,
            (None, true, true, false) => Tls::VerifyCa,
            (None, true, true, true) => Tls::VerifyIdentity,
        }
    }
}

fn yes_or_no(value: &str) -> Result<bool> {
    value.parse().ok().context("is not true or false")
}

fn decoded(part: &str) -> Result<String> {
    let text = percent_decode_str(part).decode_utf8();
    Ok(text.ok().context("the address of the database is not UTF-8")?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Address, Tls};

    fn refused(text: &str) -> String {
        format!("{:#}", Address::parse(text).err().expect("an error"))
    }

    #[test]
    fn parts_are_found_and_decoded() {
        let address = Address::parse("mysql://us%40er:p%2Fw@db.example/main").unwrap();
        assert_eq!((address.host.as_str(), address.port), ("db.example", 3306));
        assert_eq!(address.user.as_deref(), Some("us@er"));
        assert_eq!(address.password.as_deref(), Some("p/w"));
        assert_eq!(address.database.as_deref(), Some("main"));
        assert_eq!(address.tls, Tls::Preferred);
        assert_eq!(address.to_string(), "mysql://db.example:3306");
        let bare = Address::parse("mysql://[::1]:22").unwrap();
        assert_eq!((bare.host.as_str(), bare.port), ("[::1]", 22));
        assert!(bare.user.is_none() && bare.database.is_none());
    }

    #[test]
    fn tls_is_asked_for_in_either_way() {
        let tls = |query: &str| Address::parse(&format!("mysql://h/d?{query}")).unwrap().tls;
        assert_eq!(tls("ssl-mode=DISABLED"), Tls::Disabled);
        assert_eq!(tls("sslMode=verify_ca&require_ssl=false"), Tls::VerifyCa);
        assert_eq!(tls("require_ssl=true"), Tls::VerifyIdentity);
        assert_eq!(tls("require_ssl=true&verify_identity=false"), Tls::VerifyCa);
        assert_eq!(tls("require_ssl=true&verify_ca=false"), Tls::Required);
        assert_eq!(tls("verify_ca=false&pool_max=3"), Tls::Preferred);
    }

    #[test]
    fn what_is_refused_is_named_without_the_password() {
        for (tail, word) in [
            ("h/d?socket=/run/mysqld.sock", "socket"),
            ("h/d?init=x", "init"),
            ("h/d?ssl-mode=maybe", "VERIFY_CA"),
            ("h/d?verify_ca=maybe", "verify_ca"),
            ("h:port/d", "port"),
            ("", "host"),
        ] {
            let said = refused(&format!("mysql://user:secret@{tail}"));
            assert!(said.contains(word) && !said.contains("secret"), "{said}");
            assert_eq!(said.lines().count(), 1);
        }
        for text in ["mysql://u:1/secret@h/d", "mysql://u:1?secret@h/d", "mysql://u:1#secret@h/d"] {
            assert!(refused(text).contains("%40") && !refused(text).contains("secret"));
        }
        assert!(refused("postgres://h/d").contains("mysql://"));
        assert!(refused("host=h user=u").contains("mysql://"));
    }
}
