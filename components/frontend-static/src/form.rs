//! What a browser sends: forms and query strings, and forms shown again after a refusal.

use api::{MAX_BODY_BYTES, Problem};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use uuid::Uuid;

use crate::upstream::Failure;
use crate::visitor::Visitor;

/// The hidden field that makes a form which is sent twice count once.
const KEY_FIELD: &str = "key";

/// The hidden field with the tag of what is edited.
const TAG_FIELD: &str = "tag";

/// Names and values in the order they were sent. A name that is missing reads as empty: the
/// API then says that it is required, as it does of a field that was left empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// 422 where the bytes are not UTF-8: a replacement character must not be stored for them.
    fn parse(encoded: &[u8]) -> Result<Self, Problem> {
        let decoded: Vec<u8> = percent_encoding::percent_decode(encoded).collect();
        if std::str::from_utf8(&decoded).is_err() {
            return Err(Problem::invalid_field("body", "invalid_utf8", "must be UTF-8"));
        }
        Ok(Self(form_urlencoded::parse(encoded).into_owned().collect()))
    }

    pub(crate) fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The value, or `None` where it is empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// The `If-Match` of an edit.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.filled(TAG_FIELD)
    }

    /// The `Idempotency-Key` of the form that was sent. What no form of ours made is left out.
    pub(crate) fn key(&self) -> Option<&str> {
        self.filled(KEY_FIELD).filter(|key| Uuid::try_parse(key).is_ok())
    }
}

/// The query string. What cannot be read counts as not sent: a link is never an error.
pub(crate) struct Query(pub Fields);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(Fields::parse(query.as_bytes()).unwrap_or_default()))
    }
}

/// A form's body. 415 for another type, 413 beyond 1 MiB, 422 where it is not UTF-8.
pub(crate) struct Form(pub Fields);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
        {
            let detail = "Send the body as application/x-www-form-urlencoded.";
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                detail,
            ));
        }
        let bytes = match Limited::new(request.into_body(), MAX_BODY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let detail = format!("Send at most {MAX_BODY_BYTES} bytes.");
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
            }
            Err(error) => {
                let detail = "The body ended early. Send the request again.";
                return Err(
                    Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", detail).because(error)
                );
            }
        };
        Fields::parse(&bytes).map(Self)
    }
}

/// One mistake, as the person reads it.
pub(crate) struct Mistake {
    pub field: String,
    pub message: String,
}

/// A form as it is shown: what is filled in, and what is wrong with it.
pub(crate) struct FormView {
    fields: Fields,
    pub mistakes: Vec<Mistake>,
    /// What is wrong with the whole rather than with a field.
    pub notice: Option<&'static str>,
    /// The session ended while the form was being filled in.
    pub must_sign_in: bool,
    /// A new one each time it is shown: what is corrected is another request.
    pub key: String,
}

impl FormView {
    pub(crate) fn filled_with(fields: Fields) -> Self {
        Self {
            fields,
            mistakes: Vec::new(),
            notice: None,
            must_sign_in: false,
            key: Uuid::new_v4().to_string(),
        }
    }

    pub(crate) fn blank() -> Self {
        Self::filled_with(Fields::default())
    }

    /// A form filled with what is there to be edited.
    pub(crate) fn of(fields: &[(&str, &str)]) -> Self {
        let owned = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::filled_with(Fields(owned.collect()))
    }

    /// Blank, with what is wrong with the whole.
    pub(crate) fn noticed(notice: &'static str) -> Self {
        Self { notice: Some(notice), ..Self::blank() }
    }

    /// The form again with a mistake that no API has to be asked about.
    pub(crate) fn mistaken(fields: Fields, field: &str, code: &str, visitor: &Visitor) -> Self {
        let message = (visitor.language.texts().field_error)(field, code);
        let mistakes = vec![Mistake { field: field.to_owned(), message }];
        Self { mistakes, ..Self::filled_with(fields) }
    }

    /// The form again after the API refused it, with its status. A refusal that sending it
    /// again cannot mend (404, or 403 without an explanation in `texts`) is the error instead.
    pub(crate) fn refused(
        fields: Fields,
        failure: Failure,
        visitor: &Visitor,
    ) -> Result<(StatusCode, Self), Problem> {
        let texts = visitor.language.texts();
        let mut form = Self::filled_with(fields);
        let refusal = match failure {
            Failure::Refused(refusal) => refusal,
            Failure::Unavailable(_) => {
                failure.log(visitor);
                form.notice = Some(texts.errors.try_again);
                return Ok((StatusCode::SERVICE_UNAVAILABLE, form));
            }
        };
        if refusal.status == StatusCode::PRECONDITION_FAILED {
            // Once the person knows, what they save is meant to replace the other edit.
            form.fields.0.retain(|(name, _)| name != TAG_FIELD);
        }
        form.must_sign_in =
            refusal.status == StatusCode::UNAUTHORIZED && refusal.code == "unauthorized";
        form.mistakes = refusal
            .errors
            .iter()
            .map(|error| Mistake {
                field: error.field.clone(),
                message: (texts.field_error)(&error.field, &error.code),
            })
            .collect();
        if form.mistakes.is_empty() && !form.must_sign_in {
            form.notice = (texts.refusal)(&refusal.code);
            if form.notice.is_none() {
                return Err(Failure::Refused(refusal).into());
            }
        }
        Ok((refusal.status, form))
    }

    pub(crate) fn value(&self, field: &str) -> &str {
        self.fields.text(field)
    }

    pub(crate) fn is(&self, field: &str, value: &str) -> bool {
        self.value(field) == value
    }

    pub(crate) fn mistake(&self, field: &str) -> Option<&str> {
        self.mistakes
            .iter()
            .find(|mistake| mistake.field == field)
            .map(|mistake| mistake.message.as_str())
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.must_sign_in || self.notice.is_some() || !self.mistakes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, FormView};
    use crate::upstream::{Failure, FieldError, Refusal};
    use crate::visitor::Visitor;
    use axum::http::StatusCode;

    #[test]
    fn forms_decode_and_what_is_missing_is_empty() {
        let fields =
            Fields::parse("title=%EC%A7%84%EB%A7%A5+1&body=a%26b&title=second".as_bytes()).unwrap();
        assert_eq!(fields.text("title"), "진맥 1");
        assert_eq!(fields.text("body"), "a&b");
        assert_eq!(fields.text("none"), "");
        assert_eq!(fields.filled("none"), None);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_refused() {
        assert!(Fields::parse(b"title=%ff").is_err());
        assert!(Fields::parse(b"title=\xff").is_err());
        assert!(Fields::parse(b"title=%zz&&=&%").is_ok());
    }

    #[test]
    fn only_keys_of_our_own_forms_are_passed_on() {
        let key =
            |value: &str| Fields::parse(format!("key={value}").as_bytes()).unwrap().key().is_some();
        assert!(key("5f0c1c6e-3f53-4a3e-9d0b-6d1f6d0f8a11"));
        assert!(!key("x%0d%0ay"));
        assert!(!key(""));
    }

    fn refused(
        status: StatusCode,
        code: &str,
        errors: Vec<FieldError>,
    ) -> Result<(StatusCode, FormView), api::Problem> {
        let refusal = Refusal { status, code: code.into(), errors, retry_after: None };
        let fields = Fields::parse(b"title=kept").unwrap();
        FormView::refused(fields, Failure::Refused(refusal), &Visitor::public())
    }

    #[test]
    fn a_refused_form_keeps_its_text_and_says_what_is_wrong() {
        let error = FieldError { field: "title".into(), code: "too_short".into() };
        let (status, form) =
            refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid", vec![error]).unwrap();
        assert_eq!(status, 422);
        assert_eq!(form.value("title"), "kept");
        assert!(form.mistake("title").is_some());
        let (_, form) = refused(StatusCode::UNAUTHORIZED, "unauthorized", vec![]).unwrap();
        assert!(form.must_sign_in && form.has_failed());
        assert!(refused(StatusCode::NOT_FOUND, "not_found", vec![]).is_err());
    }
}
