//! `spin:mysql` on real servers: each case runs on MariaDB and on MySQL.
//!
//! They need a server whose address stands in `JINMAEK_TEST_MARIADB` or `JINMAEK_TEST_MYSQL`, as
//! `mysql://user:password@127.0.0.1:port/database`, and are ignored otherwise: to run them, start
//! cargo's tests with `--include-ignored`.

use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::{Host, at_once, encoded, until};

struct Server {
    url: String,
    is_mariadb: bool,
}

macro_rules! on_each_server {
    ($($case:ident)*) => {
        mod on_mariadb { $(
            #[test]
            #[ignore = "needs a server in JINMAEK_TEST_MARIADB"]
            fn $case() { super::$case(&super::Server::of("JINMAEK_TEST_MARIADB")) }
        )* }
        mod on_mysql { $(
            #[test]
            #[ignore = "needs a server in JINMAEK_TEST_MYSQL"]
            fn $case() { super::$case(&super::Server::of("JINMAEK_TEST_MYSQL")) }
        )* }
    };
}

on_each_server! {
    values_of_every_type_come_back
    types_that_spin_does_not_know_are_text
    parameters_of_every_type_arrive
    an_abandoned_transaction_is_undone
    transactions_work_in_every_spelling
    nothing_set_by_one_request_meets_the_next
    another_database_is_not_kept
    text_survives_a_reset
    prepared_statements_survive_a_transaction
    errors_say_what_the_server_said
    a_refused_statement_leaves_its_connection_usable
    a_connection_is_one_session
    what_cannot_be_opened_is_one_line_without_the_password
    a_statement_ends_at_its_deadline_and_on_the_server
    a_statement_that_was_given_up_ends_on_the_server
    a_result_over_the_limit_is_refused
    many_statements_of_one_instance_run_at_once
    a_killed_session_is_replaced
    a_session_that_nobody_uses_is_closed
    a_full_pool_says_that_it_is_busy
    logins_work_with_and_without_tls
    blocked_networks_are_out_of_reach
    a_component_of_an_earlier_sdk_reads_and_writes
}

impl Server {
    fn of(variable: &str) -> Self {
        let missing = format!("{variable} says where the server is");
        let url = std::env::var(variable).expect(&missing);
        Self { url, is_mariadb: variable.ends_with("MARIADB") }
    }

    /// The password that must never be seen again.
    fn password(&self) -> &str {
        let (login, _) = self.url.split_once('@').expect("a login in the address");
        login.rsplit_once(':').expect("a password in the address").1
    }

    fn with(&self, parameter: &str) -> String {
        let mark = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{mark}{parameter}", self.url)
    }
}

/// A packet of a server: its length, its number, and what it says.
fn packet(number: u8, says: &[u8]) -> Vec<u8> {
    let length = u32::try_from(says.len()).expect("short").to_le_bytes();
    [&length[..3], &[number], says].concat()
}

/// What a client says.
fn command(client: &mut TcpStream) -> Result<Vec<u8>> {
    let mut head = [0; 4];
    client.read_exact(&mut head)?;
    let mut says = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
    client.read_exact(&mut says).map(|()| says)
}

/// Takes a login and any statement, which it never answers; and answers without end who asks it to
/// stop one. Returns how many bytes that took, at most `much`.
fn stop_without_end(mut client: TcpStream, much: usize) -> Result<usize> {
    const OK: &[u8] = b"\0\0\0\x02\0\0\0";
    // Version 10 of the protocol, and a login by mysql_native_password.
    let greeting = b"\x0a8.0.30\0\x07\0\0\0AAAAAAAA\0\x09\x82\x2d\x02\0\x08\x01\x15\0\0\0\0\0\0\0\0\0\0BBBBBBBBBBBB\0mysql_native_password\0";
    client.write_all(&packet(0, greeting))?;
    command(&mut client)?;
    client.write_all(&packet(2, OK))?;
    loop {
        let said = command(&mut client)?;
        match said.first() {
            // One that is prepared has no columns and no parameters.
            Some(0x16) => client.write_all(&packet(1, b"\0\x01\0\0\0\0\0\0\0\0\0\0"))?,
            Some(0x17) => {}
            Some(0x03) => break,
            _ => client.write_all(&packet(1, OK))?,
        }
    }
    let column = b"\x03def\0\0\0\x01a\0\x0c\x21\0\x64\0\0\0\xfd\0\0\0\0\0";
    client.write_all(&[packet(1, &[1]), packet(2, column)].concat())?;
    let text = [&[0xfd, 0x60, 0xea, 0][..], &[b'z'; 60_000]].concat();
    let rows = (3..=u8::MAX).chain(0..=2).cycle().map(|number| packet(number, &text));
    let taken = rows.take(much / text.len()).take_while(|row| client.write_all(row).is_ok());
    Ok(taken.map(|row| row.len()).sum())
}

/// The driver would read on for ever, long after the one who asked was told.
#[test]
fn a_server_that_never_stops_is_left() {
    // Some gigabytes a second.
    const MUCH: usize = 64 << 30;
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = server.local_addr().expect("an address");
    let (taken, received) = mpsc::channel();
    std::thread::spawn(move || {
        for client in server.incoming().flatten() {
            let taken = taken.clone();
            std::thread::spawn(move || {
                if let Ok(bytes) = stop_without_end(client, MUCH) {
                    let _ = taken.send(bytes);
                }
            });
        }
    });
    let limits = "[limits]\nthreads = 1\nserver_statement_ms = 200\nserver_connect_ms = 200\n";
    let host = Host::with(limits, &[]);
    let url = format!("mysql://user:word@{place}/name?ssl-mode=disabled");
    let (status, said) = post(&host, &url, "", "select 1");
    assert!(status == 422 && said.contains("200 ms"), "{status} {said}");
    let taken = received.recv_timeout(Duration::from_secs(20)).expect("an end");
    assert!(taken < MUCH, "{taken} bytes");
}

fn post(host: &Host, url: &str, more: &str, statements: &str) -> (u16, String) {
    host.post(&format!("/mysql?url={}{more}", encoded(url)), statements)
}

/// The rows of all statements, run on one connection.
fn sql(host: &Host, server: &Server, statements: &str) -> String {
    let (status, text) = post(host, &server.url, "", statements);
    assert_eq!(status, 200, "{text}");
    text
}

fn error(host: &Host, server: &Server, statements: &str) -> String {
    let (status, text) = post(host, &server.url, "", statements);
    assert_eq!(status, 422, "{text}");
    text
}

fn get(host: &Host, server: &Server, path: &str) -> (u16, String) {
    host.get(&format!("{path}&url={}", encoded(&server.url)))
}

/// One thread and one session, so that the next request certainly meets what the last one left.
const ONE_SESSION: &str = "[limits]\nthreads = 1\nserver_sessions = 1\n";

fn values_of_every_type_come_back(server: &Server) {
    let host = Host::start();
    let statements = "create temporary table v (a tinyint, b smallint, c mediumint, d int, e bigint, f tinyint unsigned, g smallint unsigned, h mediumint unsigned, i int unsigned, j bigint unsigned, k float, l double, m varchar(20), n char(5), o text, p varbinary(9), q binary(2), r blob, s boolean, t enum('x','y'), u longtext, v varchar(9) character set utf8mb4 collate utf8mb4_bin) character set utf8mb4
insert into v values (-128, -32768, -8388608, -2147483648, -9223372036854775808, 255, 65535, 16777215, 4294967295, 18446744073709551615, 1.5, -2.25, '한글 👩‍⚕️', 'abc', '글', x'00ff', x'0102', x'', true, 'y', '', 'text')
insert into v (a) values (null)
select * from v";
    let (status, text) = post(&host, &server.url, "&columns=1", statements);
    assert_eq!(status, 200, "{text}");
    let lines: Vec<&str> = text.lines().skip(3).collect();
    assert_eq!(
        lines[0],
        "a DbDataType::Int8|b DbDataType::Int16|c DbDataType::Int32|d DbDataType::Int32|e DbDataType::Int64|f DbDataType::Uint8|g DbDataType::Uint16|h DbDataType::Uint32|i DbDataType::Uint32|j DbDataType::Uint64|k DbDataType::Floating32|l DbDataType::Floating64|m DbDataType::Str|n DbDataType::Str|o DbDataType::Str|p DbDataType::Binary|q DbDataType::Binary|r DbDataType::Binary|s DbDataType::Int8|t DbDataType::Str|u DbDataType::Str|v DbDataType::Binary"
    );
    assert_eq!(
        lines[1],
        "i8:-128|i16:-32768|i32:-8388608|i32:-2147483648|i64:-9223372036854775808|u8:255|u16:65535|u32:16777215|u32:4294967295|u64:18446744073709551615|f32:1.5|f64:-2.25|str:한글 👩‍⚕️|str:abc|str:글|bin:00ff|bin:0102|bin:|i8:1|str:y|str:|bin:74657874"
    );
    assert_eq!(lines[2], vec!["null"; 22].join("|"));
}

fn types_that_spin_does_not_know_are_text(server: &Server) {
    let host = Host::start();
    let text = sql(
        &host,
        server,
        "create temporary table o (a decimal(9,2), b date, c datetime, d datetime(3), e time, f year, g json, h bit(9), i timestamp)
insert into o values (1.5, '2024-02-29', '2024-02-29 00:00:00', '2024-02-29 01:02:03.5', '-30:00:01', 2024, '{\"a\": 1}', b'100000001', '2024-02-29 10:00:00')
select a, b, c, d, e, f, h, i, sum(a) from o group by a, b, c, d, e, f, h, i
select g from o",
    );
    let json = if server.is_mariadb { "bin:7b2261223a20317d" } else { "str:{\"a\": 1}" };
    assert_eq!(
        text,
        format!(
            "str:1.50|str:2024-02-29|str:2024-02-29 00:00:00|str:2024-02-29 01:02:03.500000|str:-30:00:01|str:2024|bin:0101|str:2024-02-29 10:00:00|str:1.50\n{json}\n"
        )
    );
}

fn parameters_of_every_type_arrive(server: &Server) {
    let host = Host::start();
    let parameters = "bool:true\ti8:-8\ti16:-16\ti32:-32\ti64:-9223372036854775808\tu8:8\tu16:16\tu32:32\tu64:18446744073709551615\tf32:0.5\tf64:0.25\tstr:한글\tbin:00ff\tnull";
    let places = ["?"; 14].join(", ");
    let text = sql(
        &host,
        server,
        &format!(
            "create temporary table p (a boolean, b tinyint, c smallint, d int, e bigint, f tinyint unsigned, g smallint unsigned, h int unsigned, i bigint unsigned, j float, k double, l varchar(9), m varbinary(9), n int) character set utf8mb4\ninsert into p values ({places})\t{parameters}\nselect * from p"
        ),
    );
    assert_eq!(
        text,
        "i8:1|i8:-8|i16:-16|i32:-32|i64:-9223372036854775808|u8:8|u16:16|u32:32|u64:18446744073709551615|f32:0.5|f64:0.25|str:한글|bin:00ff|null\n"
    );
    let said = error(&host, server, "select ?");
    assert!(said.contains("StmtParamsMismatch"), "{said}");
}

fn an_abandoned_transaction_is_undone(server: &Server) {
    let host = Host::with(ONE_SESSION, &[]);
    sql(&host, server, "drop table if exists abandoned\ncreate table abandoned (id int)");
    for start in ["set autocommit=0", "begin", "start transaction"] {
        sql(&host, server, &format!("{start}\ninsert into abandoned values (1)"));
        assert_eq!(sql(&host, server, "select count(*) from abandoned"), "i64:0\n", "{start}");
        sql(&host, server, "insert into abandoned values (2)");
        // Seen by a session of another host, so it is committed.
        let other = Host::start();
        assert_eq!(sql(&other, server, "select id from abandoned"), "i32:2\n", "{start}");
        sql(&host, server, "delete from abandoned");
    }
    assert_eq!(sql(&host, server, "select @@autocommit"), "i64:1\n");
}

fn transactions_work_in_every_spelling(server: &Server) {
    let host = Host::with(ONE_SESSION, &[]);
    sql(&host, server, "drop table if exists spelt\ncreate table spelt (id int)");
    sql(
        &host,
        server,
        "SET autocommit = 0\ninsert into spelt values (1)\nCOMMIT\ninsert into spelt values (2)\nROLLBACK",
    );
    sql(
        &host,
        server,
        "begin\ninsert into spelt values (3)\nsavepoint a\ninsert into spelt values (4)\nrollback to a\ncommit",
    );
    sql(
        &host,
        server,
        "execute START TRANSACTION\nexecute insert into spelt values (5)\nexecute COMMIT;",
    );
    assert_eq!(sql(&host, server, "select id from spelt order by id"), "i32:1\ni32:3\ni32:5\n");
}

fn nothing_set_by_one_request_meets_the_next(server: &Server) {
    let host = Host::with(ONE_SESSION, &[]);
    let isolation = if server.is_mariadb { "@@tx_isolation" } else { "@@transaction_isolation" };
    let look = format!("select @a, @@sql_mode, {isolation}, @@autocommit, is_free_lock('jinmaek')");
    let clean = sql(&host, server, &look);
    let session = sql(&host, server, "select connection_id()");
    for change in [
        "set @a = 'mine'",
        "set sql_mode = 'ANSI'",
        "set session transaction isolation level serializable",
        "set session transaction isolation level read committed\nset autocommit=0\nselect 1\ncommit",
        "select get_lock('jinmaek', 1)",
        "select @a := 'mine'",
        "create temporary table mine (id int)",
    ] {
        sql(&host, server, change);
        assert_eq!(sql(&host, server, &look), clean, "{change}");
    }
    assert!(error(&host, server, "select * from mine").contains("code: 1146"));
    assert_eq!(sql(&host, server, "select connection_id()"), session, "the session was kept");
}

fn another_database_is_not_kept(server: &Server) {
    let host = Host::with(ONE_SESSION, &[]);
    let own = sql(&host, server, "select database()");
    for change in ["use information_schema", "/* or */ use information_schema"] {
        // MySQL does not prepare it; MariaDB does. A statement prepared before would not notice.
        let change = format!("{change}\nselect database() as changed");
        let (_, text) = post(&host, &server.url, "&continue=1", &change);
        assert_eq!(text.contains("information_schema"), server.is_mariadb, "{text}");
        assert_eq!(sql(&host, server, "select database()"), own);
    }
}

fn text_survives_a_reset(server: &Server) {
    let host = Host::with(ONE_SESSION, &[]);
    let look = "select @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection";
    let before = sql(&host, server, look);
    assert!(before.contains("utf8mb4"), "{before}");
    sql(&host, server, "set names latin1");
    assert_eq!(sql(&host, server, look), before);
    assert_eq!(sql(&host, server, "select ?\tstr:한글"), "str:한글\n");
}

/// How often this session prepared a statement.
fn prepared(host: &Host, server: &Server) -> u64 {
    let text = sql(host, server, "show session status like 'Com_stmt_prepare'");
    text.trim().rsplit(':').next().and_then(|count| count.parse().ok()).expect("a number")
}

fn prepared_statements_survive_a_transaction(server: &Server) {
    let host = Host::with(ONE_SESSION, &[]);
    sql(&host, server, "drop table if exists kept\ncreate table kept (id int)");
    sql(&host, server, "select 1");
    let (first, again) = (prepared(&host, server), prepared(&host, server));
    assert_eq!(again, first, "repeated statements are prepared once");
    for _ in 0..3 {
        sql(&host, server, "set autocommit=0\ninsert into kept values (?)\ti32:1\ncommit");
    }
    assert_eq!(prepared(&host, server), first + 1, "only the insert, once");
}

fn errors_say_what_the_server_said(server: &Server) {
    let host = Host::start();
    sql(
        &host,
        server,
        "drop table if exists once\ncreate table once (name varchar(9), unique key once_name (name))\ninsert into once values ('a')",
    );
    let said = error(&host, server, "insert into once values ('a')");
    assert!(
        said.starts_with("query-failed: Server(ServerError { code: 1062, message: \"Duplicate entry 'a' for key '"),
        "{said}"
    );
    assert!(said.contains("once_name'\", state: \"23000\" })"), "{said}");
    assert!(error(&host, server, "selec").contains("code: 1064"));
    assert!(error(&host, server, "select * from absent").contains("code: 1146"));
}

fn a_refused_statement_leaves_its_connection_usable(server: &Server) {
    let host = Host::start();
    let statements = "set @a = 7\nselec\nselect ?\nselect * from absent\nselect @a + 0";
    let (status, text) = post(&host, &server.url, "&continue=1", statements);
    assert_eq!(status, 200, "{text}");
    assert_eq!(text.lines().last(), Some("i64:7"), "{text}");
}

fn a_connection_is_one_session(server: &Server) {
    let host = Host::start();
    sql(&host, server, "drop table if exists counted\ncreate table counted (id int)");
    let text = sql(
        &host,
        server,
        "execute insert into counted values (1), (2), (3)\nselect row_count()\nupdate counted set id = 1\nselect row_count()",
    );
    assert_eq!(text, "i64:3\ni64:2\n");
    let found = server.with("client_found_rows=true");
    let (_, text) =
        post(&host, &found, "", "execute update counted set id = 1\nselect row_count()");
    assert_eq!(text, "i64:3\n");
}

fn what_cannot_be_opened_is_one_line_without_the_password(server: &Server) {
    let host = Host::start();
    let password = server.password();
    let (wrong, database) = (format!("{password}x"), server.url.rsplit('/').next().expect("one"));
    let port = server.url.rsplit(':').next().and_then(|end| end.split('/').next()).expect("a port");
    for (url, said) in [
        (server.url.replace(&format!(":{password}@"), &format!(":{wrong}@")), "Access denied"),
        (format!("{}/absent", server.url.trim_end_matches(&format!("/{database}"))), "'absent'"),
        (
            server.url.replace("127.0.0.1", "localhost"),
            &format!("localhost:{port} is not permitted"),
        ),
        (server.url.replace(&format!(":{port}/"), ":9/"), "refused"),
        (server.with("socket=/run/mysqld.sock"), "`socket`"),
        (server.with("init=drop"), "`init`"),
        (server.url.replace("mysql:", "mariadb:"), "mysql://"),
    ] {
        let (status, text) = post(&host, &url, "", "select 1");
        assert!(text.starts_with("connection-failed: ") && text.contains(said), "{text}");
        assert_eq!((status, text.lines().count()), (422, 1), "{text}");
        assert!(!text.contains(password), "{text}");
    }
}

fn is_running(host: &Host, server: &Server, mark: &str) -> bool {
    let look = "select count(*) from information_schema.processlist where info like ? and id <> connection_id()";
    let text = sql(host, server, &format!("{look}\tstr:%{mark}%"));
    text != "i64:0\n"
}

fn a_statement_ends_at_its_deadline_and_on_the_server(server: &Server) {
    let host = Host::with("[limits]\nserver_statement_ms = 700\n", &[]);
    let started = Instant::now();
    let (status, text) =
        post(&host, &server.url, "&continue=1", "select sleep(30) as deadline_mark\nselect 1");
    assert_eq!(status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("timed out") && lines[0].contains("700 ms"), "{text}");
    assert!(lines[1].starts_with("connection-failed: connection lost"), "{text}");
    until(5, "the server gave it up", || !is_running(&host, server, "deadline_mark"));
}

fn a_statement_that_was_given_up_ends_on_the_server(server: &Server) {
    let host = Host::with("[limits]\nserver_statement_ms = 60000\n", &[]);
    let path = "/mysql-give-up?ms=300&statement=select%20sleep(30)%20as%20given_up_mark";
    let started = Instant::now();
    assert_eq!(get(&host, server, path), (200, "given up".to_owned()));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    until(5, "the server gave it up", || !is_running(&host, server, "given_up_mark"));
}

fn a_result_over_the_limit_is_refused(server: &Server) {
    let host = Host::with(
        "[limits]\nthreads = 1\nserver_sessions = 1\n[component.conformance.limits]\nserver_result_bytes = 100000\n",
        &[],
    );
    let large = "with recursive n as (select 1 as i union all select i + 1 from n where i < 900) select i, repeat('x', 200) from n";
    let said = error(&host, server, large);
    // The case and the words of Spin.
    let expected = "Other(\"query result exceeds limit of 100000 bytes";
    assert!(said.contains(expected), "{said}");
    assert!(error(&host, server, "select repeat('x', 200000)").contains("100000 bytes"));
    assert_eq!(sql(&host, server, "select repeat('x', 3)"), "str:xxx\n");
}

fn many_statements_of_one_instance_run_at_once(server: &Server) {
    let host =
        Host::with("[limits]\nthreads = 1\n[component.conformance.limits]\ninstances = 1\n", &[]);
    let started = Instant::now();
    let (status, text) = get(&host, server, "/mysql-parallel?count=16");
    assert_eq!((status, text.lines().count()), (200, 16), "{text}");
    for (status, text) in at_once(16, || get(&host, server, "/mysql-parallel?count=1")) {
        assert_eq!(status, 200, "{text}");
    }
    // One after the other they would take sixteen seconds.
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}

fn a_killed_session_is_replaced(server: &Server) {
    let host = Host::with(ONE_SESSION, &[]);
    let session = sql(&host, server, "select connection_id()");
    let id: u64 = session.trim().rsplit(':').next().and_then(|id| id.parse().ok()).expect("one");
    // By itself, in the middle of a request.
    let (_, text) = post(&host, &server.url, "&continue=1", &format!("kill {id}\nselect 1"));
    assert!(text.contains("connection-failed: connection lost"), "{text}");
    let next = sql(&host, server, "select connection_id()");
    assert_ne!(next, session);
    // By somebody else, while nobody uses it.
    let id: u64 = next.trim().rsplit(':').next().and_then(|id| id.parse().ok()).expect("one");
    let other = Host::start();
    sql(&other, server, &format!("kill {id}"));
    std::thread::sleep(Duration::from_millis(1200));
    assert_ne!(sql(&host, server, "select connection_id()"), next);
}

fn a_session_that_nobody_uses_is_closed(server: &Server) {
    let (host, other) = (Host::with("[limits]\nserver_idle_ms = 300\n", &[]), Host::start());
    let id = sql(&host, server, "select connection_id()");
    let (_, id) = id.trim_end().split_once(':').expect("a number");
    let look = format!("select count(*) from information_schema.processlist where id = {id}");
    until(10, "the session is gone", || sql(&other, server, &look) == "i64:0\n");
    assert_eq!(sql(&host, server, "select 1"), sql(&other, server, "select 1"));
}

fn a_full_pool_says_that_it_is_busy(server: &Server) {
    let limits = "[limits]\nthreads = 1\nserver_sessions = 2\nserver_wait_ms = 500\n";
    let host = Host::with(limits, &[]);
    std::thread::scope(|scope| {
        let holding: Vec<_> =
            (0..2).map(|_| scope.spawn(|| get(&host, server, "/mysql-hold?ms=3000"))).collect();
        std::thread::sleep(Duration::from_millis(1000));
        let started = Instant::now();
        let said = error(&host, server, "select 1");
        assert!(said.starts_with("connection-failed: ") && said.contains("busy"), "{said}");
        assert!(!said.contains(server.password()), "{said}");
        assert!(started.elapsed() < Duration::from_millis(1800), "{:?}", started.elapsed());
        for one in holding {
            assert_eq!(one.join().expect("no panic").0, 200);
        }
    });
    assert_eq!(sql(&host, server, "select 'again'"), "str:again\n");
}

fn logins_work_with_and_without_tls(server: &Server) {
    let host = Host::start();
    let cipher = "show session status like 'Ssl_cipher'";
    let has_tls =
        sql(&host, server, "show variables like 'have_ssl'").contains("YES") || !server.is_mariadb;
    // The server forgets that it knows the password, so that the next login is a whole one:
    // MySQL's default then needs TLS, or the server's RSA key.
    let forget = format!(
        "set password = {}",
        match server.is_mariadb {
            true => format!("password('{}')", server.password()),
            false => format!("'{}'", server.password()),
        }
    );
    for (parameter, secure) in
        [("ssl-mode=DISABLED", false), ("sslMode=PREFERRED", has_tls), ("ssl-mode=REQUIRED", true)]
    {
        sql(&host, server, &forget);
        let (status, text) = post(&host, &server.with(parameter), "", cipher);
        if secure && !has_tls {
            assert_eq!(status, 422, "{text}");
            continue;
        }
        assert_eq!(status, 200, "{parameter}: {text}");
        assert_eq!(text.trim() != "str:Ssl_cipher|str:", secure, "{parameter}: {text}");
    }
    // No authority that anybody knows signs the certificates of tests.
    for mode in ["VERIFY_CA", "VERIFY_IDENTITY"] {
        let (status, text) = post(&host, &server.with(&format!("ssl-mode={mode}")), "", cipher);
        assert_eq!(status, 422, "{text}");
        assert!(text.starts_with("connection-failed: "), "{text}");
    }
}

fn blocked_networks_are_out_of_reach(server: &Server) {
    let host = Host::with("[outbound_networking]\nblock_networks = [\"private\"]\n", &[]);
    let said = error(&host, server, "select 1");
    assert!(said.contains("blocked network"), "{said}");
}

fn a_component_of_an_earlier_sdk_reads_and_writes(server: &Server) {
    let host = Host::start();
    let path = format!("/earlier/mysql?address={}", encoded(&server.url));
    // MariaDB takes a small number for 32 bits.
    let largest = u64::MAX;
    let query = format!("select cast({largest} as unsigned) a, 'x' b, null c");
    let (status, table) = host.post(&path, &query);
    assert_eq!(status, 200, "{table}");
    let value = format!("DbValue::Uint64({largest})|DbValue::Str(");
    for part in ["a:DbDataType::Uint64|b:DbDataType::Str|", &value] {
        assert!(table.contains(part), "`{part}` is not in\n{table}");
    }
    let (status, said) = host.post(&path, "select * from nothing_of_this_name");
    assert!(status == 422 && said.contains("QueryFailed"), "{said}");
    let path = format!("/unversioned/mysql?{}", server.url);
    let (status, table) = host.post(&path, &query);
    assert_eq!(status, 200, "{table}");
    assert!(table.starts_with("[\"a\", \"b\", \"c\"] [[DbValue::Uint64("), "{table}");
    let (status, said) = host.post(&path, "select * from nothing_of_this_name");
    assert!(status == 422 && said.contains("MysqlError::QueryFailed"), "{said}");
}
