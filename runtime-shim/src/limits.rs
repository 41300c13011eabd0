//! Every limit of the host, in one table: what `runtime-shim limits` prints,
//! what `[limits]` and `[component.ID.limits]` of a runtime config file set.

use serde::Deserialize;
use tokio::sync::Semaphore;

/// The least room for a head that hyper takes.
const LEAST_HEAD_BYTES: usize = 8_192;

/// One row of `runtime-shim limits`.
pub struct Row {
    pub name: &'static str,
    pub default: u64,
    pub unit: &'static str,
    pub reason: &'static str,
    /// Whether `[component.ID.limits]` may set it as well.
    pub per_component: bool,
}

macro_rules! limits {
    (host { $($host:ident = $host_default:expr, $host_unit:literal, $host_reason:literal;)* }
     component { $($own:ident = $own_default:expr, $own_unit:literal, $own_reason:literal;)* }) => {
        /// The limits in force, for the host and for one component.
        #[derive(Clone, Debug)]
        pub struct Limits {
            $(#[doc = $host_reason] pub $host: u64,)*
            $(#[doc = $own_reason] pub $own: u64,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($host: $host_default,)* $($own: $own_default,)* }
            }
        }

        /// What `[limits]` of a runtime config file may set.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct HostOverrides {
            $(pub $host: Option<u64>,)*
            $(pub $own: Option<u64>,)*
        }

        /// What `[component.ID.limits]` may set.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct ComponentOverrides { $(pub $own: Option<u64>,)* }

        impl Limits {
            pub fn with_host(mut self, set: &HostOverrides) -> Self {
                $(if let Some(value) = set.$host { self.$host = value; })*
                $(if let Some(value) = set.$own { self.$own = value; })*
                self
            }

            pub fn with_component(mut self, set: &ComponentOverrides) -> Self {
                $(if let Some(value) = set.$own { self.$own = value; })*
                self
            }
        }

        /// The whole table, in the order of the source.
        pub const TABLE: &[Row] = &[
            $(Row { name: stringify!($host), default: $host_default, unit: $host_unit,
                    reason: $host_reason, per_component: false },)*
            $(Row { name: stringify!($own), default: $own_default, unit: $own_unit,
                    reason: $own_reason, per_component: true },)*
        ];
    };
}

limits! {
    host {
        threads = 0, "threads (0: one per core)",
            "A core runs one thread that keeps its connections and instances to itself, so that no request crosses threads.";
        max_connections = 10_000, "connections",
            "Above this a new connection is closed at once, unless one that had no request for header_read_ms can be closed for it: an idle one costs about 10 KiB.";
        max_header_bytes = 65_536, "bytes",
            "Browsers send less than 16 KiB; more is an attack or a mistake and gets 431. Components make no more either.";
        header_read_ms = 10_000, "ms",
            "A request head that takes longer than this comes from a client that holds the connection on purpose.";
        idle_connection_ms = 75_000, "ms",
            "Longer than the 60 s that proxies keep idle connections, so that they close first.";
        write_ms = 30_000, "ms",
            "A client that takes nothing of its response for this long holds the connection on purpose, or is gone.";
        http2_streams = 128, "requests per connection",
            "As many as a proxy sends of its users on one connection; further ones wait at the client.";
        http2_untaken = 2_048, "responses per thread",
            "Those over HTTP/2 of which clients take nothing, each some 100 KiB at most: of more, connections that leave the most are closed.";
        unready_ms = 0, "ms",
            "After SIGTERM the host says that it is not ready and goes on accepting for this long: load balancers need a moment to notice.";
        drain_ms = 25_000, "ms",
            "Kubernetes kills a pod 30 s after SIGTERM; what is in flight must be finished before.";
        max_instances = 256, "instances",
            "Slots of the instance pool for all components and threads; each reserves address space only.";
        download_bytes = 256 * 1024 * 1024, "bytes",
            "Code that the manifest names by a URL: some megabytes, and some tens with an interpreter in it.";
        download_ms = 300_000, "ms",
            "From the look-up of its host to its last byte, redirects among it.";
        sqlite_connections = 64, "connections per database",
            "More than this many statements at once do not get faster on one file.";
        sqlite_wait_ms = 5_000, "ms",
            "Longest wait for a free connection or for the one writer; then the caller is told that the database is busy.";
        sqlite_idle_ms = 60_000, "ms",
            "A connection that nothing used for this long is closed, but one: closing the last writes all of the log to the file.";
        sqlite_inline_ms = 5, "ms",
            "A read may hold its core this long; a longer one starts again on a thread of its own.";
        sqlite_statement_ms = 30_000, "ms",
            "No request lives longer than this, so no statement needs to.";
        sqlite_slow_statements = 8, "statements per database",
            "Those that run long at the same time: with more, one component would have all the threads on which others wait for their disk.";
        sqlite_value_bytes = 64 * 1024 * 1024, "bytes",
            "The largest value or row, as much as one call may hand to the host. Most functions of SQLite cannot be stopped, so on a serving thread it is 64 KiB: what needs more starts again on another.";
        sqlite_pattern_bytes = 1_000, "bytes",
            "The longest pattern of LIKE and GLOB, which take as long as the product of what they are given.";
        sqlite_text_bytes = 1024 * 1024, "bytes",
            "The text of one statement. Values are bound, so it does not grow with them.";
        sqlite_statements = 128, "statements per connection",
            "Those kept prepared: more than an application has.";
        sqlite_lock_ms = 2_000, "ms",
            "How long the lock of another program is waited for. Within this process the writer's turn comes first.";
        sqlite_heap_bytes = 256 * 1024 * 1024, "bytes",
            "What SQLite takes in this process: rows are made before anybody can count them. A process that runs takes a smaller value, but no larger one.";
        sqlite_file_bytes = 16 * 1024 * 1024 * 1024, "bytes per database",
            "Of its file, without its log: others need the disk as well. A write that needs more is told that the database is full.";
        whole_body_bytes = 128 * 1024 * 1024, "bytes per thread",
            "Bodies of requests to programs and to components of SDKs 1, which take them as a whole, and as much of their answers; further requests are read when there is room, further answers are 503.";
    }
    component {
        instances = 4, "instances per thread",
            "Bounds memory and lets three requests wait out one that computes; waiting requests share an instance. Of components that take one request per instance, as those of WASI 0.2 do, so many compute, and as many wait as would share, as far as `max_instances` has room.";
        lingering_instances = 16, "instances per thread",
            "Those that have answered and whose clients have yet to take it, besides `instances`, as far as `max_instances` has room; of more than these the oldest is ended if others wait.";
        requests_per_instance = 1_000, "requests",
            "An instance is replaced after this many, which bounds what a leak in the guest can hold.";
        concurrent_requests = 16, "requests per instance",
            "Requests that only wait share an instance; what they hold together stays within memory_bytes.";
        idle_instance_ms = 30_000, "ms",
            "An instance that nothing uses gives its memory back; making a new one takes about 0.1 ms.";
        idle_memory_bytes = 16 * 1024 * 1024, "bytes",
            "One that requests made grow by more, as a password hash does, ends as soon as nothing uses it; but of those that grew by up to twice as much each thread keeps one.";
        queue = 320, "requests per thread",
            "Three hundred who come at once all wait behind busy instances; a longer queue would only be answered too late.";
        standing_queue = 16, "requests per thread",
            "A queue up to this length is none to worry about, also where each takes long, as sign-ins do. Of a longer one so many run at a time, and twice as many at each look at a thread that has time to give.";
        standing_ms = 1_000, "ms",
            "A longer queue that does not get shorter for this long is no crowd that came at once: more arrives than is served, and some are refused.";
        standing_busy_ms = 300, "ms",
            "The same where the thread has no time to give: what waits there waits for others of the queue, and a crowd gets shorter all the time.";
        standing_wait_ms = 5, "ms",
            "Then as many may be inside as are served in this time, or half of standing_queue, so that who is served hardly waits; and as many more at each look at a thread that has time to give. Of those that an instance has for longer than standing_busy_ms, as sign-ins are, twice standing_queue take no place.";
        queue_wait_ms = 5_000, "ms",
            "A request that waited this long is told to come back, rather than served after its client left.";
        request_ms = 30_000, "ms",
            "From the first byte of work to the response head; then the client gets 504.";
        compute_ms = 5_000, "ms",
            "Longest time that an instance computes without waiting for anything: an endless loop ends here.";
        response_idle_ms = 30_000, "ms",
            "A streamed response whose next chunk takes longer is cut off.";
        response_ms = 600_000, "ms",
            "A response ends at last; clients of event streams come back by themselves.";
        request_body_bytes = 10 * 1024 * 1024, "bytes",
            "Larger bodies get 413 before they reach the guest.";
        program_output_bytes = 16 * 1024 * 1024, "bytes",
            "What a program of the executor `wagi` writes is held until it ends; one that writes more is answered 500.";
        memory_bytes = 256 * 1024 * 1024, "bytes per instance",
            "Room for an image or an upload in memory, and a bomb ends here.";
        table_elements = 100_000, "elements per instance",
            "Function tables of real programs stay far below.";
        random_bytes = 1024 * 1024, "bytes per call",
            "They are drawn one by one, while everything else on the thread waits.";
        hostcall_bytes = 64 * 1024 * 1024, "bytes per call",
            "What one call may hand to the host, copied into the host's own memory.";
        held_bytes = 256 * 1024 * 1024, "bytes per instance",
            "Arguments of calls under way and rows that the guest has not read: what the host holds for it, as much as its own memory.";
        handles = 5_000, "handles per instance",
            "Open resources (connections, bodies, headers) of one instance, of which some hold 64 KiB and more in the host.";
        open_files = 64, "files and sockets per instance",
            "The process has some thousands of them for all connections of all components. A file of which only a stream is left counts as a handle alone.";
        chain_depth = 8, "calls",
            "A component calling itself through others ends with 508 here.";
        outbound_calls = 128, "calls per instance",
            "Calls in flight at once; more means a loop in the guest.";
        outbound_connections = 512, "connections per thread",
            "Those of its calls to other hosts; a further one waits as long as for the connecting.";
        outbound_connect_ms = 10_000, "ms",
            "A peer that does not answer the TCP and TLS handshake in this time is down.";
        outbound_response_ms = 30_000, "ms",
            "No request lives longer, so no call of it needs to.";
        outbound_idle_ms = 60_000, "ms",
            "A connection to another host that nothing used for this long is closed.";
        outbound_idle_connections = 32, "connections per thread and peer",
            "As many are kept for the next calls; a peer has others to serve as well.";
        look_ups = 8, "names per thread",
            "Those that are looked up at once for its calls and databases: a name whose server does not answer occupies a thread of the process, of 512.";
        server_addresses = 32, "addresses per thread",
            "Database servers that it keeps sessions at; a component has one or two.";
        server_sessions = 16, "sessions per thread and address",
            "As many as one instance has requests; a server takes some hundred in all.";
        server_wait_ms = 2_000, "ms",
            "Longest wait for a session at a database server, free or new; then the caller is told that it is busy.";
        server_connect_ms = 2_000, "ms",
            "A database server that does not take a login in this time is down.";
        server_idle_ms = 60_000, "ms",
            "A session that nothing used for this long is closed.";
        server_statement_ms = 2_000, "ms",
            "A client is told within five seconds that a write did not happen, so a statement is given up sooner.";
        server_statements = 128, "statements per session",
            "Those kept prepared, so that one which is repeated costs one round trip: more than an application has, and a MySQL server allows 16,382 for all sessions together.";
        shared_cache_bytes = 16 * 1024 * 1024, "bytes",
            "Answers that a component shares by s-maxage and that the host gives in its place under load; 0 for none.";
        shared_cache_in_flight = 8, "requests",
            "While fewer are under way at a component, each of them reaches it and sees every write, but for shared_cache_linger_ms after a burst.";
        shared_cache_linger_ms = 1_000, "ms",
            "So long after a burst of so many its answers are given as well: the next one is near.";
        sqlite_result_bytes = 32 * 1024 * 1024, "bytes per result",
            "A result is held in memory as a whole; larger ones need a LIMIT.";
        server_result_bytes = 32 * 1024 * 1024, "bytes per result",
            "A result of a database server is held in memory as a whole; larger ones need a LIMIT.";
        log_line_bytes = 8_192, "bytes",
            "A longer line of guest output is cut, so that one line cannot fill the log.";
    }
}

/// As a count of bytes or of things in memory.
pub(crate) fn size(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Permits of a semaphore: at least one, or nobody would ever have a turn.
pub(crate) fn permits(limit: u64) -> usize {
    size(limit).clamp(1, Semaphore::MAX_PERMITS)
}

impl Limits {
    /// Threads that serve.
    pub fn threads(&self) -> u64 {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
            threads => threads,
        }
    }

    /// The room for the head of a request or a response.
    pub(crate) fn head_bytes(&self) -> usize {
        size(self.max_header_bytes).max(LEAST_HEAD_BYTES)
    }
}

/// Prints the table for people.
pub fn print() {
    let width = TABLE.iter().map(|row| row.name.len()).max().unwrap_or_default();
    for row in TABLE {
        let scope = if row.per_component { "component" } else { "host" };
        println!("{:<width$} {:>12} {} [{scope}]", row.name, row.default, row.unit);
        println!("{:<width$} {}", "", row.reason);
    }
    println!(
        "\nSet them in a runtime config file: [limits] for all, [component.ID.limits] for one component."
    );
}
