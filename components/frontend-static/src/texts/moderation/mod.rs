//! Texts of the pages around moderation.

mod en;
mod ko;

pub(crate) use en::EN;
pub(crate) use ko::KO;

pub(crate) struct Moderation {
    /// Why a review is reported, asked to be taken down, or removed.
    pub reason: fn(&str) -> &'static str,
    /// What was done, by the `act` of the log.
    pub act: fn(&str) -> &'static str,
    pub at_review: AtReview,
    pub report: Report,
    pub takedown: Takedown,
    pub reply: Reply,
    pub about: About,
    pub log: Log,
    pub desk: Desk,
    /// As [`Texts::field_error`](super::Texts), for the fields that only these forms have.
    pub field_error: fn(&str, &str) -> Option<&'static str>,
    pub refusal: fn(&str) -> Option<&'static str>,
    pub done: fn(&str) -> Option<&'static str>,
}

/// Beside a review on its hospital's page.
pub(crate) struct AtReview {
    pub hidden: &'static str,
    /// Until which day.
    pub hidden_why: fn(&str) -> String,
    pub removed: &'static str,
    pub removed_why: &'static str,
    pub log_link: &'static str,
    pub reply: &'static str,
    pub reply_badge: &'static str,
    pub report: &'static str,
    pub takedown: &'static str,
    /// The control's name with the title of the review, for a list of links.
    pub of: fn(&str, &str) -> String,
}

pub(crate) struct Report {
    pub title: &'static str,
    pub lead: &'static str,
    pub reason: &'static str,
    pub detail: &'static str,
    pub detail_hint: &'static str,
    pub points_title: &'static str,
    pub points: [&'static str; 3],
    pub send: &'static str,
}

pub(crate) struct Takedown {
    pub title: &'static str,
    pub lead: &'static str,
    pub claimant: &'static str,
    pub claimant_hint: &'static str,
    pub contact: &'static str,
    pub contact_hint: &'static str,
    pub reason: &'static str,
    pub detail: &'static str,
    pub detail_hint: &'static str,
    pub steps_title: &'static str,
    pub steps: [&'static str; 4],
    pub reply_instead: &'static str,
    pub reply_link: &'static str,
    pub send: &'static str,
    pub not_published: &'static str,
}

pub(crate) struct Reply {
    pub title: &'static str,
    pub lead: &'static str,
    pub token: &'static str,
    pub token_hint: &'static str,
    pub body: &'static str,
    pub body_hint: &'static str,
    pub points_title: &'static str,
    pub points: [&'static str; 3],
    pub send: &'static str,
    pub withdraw: &'static str,
    pub withdraw_what: &'static str,
}

pub(crate) struct About {
    pub title: &'static str,
    pub lead: &'static str,
    pub chapters: &'static [super::Chapter],
    pub find_hospital: &'static str,
}

pub(crate) struct Log {
    pub title: &'static str,
    pub lead: &'static str,
    pub empty: &'static str,
    pub hash: &'static str,
    pub previous: &'static str,
    pub check_title: &'static str,
    pub check_file: &'static str,
    pub check_file_link: &'static str,
    pub check_command: &'static str,
    pub check_later: &'static str,
    pub about_link: &'static str,
}

/// The moderators' own pages.
pub(crate) struct Desk {
    pub title: &'static str,
    pub lead: &'static str,
    pub queues: &'static str,
    pub overview: &'static str,
    pub documents: &'static str,
    pub mail_domains: &'static str,
    pub reports: &'static str,
    pub takedowns: &'static str,
    pub removals: &'static str,
    pub reply_tokens: &'static str,
    /// How many wait; `true` where there are more than were counted.
    pub waiting: fn(u64, bool) -> String,
    pub nothing_waits: &'static str,
    pub gone: &'static str,
    pub unknown_hospital: &'static str,
    pub day: &'static str,
    pub reason: &'static str,
    pub status: &'static str,
    pub detail: &'static str,
    pub see_review: &'static str,
    pub review_gone: &'static str,

    pub documents_lead: &'static str,
    pub document_image: &'static str,
    pub document_open: &'static str,
    pub approvals: fn(u64) -> String,
    pub approve_document: &'static str,
    pub approve_document_what: &'static str,
    pub refuse_document: &'static str,
    pub refuse_document_what: &'static str,
    pub approved_by_me: &'static str,

    pub domains_lead: &'static str,
    pub domains_asked: &'static str,
    pub domains_approved: &'static str,
    pub no_domains_approved: &'static str,
    pub domain: &'static str,
    pub domain_hint: &'static str,
    pub approve_domain: &'static str,
    pub refuse_domain: &'static str,
    pub withdraw_domain: &'static str,
    pub add_domain: &'static str,

    pub reports_lead: &'static str,
    pub dismiss: &'static str,
    pub dismiss_what: &'static str,

    pub takedowns_lead: &'static str,
    pub claimant: &'static str,
    pub contact: &'static str,
    pub takedown_waiting: &'static str,
    /// Until which day.
    pub takedown_hidden: fn(&str) -> String,
    pub appeal: &'static str,
    pub no_appeal: &'static str,
    pub hide: &'static str,
    pub hide_what: &'static str,
    pub refuse_takedown: &'static str,
    pub refuse_takedown_what: &'static str,
    pub restore: &'static str,
    pub restore_what: &'static str,

    pub removals_lead: &'static str,
    pub propose: &'static str,
    pub propose_what: &'static str,
    pub ban_key: &'static str,
    pub ban_key_too: &'static str,
    pub proposed_by_me: &'static str,
    pub remove: &'static str,
    pub remove_what: &'static str,
    pub drop_proposal: &'static str,

    pub tokens_lead: &'static str,
    pub tokens_held: &'static str,
    pub no_tokens: &'static str,
    pub issue: &'static str,
    pub revoke: &'static str,
    pub revoke_what: &'static str,
    pub issued_title: &'static str,
    /// For which hospital.
    pub issued: fn(&str) -> String,
    pub issued_once: &'static str,
    pub back: &'static str,
    pub find_hospital: &'static str,
    pub find: &'static str,
}
