//! A form with a file in it (`multipart/form-data`, RFC 7578).

use api::Problem;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use bytes::Bytes;
use multer::{Constraints, Multipart, SizeLimit};

use crate::form::Fields;

/// A photograph of a document, as telephones take them, and what surrounds it in the form.
const MAX_BYTES: u64 = 8 << 20;

/// A hospital's id and the like.
const MAX_FIELD_BYTES: u64 = 1 << 10;

/// The field that holds the file.
const FILE_FIELD: &str = "document";

pub(crate) struct Upload {
    pub fields: Fields,
    /// Empty where no file was chosen.
    pub file: Bytes,
    /// As the browser names it.
    pub media_type: String,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let Some(boundary) = content_type.and_then(|value| multer::parse_boundary(value).ok())
        else {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send the body as multipart/form-data.",
            ));
        };
        let limits = SizeLimit::new()
            .whole_stream(MAX_BYTES)
            .per_field(MAX_FIELD_BYTES)
            .for_field(FILE_FIELD, MAX_BYTES);
        let limits = Constraints::new().size_limit(limits);
        let body = request.into_body().into_data_stream();
        read(Multipart::with_constraints(body, boundary, limits)).await.map_err(refusal)
    }
}

async fn read(mut form: Multipart<'_>) -> multer::Result<Upload> {
    let mut upload =
        Upload { fields: Fields::default(), file: Bytes::new(), media_type: String::new() };
    while let Some(field) = form.next_field().await? {
        let Some(name) = field.name().map(str::to_owned) else { continue };
        if name == FILE_FIELD {
            upload.media_type = field.content_type().map(ToString::to_string).unwrap_or_default();
            upload.file = field.bytes().await?;
        } else {
            upload.fields.push(name, field.text().await?);
        }
    }
    Ok(upload)
}

fn refusal(error: multer::Error) -> Problem {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            let detail = format!("Send at most {MAX_BYTES} bytes.");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
        }
        error => Problem::new(
            StatusCode::BAD_REQUEST,
            "body_incomplete",
            "The form could not be read to its end. Send it again.",
        )
        .because(error),
    }
}
