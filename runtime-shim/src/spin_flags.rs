//! Flags of `spin up` that this host lacks, and what takes their place.

use clap::error::{ContextKind, ContextValue, ErrorKind};

const FLAGS: &[(&str, &str)] = &[
    ("--allow-transient-write", "the files of a component are read-only"),
    ("--cache", "compiled components are kept in --cache-dir"),
    ("--debug-info", "no debugger can be attached to a guest"),
    ("--direct-mounts", "a component sees copies of its files; --watch renews them"),
    ("--disable-cache", "compiled components are kept in --cache-dir"),
    ("--disable-pooling", "instances always come from a pool, see `runtime-shim limits`"),
    ("--experimental-wasi-otel", "spans go to OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("--follow", "each line that a component prints has its name; --log-dir writes files"),
    ("--format", "--log-format json is for the log and what components print"),
    ("--from-registry", "an image is for the runtime of a node; here a manifest is served"),
    ("--http1-max-buf-size", "set max_header_bytes in [limits] of a runtime config file"),
    ("--idle-instance-timeout", "set idle_instance_ms in [limits] of a runtime config file"),
    ("--insecure", "this host fetches no images; a component has a digest, wherever it comes from"),
    ("-k", "this host fetches no images; a component has a digest, wherever it comes from"),
    (
        "--max-instance-concurrent-reuse-count",
        "set concurrent_requests in [limits] of a runtime config file",
    ),
    (
        "--max-instance-reuse-count",
        "set requests_per_instance in [limits] of a runtime config file",
    ),
    ("--request-timeout", "set request_ms in [limits] of a runtime config file"),
    ("--temp", "set TMPDIR in the environment"),
    ("--tls-cert", "TLS ends at the gateway in front of this host"),
    ("--tls-key", "TLS ends at the gateway in front of this host"),
    ("--truncate-logs", "log files are appended to"),
];

/// What to say where `error` is about one of them.
pub fn explained(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let (_, instead) = FLAGS.iter().find(|(name, _)| name == flag)?;
    Some(format!("{flag} is Spin's, and not taken here: {instead}"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{FLAGS, explained};
    use crate::config::CommandLine;

    #[test]
    fn only_what_is_not_taken_is_explained() {
        for (flag, instead) in FLAGS {
            let error = CommandLine::try_parse_from(["runtime-shim", "up", flag]).err();
            let said = error.as_ref().and_then(explained).unwrap_or_default();
            assert!(said.ends_with(instead), "{flag}: {said}");
        }
        let error = CommandLine::try_parse_from(["runtime-shim", "up", "--tls-cert=a.pem"]).err();
        assert!(error.as_ref().and_then(explained).is_some());
        let error = CommandLine::try_parse_from(["runtime-shim", "up", "--lisen"]).err();
        assert_eq!(error.as_ref().and_then(explained), None);
        CommandLine::command().debug_assert();
    }
}
