use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::Problem;

/// The largest JSON body the APIs read: 1 MiB. The longest text a person may write is far
/// below it, and a body has to fit into memory beside its neighbours'.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// A JSON body. 415 for another type, 413 beyond [`MAX_BODY_BYTES`], 422 naming the field
/// for anything that does not fit `T`.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(&request) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send the body as application/json.",
            ));
        }
        let bytes = collect(request.into_body()).await?;
        parse(&bytes).map(Self)
    }
}

fn is_json(request: &Request) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE);
    let essence =
        value.and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// The bytes of a body that is no JSON, such as a file. 413 beyond [`MAX_BODY_BYTES`].
pub async fn collect(body: axum::body::Body) -> Result<bytes::Bytes, Problem> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("Send at most {MAX_BODY_BYTES} bytes."),
        )),
        Err(error) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "body_incomplete",
            "The body ended early. Send the request again.",
        )
        .because(error)),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Problem::invalid_field("body", "invalid_utf8", "must be UTF-8"));
    }
    // Serde would also fill the fields of a struct from an array, by their place.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::invalid_field("body", "invalid_type", "must be an object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, error) = (error.path().to_string(), error.into_inner());
        match error.classify() {
            serde_json::error::Category::Data => field_problem(&path, &error.to_string()),
            _ => invalid_json(&error),
        }
    })?;
    json.end().map_err(|error| invalid_json(&error))?;
    Ok(value)
}

fn invalid_json(error: &serde_json::Error) -> Problem {
    Problem::invalid_field("body", "invalid_json", format!("must be JSON: {error}"))
}

/// Serde reports a field that is missing, unknown or doubled at the object that lacks or
/// has it, with the field's name between backticks in its message.
pub(crate) fn field_problem(path: &str, message: &str) -> Problem {
    let parent = if path == "." { "" } else { path };
    let kinds = [
        ("missing field", "required"),
        ("unknown field", "unknown_field"),
        ("duplicate field", "duplicate_field"),
    ];
    for (prefix, code) in kinds {
        let Some(rest) = message.strip_prefix(prefix) else { continue };
        let name = rest.split('`').nth(1).unwrap_or("body");
        // An unknown key is already the last part of the path.
        let field = match parent {
            "" => name.to_owned(),
            parent if parent == name || parent.ends_with(&format!(".{name}")) => parent.to_owned(),
            parent => format!("{parent}.{name}"),
        };
        return Problem::invalid_field(field, code, message);
    }
    let field = if parent.is_empty() { "body" } else { parent };
    Problem::invalid_field(field, "invalid_type", message)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::parse;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code)]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code)]
        n: u8,
    }

    fn refused(json: &[u8]) -> (String, &'static str) {
        let problem = parse::<Outer>(json).unwrap_err();
        let error = problem.errors[0].clone();
        (error.field, error.code)
    }

    #[test]
    fn every_kind_of_mistake_names_its_field() {
        assert_eq!(refused(b"{}"), ("inner".into(), "required"));
        assert_eq!(refused(br#"{"inner":{}}"#), ("inner.n".into(), "required"));
        assert_eq!(refused(br#"{"inner":{"n":1,"m":2}}"#), ("inner.m".into(), "unknown_field"));
        assert_eq!(refused(br#"{"inner":{"n":1},"x":1}"#), ("x".into(), "unknown_field"));
        assert_eq!(refused(br#"{"inner":{"n":"a"}}"#), ("inner.n".into(), "invalid_type"));
        assert_eq!(refused(br#"{"inner":{"n":300}}"#), ("inner.n".into(), "invalid_type"));
        assert_eq!(refused(br#" [{"n":1}]"#), ("body".into(), "invalid_type"));
        assert_eq!(refused(b"{"), ("body".into(), "invalid_json"));
        assert_eq!(refused(br#"{"inner":{"n":1}} x"#), ("body".into(), "invalid_json"));
        assert_eq!(refused(b"\"\xff\""), ("body".into(), "invalid_utf8"));
        assert_eq!(refused("[".repeat(10_000).as_bytes()).1, "invalid_type");
    }
}
