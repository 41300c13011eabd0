//! The recovery secret, which never leaves the device: the page only holds what the script needs.

use askama::Template;

use super::proofs::{self, ProofView};
use super::{Frame, Result, Section, messages, show};
use crate::texts::Texts;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "account/secret.html")]
struct SecretPage {
    t: &'static Texts,
    frame: Frame,
    /// Its pass is asked for again once the secret is there.
    proof: Option<ProofView>,
    messages: String,
}

/// Without a session too: who has the secret edits and withdraws with it, account or none.
pub(crate) async fn read(visitor: Visitor) -> Result {
    let t = visitor.language.texts();
    show(&SecretPage {
        t,
        frame: Frame::new(&visitor, Section::Account, t.secret.title).making_passes(),
        proof: proofs::current(&visitor).await,
        messages: messages::json(t)?,
    })
}
