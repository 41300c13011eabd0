//! `spin:postgres` on a real server, whose URL is in `JINMAEK_TEST_POSTGRES`. Its user may make
//! tables in its database and end its own sessions.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use url::Url;

use crate::support::{Host, at_once, encoded, until};

/// Why these tests do not run by themselves.
macro_rules! on_a_server {
    ($($(#[$doc:meta])* fn $name:ident() $body:block)*) => {
        $($(#[$doc])* #[test] #[ignore = "needs a server: JINMAEK_TEST_POSTGRES=postgres://…"] fn $name() $body)*
    };
}

fn server() -> Url {
    let url = std::env::var("JINMAEK_TEST_POSTGRES").expect("JINMAEK_TEST_POSTGRES is a URL");
    Url::parse(&url).expect("a URL")
}

/// The host, allowed to reach the server.
fn host(limits: &str) -> Host {
    let server = server();
    let place = format!(
        "postgres={}:{}",
        server.host_str().expect("a host"),
        server.port().unwrap_or(5432)
    );
    Host::with(&format!("[limits]\n{limits}"), &["--variable", &place])
}

fn path(address: &str, more: &str) -> String {
    format!("/postgres?address={}{more}", encoded(address))
}

fn at(host: &Host, address: &str, more: &str, statements: &str) -> (u16, String) {
    host.post(&path(address, more), statements)
}

fn sql(host: &Host, statements: &str) -> String {
    let (status, text) = at(host, server().as_str(), "", statements);
    assert_eq!(status, 200, "{text}");
    text
}

fn error(host: &Host, statements: &str) -> String {
    let (status, text) = at(host, server().as_str(), "", statements);
    assert_eq!(status, 422, "{text}");
    text
}

/// The one line that tells why there is no connection.
fn refused(host: &Host, address: &str) -> String {
    let (status, text) = at(host, address, "", "select 1");
    assert_eq!(status, 422, "{text}");
    assert!(text.starts_with("connection-failed: ") && !text.contains('\n'), "{text}");
    let password = server().password().map(str::to_owned).expect("a password");
    assert!(!text.contains(&password) && !text.contains("mistaken"), "{text}");
    text
}

/// What a server says to who logs in without a word.
fn log_in(client: &mut TcpStream) -> std::io::Result<()> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    client.read_exact(&mut vec![0; u32::from_be_bytes(length) as usize - length.len()])?;
    // AuthenticationOk, ReadyForQuery.
    client.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I")
}

/// So little is asked of the server that it need not be a real one.
#[test]
fn a_session_that_nobody_uses_is_closed() {
    const IDLE: Duration = Duration::from_millis(500);
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = server.local_addr().expect("an address").to_string();
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || {
        for mut client in server.incoming().flatten() {
            let mut last = Vec::new();
            let told = log_in(&mut client).and_then(|()| client.read_to_end(&mut last));
            if told.is_err() || ended.send(last).is_err() {
                return;
            }
        }
    });
    let limits = format!("[limits]\nthreads = 1\nserver_idle_ms = {}\n", IDLE.as_millis());
    let host = Host::with(&limits, &["--variable", &format!("postgres={place}")]);
    let address = format!("postgres://user:word@{place}/name?sslmode=disable");
    for _ in 0..2 {
        let asked = Instant::now();
        assert_eq!(at(&host, &address, "", ""), (200, String::new()));
        let last = end.recv_timeout(Duration::from_secs(10)).expect("the session is closed");
        assert!(asked.elapsed() >= IDLE, "{:?}", asked.elapsed());
        assert_eq!(last, b"X\0\0\0\x04", "Terminate");
    }
}

/// The driver would take all of it into memory, whether or not a statement is under way.
#[test]
fn a_server_that_sends_without_end_is_left() {
    const MUCH: usize = 64 * 1024 * 1024;
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = server.local_addr().expect("an address").to_string();
    let row = [&b"D\x7f\xff\xff\xff"[..], &[0; 65_536]].concat();
    let parameters = b"S\0\0\0\x08a\0b\0".repeat(8_192);
    let notices = b"N\0\0\0\x05\0".repeat(8_192);
    let (taken, received) = mpsc::channel();
    std::thread::spawn(move || {
        for (has_logged_in, flood) in [(true, row), (true, parameters), (false, notices)] {
            let mut client = server.accept().expect("the host").0;
            // A host that prefers TLS asks for it first.
            client.read_exact(&mut [0; 8]).and_then(|()| client.write_all(b"N")).expect("a client");
            if has_logged_in {
                log_in(&mut client).expect("a login");
            } else {
                // AuthenticationOk.
                client.write_all(b"R\0\0\0\x08\0\0\0\0").expect("a client");
            }
            let sent = (0..MUCH).step_by(flood.len());
            let sent = sent.take_while(|_| client.write_all(&flood).is_ok()).count() * flood.len();
            taken.send(sent).expect("the test");
        }
    });
    let host = Host::with("[limits]\nthreads = 1\n", &["--variable", &format!("postgres={place}")]);
    let address = format!("postgres://user:word@{place}/name?sslmode=prefer");
    for _ in 0..3 {
        at(&host, &address, "", "");
        let taken = received.recv_timeout(Duration::from_secs(20)).expect("an end");
        // What the kernel keeps for both sides is among it.
        assert!(taken < MUCH / 2, "{taken} bytes");
    }
}

/// One value that cannot be read, and further rows without end: they are read as long as a statement
/// may take, and no longer.
#[test]
fn rows_after_one_that_cannot_be_read_have_an_end() {
    // Some gigabytes a second.
    const MUCH: usize = 64 << 30;
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = server.local_addr().expect("an address").to_string();
    let row = [&b"D\0\0\xea\x6a\0\x01\0\0\xea\x60"[..], &[b'x'; 60_000]].concat();
    let (taken, received) = mpsc::channel();
    std::thread::spawn(move || {
        for mut client in server.incoming().flatten() {
            let (taken, row) = (taken.clone(), row.clone());
            std::thread::spawn(move || {
                let mut said = [0; 1024];
                log_in(&mut client).and_then(|()| client.read(&mut said))?;
                // Parse and describe: complete, no parameters, a column of type int4, ready.
                client.write_all(b"1\0\0\0\x04t\0\0\0\x06\0\0T\0\0\0\x1a\0\x01a\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\x01Z\0\0\0\x05I")?;
                let _ = client.read(&mut said)?;
                client.write_all(b"2\0\0\0\x04")?;
                let sent = (0..MUCH).step_by(row.len());
                let sent = sent.take_while(|_| client.write_all(&row).is_ok()).count();
                std::io::Result::Ok(taken.send(sent * row.len()))
            });
        }
    });
    let limits = "[limits]\nthreads = 1\nserver_statement_ms = 200\n";
    let host = Host::with(limits, &["--variable", &format!("postgres={place}")]);
    let address = format!("postgres://user:word@{place}/name?sslmode=disable");
    let (status, said) = at(&host, &address, "", "select 1");
    assert!(status == 422 && said.contains("200 ms"), "{status} {said}");
    let taken = received.recv_timeout(Duration::from_secs(20)).expect("an end");
    assert!(taken < MUCH, "{taken} bytes");
}

#[test]
fn addresses_of_a_component_have_an_end_and_are_its_own() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = server.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for mut client in server.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = log_in(&mut client).and_then(|()| client.read(&mut [0; 64]));
            });
        }
    });
    let limits = "[limits]\nthreads = 1\nserver_addresses = 1\n";
    let host = Host::with(limits, &["--variable", &format!("postgres={place}")]);
    let address = |user: &str| format!("postgres://{user}:word@{place}/name?sslmode=disable");
    assert_eq!(at(&host, &address("first"), "", ""), (200, String::new()));
    let (status, said) = at(&host, &address("second"), "", "");
    assert!(status == 422 && said.contains("kept at 1 addresses already"), "{said}");
    let (_, said) =
        host.post(&format!("/earlier/postgres?address={}", encoded(&address("third"))), "select 1");
    assert!(said.contains("the connection was lost"), "{said}");
}

on_a_server! {
    fn values_of_every_type_go_there_and_come_back() {
        let host = host("");
        let address = encoded(server().as_str());
        let (status, text) = host.get(&format!("/postgres-types?address={address}"));
        assert_eq!(status, 200, "{text}");
        for line in [
            r#"bool: DbDataType::Boolean DbValue::Boolean(true)"#,
            r#""char": DbDataType::Other("char") DbValue::Unsupported([249])"#,
            r#"int2: DbDataType::Int16 DbValue::Int16(-32768)"#,
            r#"int4: DbDataType::Int32 DbValue::Int32(2147483647)"#,
            r#"int8: DbDataType::Int64 DbValue::Int64(-9223372036854775808)"#,
            r#"int4: DbDataType::Int32 DbValue::Int32(5)"#,
            r#"int8: DbDataType::Int64 DbValue::Int64(5)"#,
            r#"numeric: DbDataType::Decimal DbValue::Decimal("-70000")"#,
            r#"float4: DbDataType::Floating32 DbValue::Floating32(1.5)"#,
            r#"float8: DbDataType::Floating64 DbValue::Floating64(-0.1)"#,
            r#"varchar: DbDataType::Str DbValue::Str("")"#,
            r#"bytea: DbDataType::Binary DbValue::Binary([0, 255])"#,
            r#"date: DbDataType::Date DbValue::Date((2024, 2, 29))"#,
            r#"time: DbDataType::Time DbValue::Time((1, 2, 3, 4000))"#,
            r#"timestamp: DbDataType::Datetime DbValue::Datetime((2024, 2, 29, 23, 59, 58, 123456000))"#,
            r#"timestamptz: DbDataType::Datetime DbValue::Datetime((2024, 2, 29, 23, 59, 58, 123456000))"#,
            r#"timestamptz: DbDataType::Datetime DbValue::Datetime((1969, 12, 31, 23, 59, 59, 0))"#,
            r#"uuid: DbDataType::Uuid DbValue::Uuid("0190b1a4-7c1e-7000-8000-00000000abcd")"#,
            r#"numeric: DbDataType::Decimal DbValue::Decimal("-123456789012345678901234567890.1200")"#,
            r#"int4[]: DbDataType::ArrayInt32 DbValue::ArrayInt32([Some(1), None])"#,
            r#"int8[]: DbDataType::ArrayInt64 DbValue::ArrayInt64([])"#,
            r#"numeric[]: DbDataType::ArrayDecimal DbValue::ArrayDecimal([Some("1.50"), None])"#,
            r#"inet: DbDataType::Other("inet") DbValue::DbNull"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        for part in ["한글", "RangeInt32((Some((1, ", "RangeInt64((None, Some((5, ", "RangeInt64((Some((0, ",
            "micros: -1, days: 2, months: -3"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert_eq!(sql(&host, "select null::int8, 'x'::text, 1::int8"), "null|x|1\n");
        assert!(sql(&host, "select '10.0.0.1'::inet").contains("Unsupported(["));
        assert!(error(&host, "select 'infinity'::date").starts_with("value-conversion-failed: column `date`"));
        assert!(error(&host, "select $1::int8").starts_with("bad-parameter: the statement takes 1"));
    }

    fn both_forms_of_address_and_both_ways_of_opening() {
        let (host, server) = (host(""), server());
        let words = format!(
            "host={} port={} user={} password='{}' dbname={} application_name='two words'",
            server.host_str().expect("a host"),
            server.port().unwrap_or(5432),
            server.username(),
            server.password().expect("a password"),
            server.path().trim_start_matches('/'),
        );
        let (status, text) = at(&host, &words, "", "select current_setting('application_name')");
        assert_eq!((status, text.as_str()), (200, "two words\n"));
        for way in ["&plain=open", "&plain=build"] {
            assert_eq!(at(&host, server.as_str(), way, "").1, "1 rows, 0 rows\n");
            let elsewhere = at(&host, "postgres://u:mistaken@127.0.0.1:1/d", way, "");
            assert_eq!(elsewhere.0, 422);
            assert!(elsewhere.1.contains("postgres://127.0.0.1:1 is not permitted"), "{}", elsewhere.1);
        }
    }

    fn what_cannot_be_opened_is_said_in_one_line() {
        let (host, server) = (host(""), server());
        let mut wrong = server.clone();
        wrong.set_password(Some("mistaken")).expect("a password");
        assert!(refused(&host, wrong.as_str()).contains("password authentication failed"));
        let mut absent = server.clone();
        absent.set_path("/absent");
        assert!(refused(&host, absent.as_str()).contains("database \"absent\" does not exist"));
        assert!(refused(&host, "postgres://u:mistaken@elsewhere/d").contains("is not permitted"));
        let with = |query: &str| format!("{server}?{query}");
        assert!(refused(&host, &with("hostaddr=10.0.0.1")).contains("`hostaddr`"));
        assert!(refused(&host, &with("sslkey=x")).contains("`sslkey`"));
        assert!(refused(&host, "host=/run/postgresql user=u").contains("Unix socket"));
        let unset = at(&host, server.as_str(), "&ca=nonsense", "select 1");
        assert_eq!(unset, (422, "other: the root certificate holds no certificate".to_owned()));
    }

    fn an_abandoned_transaction_is_invisible_and_undone() {
        let host = host("");
        sql(&host, "!drop table if exists abandoned\n!create table abandoned (id int8)");
        for _ in 0..5 {
            sql(&host, "!begin\n!insert into abandoned values (1)");
            assert_eq!(sql(&host, "select count(*) from abandoned"), "0\n");
            assert_eq!(sql(&host, "!insert into abandoned values (2)"), "1 rows\n");
            assert_eq!(sql(&host, "!delete from abandoned"), "1 rows\n");
            // One that failed, as well.
            error(&host, "!begin\nselect 1/0");
            assert_eq!(sql(&host, "select 1::int8"), "1\n");
        }
    }

    fn nothing_of_a_session_is_left_for_the_next_request() {
        // One thread and one session, so that the next request has the same one.
        let host = host("threads = 1\nserver_sessions = 1\n");
        let pid = "select pg_backend_pid()";
        let first = sql(&host, pid);
        for (leaves, asks, clean) in [
            ("!set search_path = elsewhere", "show search_path", "\"$user\", public\n"),
            ("select set_config('work_mem', '77MB', false)", "show work_mem", "4MB\n"),
            ("!create temp table mine (id int8)", "select to_regclass('mine')::text", "null\n"),
            (
                "select pg_advisory_lock(4711)::text",
                "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()",
                "0\n",
            ),
            (
                "!declare c cursor with hold for select 1",
                "select count(*) from pg_cursors where is_holdable",
                "0\n",
            ),
        ] {
            sql(&host, leaves);
            assert_eq!(sql(&host, asks), clean, "{leaves}");
        }
        assert_eq!(sql(&host, pid), first, "cleaning costs no session");
        sql(&host, "!prepare mine as select 1");
        assert_eq!(sql(&host, "select count(*) from pg_prepared_statements where name = 'mine'"), "0\n");
        assert_ne!(sql(&host, pid), first);
    }

    fn statements_stay_prepared_and_follow_their_tables() {
        let host = host("threads = 1\nserver_sessions = 1\n");
        let count = "select count(*) from pg_prepared_statements where statement like '%not twice%'";
        for _ in 0..3 {
            assert_eq!(sql(&host, "select 'not twice'::text"), "not twice\n");
            sql(&host, "!set work_mem = '5MB'");
        }
        // It counts itself.
        assert_eq!(sql(&host, count), "2\n");
        sql(&host, "!drop table if exists shifting\n!create table shifting (a int8)\n!insert into shifting values (1)");
        assert_eq!(sql(&host, "select * from shifting"), "1\n");
        sql(&host, "!alter table shifting add b text default 'new'");
        assert_eq!(sql(&host, "select * from shifting"), "1|new\n");
        assert_eq!(sql(&host, "select * from shifting\n!deallocate all\nselect * from shifting"), "1|new\n0 rows\n1|new\n");
        // More texts than are kept.
        let many: Vec<String> = (0..200).map(|number| format!("select {number}::int8")).collect();
        assert_eq!(sql(&host, &many.join("\n")).lines().count(), 200);
        let kept = sql(&host, "select count(*) from pg_prepared_statements");
        assert!(kept.trim().parse::<u32>().expect("a number") <= 130, "{kept}");
    }

    fn an_error_of_the_server_has_its_parts() {
        let host = host("");
        sql(&host, "!drop table if exists single\n!create table single (id int8 constraint only_once unique)\n!insert into single values (1)");
        let twice = error(&host, "!insert into single values (1)");
        assert!(twice.starts_with("db-error 23505: duplicate key"), "{twice}");
        assert!(twice.ends_with("(constraint only_once, table single)"), "{twice}");
        assert!(error(&host, "selec").starts_with("db-error 42601: syntax error"));
        assert!(error(&host, "copy single to stdout").starts_with("query-failed: COPY is not supported"));
        assert_eq!(sql(&host, "select 1::int8"), "1\n");
    }

    fn a_statement_that_takes_too_long_is_cancelled_on_the_server() {
        let host = host("server_statement_ms = 300\n");
        let started = Instant::now();
        let (status, text) = at(&host, server().as_str(), "&go-on=1",
            "select pg_sleep(20), 'marked as slow'\nselect 1::int8");
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        assert_eq!(status, 200);
        assert_eq!(text, "query-failed: timed out: the statement took longer than 300 ms and was cancelled\n1\n");
        let running = "select count(*) from pg_stat_activity where state = 'active' and query like '%marked as slow%' and pid <> pg_backend_pid()";
        assert_eq!(sql(&host, running), "0\n");
    }

    fn a_client_that_leaves_takes_its_statement_along() {
        let host = host("request_ms = 500\n");
        assert_eq!(at(&host, server().as_str(), "", "select pg_sleep(20), 'left alone'").0, 504);
        let running = "select count(*) from pg_stat_activity where state = 'active' and query like '%left alone%' and pid <> pg_backend_pid()";
        until(10, "it ends", || sql(&host, running) == "0\n");
    }

    fn a_large_result_is_refused() {
        let host = host("server_result_bytes = 100000\n");
        let large = "select repeat('x', 1000) from generate_series(1, 1000)";
        assert_eq!(error(&host, large), "query-failed: query result exceeds limit of 100000 bytes; use LIMIT");
        assert_eq!(sql(&host, &format!("!{large}")), "1000 rows\n");
        // As text it is ten thousand times as long as on its way.
        let long = "select array_agg(1e100000::numeric) from generate_series(1, 100000)";
        assert_eq!(error(&host, long), "query-failed: query result exceeds limit of 100000 bytes; use LIMIT");
        let empty = "select from generate_series(1, 10000)";
        assert_eq!(error(&host, empty), "query-failed: query result exceeds limit of 100000 bytes; use LIMIT");
        assert_eq!(sql(&host, "select 1::int8"), "1\n");
    }

    fn types_within_types_have_an_end() {
        let host = host("threads = 1\n");
        let nest = "do $$ begin create domain nested_0 as int; for i in 1..2000 loop execute format('create domain nested_%s as nested_%s', i, i - 1); end loop; end $$";
        sql(&host, nest);
        assert_eq!(sql(&host, "select null::nested_20[]"), "null\n");
        let said = error(&host, "select null::nested_2000[]");
        assert!(said.contains("nested deeper than 32 levels") || said.contains("timed out"), "{said}");
        let (_, said) = host.post(&format!("/earlier/postgres?address={}", server()), "select null::nested_1999[]");
        assert!(said.contains("nested deeper than 32 levels") || said.contains("timed out"), "{said}");
        assert_eq!(sql(&host, "select 1::int8"), "1\n");
    }

    fn sixteen_requests_of_one_instance_run_at_once() {
        let host = host("threads = 1\ninstances = 1\n");
        sql(&host, "select 1");
        let started = Instant::now();
        at_once(16, || sql(&host, "select pg_sleep(1), 'x'"));
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }

    fn a_session_that_was_ended_is_replaced() {
        let host = host("threads = 1\n");
        let end = "select pg_terminate_backend(pid)::text from pg_stat_activity where usename = current_user and application_name = 'doomed' and pid <> pg_backend_pid()";
        let doomed = format!("{}?application_name=doomed", server());
        for _ in 0..3 {
            assert_eq!(at(&host, &doomed, "", "select 1::int8").1, "1\n");
            assert_eq!(sql(&host, end), "true\n");
            std::thread::sleep(Duration::from_millis(100));
        }
        let own = at(&host, &doomed, "", "select pg_terminate_backend(pg_backend_pid())");
        assert!(own.1.contains("terminating connection") || own.1.contains("connection was lost"), "{}", own.1);
        assert_eq!(at(&host, &doomed, "", "select 1::int8").1, "1\n");
    }

    fn a_full_pool_answers_that_it_is_busy() {
        let host = host("threads = 1\nserver_sessions = 1\nserver_wait_ms = 300\n");
        std::thread::scope(|scope| {
            let holding = scope.spawn(|| at(&host, server().as_str(), "&ms=2000", "select 1"));
            std::thread::sleep(Duration::from_millis(500));
            let started = Instant::now();
            let text = error(&host, "select 1");
            assert!(text.contains("busy: no session became free within 300 ms"), "{text}");
            assert!(started.elapsed() < Duration::from_millis(1200), "{:?}", started.elapsed());
            assert_eq!(holding.join().expect("no panic").0, 200);
        });
        assert_eq!(sql(&host, "select 1::int8"), "1\n");
    }

    /// The server's certificate is for 127.0.0.1 only, by an authority that nobody else knows.
    fn tls_is_what_the_mode_says() {
        let file = std::env::var("JINMAEK_TEST_POSTGRES_CA").expect("JINMAEK_TEST_POSTGRES_CA is a file");
        let authority = std::fs::read_to_string(file).expect("a certificate");
        let known = format!("&ca={}", encoded(&authority));
        let by_number = server();
        let mut by_name = server();
        by_name.set_host(Some("localhost")).expect("a host");
        let place = format!("postgres=*:{}", by_number.port().unwrap_or(5432));
        let host = Host::with("", &["--variable", &place]);
        let asked = |server: &Url, mode: &str, more: &str| {
            let secured = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
            at(&host, &format!("{server}?sslmode={mode}"), more, secured)
        };
        for (server, mode, more, secured) in [
            (&by_number, "disable", "", "false\n"),
            (&by_number, "prefer", "", "true\n"),
            (&by_number, "require", known.as_str(), "true\n"),
            (&by_number, "verify-full", known.as_str(), "true\n"),
            (&by_name, "verify-ca", known.as_str(), "true\n"),
        ] {
            assert_eq!(asked(server, mode, more), (200, secured.to_owned()), "{server} {mode}");
        }
        for (server, mode, more) in [
            (&by_number, "require", ""),
            (&by_number, "verify-ca", ""),
            (&by_number, "verify-full", ""),
            (&by_name, "verify-full", known.as_str()),
        ] {
            let (status, text) = asked(server, mode, more);
            assert_eq!(status, 422, "{server} {mode}: {text}");
            assert!(text.contains("certificate"), "{text}");
        }
        assert_eq!(asked(&by_number, "verify-full", "&ca=none").0, 422);
    }

    fn components_of_two_earlier_sdks_read_and_write() {
        let host = host("");
        let ask = |route: &str, statements: &str| {
            host.post(&path(server().as_str(), "").replace("/postgres?", route), statements)
        };
        let (status, table) = ask(
            "/earlier/postgres?",
            "select 1::bigint a, 'x' b, null c, 1.5::float8 d\nselect 'a'::bytea e, now() f",
        );
        assert_eq!(status, 200, "{table}");
        for line in [
            "a:DbDataType::Int64|b:DbDataType::Str|c:DbDataType::Str|d:DbDataType::Floating64\n",
            "DbValue::Int64(1)|DbValue::Str(\"x\")|DbValue::DbNull|DbValue::Floating64(1.5)\n",
            "e:DbDataType::Binary|f:DbDataType::Other\n",
            "|DbValue::Unsupported\n",
            "\n1 Err(",
            "ValueConversionFailed",
        ] {
            assert!(table.contains(line), "`{line}` is not in\n{table}");
        }
        let (status, table) = ask(
            "/earlier/postgres3?",
            "select date '2026-01-31' a, time '12:34:56' b, 1::smallint c, gen_random_uuid() d",
        );
        assert_eq!(status, 200, "{table}");
        for line in [
            "a:DbDataType::Date DbValue::Date((2026, 1, 31))\n",
            "b:DbDataType::Time DbValue::Time((12, 34, 56, 0))\n",
            "c:DbDataType::Int16 DbValue::Int16(1)\n",
            "d:DbDataType::Other DbValue::Unsupported\n",
            "[[DbValue::Date((2026, 3, 1))]]",
        ] {
            assert!(table.contains(line), "`{line}` is not in\n{table}");
        }
        for route in ["/earlier/postgres?", "/earlier/postgres3?"] {
            let (status, said) = ask(route, "select * from nothing_of_this_name");
            assert!(status == 422 && said.contains("QueryFailed"), "{said}");
        }
        let route = format!("/unversioned/postgres?{}", server());
        let (status, table) = host.post(&route, "select 1::bigint a, null b");
        assert_eq!((status, table.as_str()), (200, "1 [\"a\", \"b\"] [[DbValue::Int64(1), DbValue::DbNull]]"));
        let (status, said) = host.post(&route, "select * from nothing_of_this_name");
        assert!(status == 422 && said.contains("PgError::QueryFailed"), "{said}");
    }
}
