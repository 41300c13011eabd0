//! `spin:sqlite`: what is shared between requests, and what must not be.

use std::time::Duration;

use crate::support::{Host, at_once, until};

fn sql(host: &Host, statements: &str) -> String {
    let (status, text) = host.post("/sql", statements);
    assert_eq!(status, 200, "{text}");
    text
}

fn error(host: &Host, statements: &str) -> String {
    let (status, text) = host.post("/sql", statements);
    assert_eq!(status, 422, "{text}");
    text
}

#[test]
fn values_of_every_type_come_back() {
    let host = Host::start();
    sql(
        &host,
        "create table t (a, b, c, d, e)\ninsert into t values (1, 2.5, '한글 👩‍⚕️', x'00ff', null)",
    );
    assert_eq!(sql(&host, "select * from t"), "1|2.5|한글 👩‍⚕️|2 bytes|null\n");
    assert!(error(&host, "select * from absent").contains("no such table"));
    assert!(error(&host, "selec").contains("syntax error"));
}

#[test]
fn a_new_file_waits_for_whoever_writes_it() {
    let host = Host::start();
    let other = rusqlite::Connection::open(host.file("app.db")).expect("a database");
    other.execute_batch("create table t (a); begin immediate").expect("a lock");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| sql(&host, "select count(*) from t"));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished());
        other.execute_batch("commit").expect("the end of the lock");
        assert_eq!(waiting.join().expect("no panic"), "0\n");
    });
}

#[test]
fn transactions_of_concurrent_requests_are_kept_apart() {
    let host = Host::start();
    sql(&host, "create table counter (value integer)\ninsert into counter values (0)");
    for (status, text) in at_once(20, || host.get("/transfer?ms=5")) {
        assert_eq!(status, 200, "{text}");
    }
    assert_eq!(sql(&host, "select value from counter"), "20\n");
}

#[test]
fn an_abandoned_transaction_is_rolled_back() {
    let host = Host::start();
    sql(&host, "create table abandoned (id)");
    for _ in 0..3 {
        assert_eq!(host.get("/abandon").0, 200);
        assert_eq!(sql(&host, "select count(*) from abandoned"), "0\n");
        sql(&host, "create table if not exists other (id)\ninsert into other values (1)");
    }
    assert_eq!(sql(&host, "select count(*) from other"), "3\n");
}

#[test]
fn a_connection_that_is_never_closed_goes_back_with_its_instance() {
    let host = Host::with("[limits]\nsqlite_wait_ms = 300\nidle_instance_ms = 500\n", &[]);
    sql(&host, "create table abandoned (id)");
    assert_eq!(host.get("/abandon?leak=1").0, 200);
    assert!(error(&host, "insert into abandoned values (2)").contains("busy"));
    until(20, "the instance gives the connection back", || {
        // Who asks more often keeps the instance from being idle.
        std::thread::sleep(Duration::from_secs(1));
        host.post("/sql", "insert into abandoned values (2)").0 == 200
    });
    assert_eq!(sql(&host, "select id from abandoned"), "2\n");
}

#[test]
fn other_files_are_out_of_reach() {
    let host = Host::start();
    let outside = std::env::temp_dir().join("runtime-shim-outside.db");
    assert!(
        error(&host, &format!("attach '{}' as other", outside.display()))
            .contains("not authorized")
    );
    assert!(
        error(&host, &format!("vacuum into '{}'", outside.display()))
            .contains("authorization denied")
    );
    assert!(
        error(&host, "select load_extension('x')").contains("not authorized")
            || error(&host, "select load_extension('x')").contains("no such function")
    );
    // Of a name that is no literal SQLite tells the host nothing.
    let name = format!("'{}' || ''", outside.display());
    assert!(error(&host, &format!("attach {name} as other")).contains("not authorized"));
    assert!(!outside.exists());
    assert_eq!(sql(&host, "vacuum\npragma journal_mode"), "wal\n");
    sql(&host, "pragma journal_mode = delete");
    assert_eq!(sql(&host, "pragma journal_mode"), "wal\n");
}

/// SQLite plans it level by level, each on more of its thread's stack.
#[test]
fn a_statement_of_many_levels_ends_nobody() {
    let host = Host::start();
    for (tables, terms) in [(60, 900), (240, 240), (240, 120), (4_000, 90)] {
        let mut statement = "with c0(x) as (select 1)".to_owned();
        for table in 1..=tables {
            let terms = "+1".repeat(terms);
            statement += &format!(",c{table}(x) as (select (select x from c{}){terms})", table - 1);
        }
        host.post("/sql", &format!("{statement} select x from c{tables}"));
        assert_eq!(sql(&host, "select 1"), "1\n", "{tables} tables of {terms} terms");
    }
}

#[test]
fn a_second_statement_is_told_to_be_one() {
    let host = Host::start();
    for second in ["create index first on neither (a)", "create table second (a)"] {
        let both = format!("create table neither (a); {second}");
        assert!(error(&host, &both).contains("Multiple statements"), "{second}");
    }
    assert!(error(&host, "select * from neither").contains("no such table"), "neither ran");
}

#[test]
fn settings_of_one_request_are_not_those_of_the_next() {
    let host = Host::start();
    assert_eq!(sql(&host, "pragma recursive_triggers = on\npragma recursive_triggers"), "1\n");
    assert_eq!(sql(&host, "pragma recursive_triggers"), "0\n");
    let like = "select 'a' like 'A'";
    assert_eq!(sql(&host, &format!("pragma case_sensitive_like = on\n{like}")), "0\n");
    assert_eq!(sql(&host, like), "1\n");
    assert_eq!(sql(&host, "attach '' as other\ncreate table other.t (id)"), "");
    assert!(error(&host, "select * from other.t").contains("no such table"));
    for table in ["temp table mine", "table temp.mine"] {
        sql(&host, &format!("create {table} (id)"));
        assert!(error(&host, "select * from mine").contains("no such table"), "{table}");
    }
}

#[test]
fn what_the_process_may_take_is_not_for_a_guest_to_say() {
    let host = Host::start();
    for pragma in ["hard_heap_limit", "soft_heap_limit"] {
        sql(&host, &format!("pragma {pragma} = 1000"));
        assert!(sql(&host, &format!("pragma {pragma}")).len() != "1000\n".len(), "{pragma}");
    }
    // Rows are made before anybody counts them.
    let wide = format!("select randomblob(60000000){}", ", randomblob(60000000)".repeat(99));
    assert!(error(&host, &wide).contains("memory"));
    assert!(error(&host, "attach 'file::memory:' as other").contains("not authorized"));
    let attached = "attach database ':memory:' as other\nselect file from pragma_database_list where name = 'other'";
    assert_eq!(sql(&host, attached), "\n", "a file without a name");
    sql(&host, "create table still (works)");
}

#[test]
fn what_a_statement_may_be_and_make_is_for_the_operator_to_say() {
    let host = Host::with(
        "[limits]\nsqlite_text_bytes = 2000\nsqlite_value_bytes = 100000\n\
         sqlite_pattern_bytes = 2000\nsqlite_heap_bytes = 4000000\nsqlite_file_bytes = 1000000\n",
        &[],
    );
    sql(&host, "create table file (data)");
    let fill = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 12)
                insert into file select randomblob(90000) from n";
    assert!(error(&host, &fill.replace('\n', " ")).contains("full"));
    sql(&host, "insert into file values (randomblob(90000))");
    assert!(error(&host, &format!("select '{}'", "x".repeat(2000))).contains("too long"));
    assert_eq!(sql(&host, "select length(randomblob(90000))"), "90000\n");
    assert!(error(&host, "select length(randomblob(110000))").contains("too big"));
    assert!(
        error(&host, "select length(replace('aa', 'a', randomblob(60000)))").contains("too big")
    );
    assert_eq!(sql(&host, "select 'a' like printf('%.1900c', 'a')"), "0\n");
    assert!(error(&host, "select 'a' like printf('%.2100c', 'a')").contains("too complex"));
    let row = |columns| format!("select randomblob(90000){}", ",randomblob(90000)".repeat(columns));
    assert_eq!(host.post("/sql", &row(8)).0, 200);
    assert!(error(&host, &row(60)).contains("memory"), "4 MB are less than 61 values");
}

#[test]
fn what_cannot_be_stopped_holds_up_nobody() {
    let host = Host::with("[limits]\nthreads = 1\n", &[]);
    // One call of a function, whose time is the product of the lengths.
    let function = "select printf('%.1000000c', 'a') like '%' || printf('%.900c', 'a') || 'b'";
    // The same within the bounds of a serving thread, again and again.
    let many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 20)
        select count(printf('%.60000c', 'a') like '%' || printf('%.900c', 'a') || 'b' || i) from n";
    let many = many.replace('\n', " ");
    let trim = "select length(trim(printf('%.60000c', 'a'), printf('%.50000c', 'b') || 'a'))";
    // What takes long to be read.
    let long = format!("select count(*) from (values (1){})", ",(1)".repeat(250_000));
    // SQLite looks at no clock from one column to the next.
    let columns = |count: usize| {
        let like = format!("p like '%{}b'", "a".repeat(50));
        let likes = vec![like; count].join(",");
        format!("select {likes} from (select printf('%.60000c', 'a') p)")
    };
    let (short, wide) = (columns(60), columns(200));
    for statement in [function, &many, trim, &long, &short, &wide] {
        std::thread::scope(|scope| {
            let busy = scope.spawn(|| host.post("/sql", statement));
            let longest = host.longest_hello(&busy);
            assert!(longest < Duration::from_millis(500), "{longest:?} {statement:.40}");
        });
    }
    assert_eq!(sql(&host, &long), "250001\n");
    let trims =
        "select trim('-+한글+-', '+-'), ltrim('xxay', 'x'), rtrim(1200, 0), trim(null, 'a')";
    assert_eq!(sql(&host, trims), "한글|ay|12|null\n");
    assert!(error(&host, "select 'a' like printf('%.1001c', 'a')").contains("too complex"));
    assert_eq!(sql(&host, "select length(printf('%.70000c', 'a'))"), "70000\n");
}

/// So many times `term`, not too deep for SQLite.
fn sum(term: &str, times: usize) -> String {
    let part = vec![term; 40].join(" + ");
    vec![format!("({part})"); times / 40].join(" + ")
}

/// What `statements` find, while others are answered soon.
fn unhindering(host: &Host, statements: &str) -> String {
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| host.post("/sql", statements));
        let longest = host.longest_hello(&busy);
        let (status, found) = busy.join().expect("no panic");
        assert_eq!(status, 200, "{statements:.40}: {found}");
        assert!(longest < Duration::from_millis(500), "{longest:?} {statements:.40}");
        found
    })
}

const ONE_THREAD: &str = "[limits]\nthreads = 1\n";
const LIGHT_VIEW: &str =
    "create table t (x)\ninsert into t values (1)\ncreate view v as select x as n from t";

/// It calls so many functions that it takes a second.
fn heavy_view() -> String {
    let hexes = sum("length(hex(printf('%.30000c', x)))", 8_000);
    format!("drop view if exists v\ncreate view v as select {hexes} as n from t")
}

/// SQLite looks at no clock while it plans a statement, nor between two functions of a row.
#[test]
fn what_is_long_to_plan_or_calls_much_holds_up_nobody() {
    let host = Host::with(ONE_THREAD, &[]);
    sql(&host, LIGHT_VIEW);
    sql(&host, &heavy_view());
    // Each subquery doubles what the one around it becomes.
    let depth = 19;
    let doubled = format!(
        "select s from {}t{}",
        "(select s + s as s from ".repeat(depth) + "(select x as s from ",
        ")".repeat(depth + 1)
    );
    let patches = sum("length(json_patch(o, p))", 40);
    sql(&host, &format!("create table patched (o, p, n as ({patches}))"));
    let members = |value: &str| {
        format!(
            "(select '{{' || group_concat('\"k' || i || '\":{value}') || '}}' from \
             (with recursive n(i) as (select 1 union all select i + 1 from n where i < 4000) select i from n))"
        )
    };
    let (o, p) = (members("1"), members("2"));
    sql(&host, &format!("insert into patched select {o}, {p}"));
    for statement in [
        doubled.as_str(),
        &format!("select {patches} from (select {o} o, {p} p)"),
        "select n from patched",
        "select n from v",
    ] {
        // The second time it is known.
        let found = unhindering(&host, statement);
        assert_eq!(unhindering(&host, statement), found);
    }
}

/// Under the same text there may be another statement, once the schema is another one.
#[test]
fn what_was_light_is_looked_at_again_when_the_schema_changes() {
    const SELECT: &str = "select n from v";
    let host = Host::with(ONE_THREAD, &[]);
    sql(&host, LIGHT_VIEW);
    for _ in 0..3 {
        assert_eq!(sql(&host, SELECT), "1\n");
    }
    let heavy = heavy_view();
    for _ in 0..2 {
        let private = format!("begin\n{heavy}\n{SELECT}\n{SELECT}\nrollback");
        assert_eq!(unhindering(&host, &private), "480000000\n480000000\n");
        assert_eq!(unhindering(&host, SELECT), "1\n");
        let own = heavy
            .replace("view v", "view temp.v")
            .replace("view if exists v", "view if exists temp.v");
        assert_eq!(
            unhindering(&host, &format!("{own}\n{SELECT}\n{SELECT}")),
            "480000000\n480000000\n"
        );
        assert_eq!(unhindering(&host, SELECT), "1\n");
    }
    unhindering(&host, &heavy);
    for _ in 0..2 {
        assert_eq!(unhindering(&host, SELECT), "480000000\n");
    }
    // What is light in a transaction alone is so for nobody else.
    let private =
        format!("begin\ndrop view v\ncreate view v as select 2 as n\n{SELECT}\n{SELECT}\nrollback");
    assert_eq!(unhindering(&host, &private), "2\n2\n");
    for _ in 0..2 {
        assert_eq!(unhindering(&host, SELECT), "480000000\n");
    }
}

/// Each connection keeps the schema that it has read, until it runs a statement.
#[test]
fn connections_that_know_an_older_schema_hold_up_nobody() {
    const SELECT: &str = "select n from v";
    let host = Host::with(ONE_THREAD, &[]);
    sql(&host, LIGHT_VIEW);
    sql(&host, "create table counter (value integer)\ninsert into counter values (0)");
    let another_is_used = |then: &dyn Fn()| {
        std::thread::scope(|scope| {
            let transfer = scope.spawn(|| host.get("/transfer?ms=2000"));
            std::thread::sleep(Duration::from_millis(300));
            then();
            assert!(!transfer.is_finished() && transfer.join().expect("no panic").0 == 200);
        });
    };
    another_is_used(&|| {
        for _ in 0..3 {
            assert_eq!(sql(&host, SELECT), "1\n");
        }
    });
    sql(&host, &heavy_view());
    // The text of the view is longer than a value may be on a serving thread.
    another_is_used(&|| assert_eq!(unhindering(&host, SELECT), "480000000\n"));
    assert_eq!(sql(&host, "select count(*) from t"), "1\n");
}

#[test]
fn a_slow_read_holds_up_nobody_and_a_large_result_is_refused() {
    let host = Host::with("[limits]\nthreads = 1\nsqlite_result_bytes = 100000\n", &[]);
    let slow = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000000) select max(i) from n";
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| sql(&host, slow));
        std::thread::sleep(Duration::from_millis(200));
        let worst = host.longest_hello(&reading);
        assert!(worst < Duration::from_millis(500), "{worst:?}");
        assert_eq!(reading.join().expect("no panic"), "20000000\n");
    });
    let large = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000) select i from n";
    assert!(error(&host, large).contains("100000 bytes"));
}

#[test]
fn a_database_that_was_not_given_is_refused() {
    let host = Host::start();
    assert_eq!(host.post("/sql?database=other", "select 1").0, 422);
    assert_eq!(host.post("/people/kim/sql", "select 1").0, 422);
}

/// Of the last one, which would take the log along, the next request has use.
#[test]
fn connections_that_nobody_uses_are_closed_but_one() {
    let host = Host::with("[limits]\nsqlite_idle_ms = 1000\n", &[]);
    sql(&host, "create table counter (value integer)\ninsert into counter values (0)");
    for (status, text) in at_once(5, || host.get("/transfer?ms=20")) {
        assert_eq!(status, 200, "{text}");
    }
    // Of the database itself SQLite keeps what it opened, for the sake of its locks.
    let open = || host.opened("app.db-wal");
    let before = open();
    assert!(before > 1, "{before} connections for transactions at once");
    until(10, "all are closed but one", || open() <= 1);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(open(), 1);
    assert_eq!(sql(&host, "select value from counter"), "5\n");
}

#[test]
fn names_of_columns_are_part_of_a_result_and_are_not_kept() {
    let host = Host::with("[limits]\nsqlite_heap_bytes = 1000000000\n", &[]);
    sql(&host, &format!("create table wide ({} int)", "x".repeat(400_000)));
    for columns in (590..600).rev() {
        let select = format!("select {} from wide", vec!["wide.*"; columns].join(","));
        let (status, said) = host.post("/sql", &select);
        assert_eq!(status, 422, "{said}");
        assert!(said.contains("exceeds limit"), "{said}");
    }
    sql(&host, "select count(*) from wide");
}
