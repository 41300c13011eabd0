//! Every text of the pages, once in each language. A text that one language lacks does not
//! compile.

mod en;
mod ko;
pub(crate) mod moderation;

pub(crate) use en::EN;
pub(crate) use ko::KO;

use serde::Serialize;

use crate::language::Language;

pub(crate) struct Texts {
    pub language: Language,
    pub site: Site,
    pub time: Time,
    pub home: Home,
    pub board: Board,
    pub thread: Thread,
    pub post_form: PostForm,
    pub hospitals: Hospitals,
    pub hospital: Hospital,
    pub review_form: ReviewForm,
    pub sign_up: SignUp,
    pub sign_in: SignIn,
    pub account: Account,
    pub proofs: Proofs,
    pub secret: Secret,
    pub own_reviews: OwnReviews,
    pub messages: Messages,
    pub knowledge: Knowledge,
    pub moderation: moderation::Moderation,
    pub errors: Errors,
    /// A category of the board.
    pub category: fn(&str) -> &'static str,
    /// An aspect of a review.
    pub aspect: fn(&str) -> &'static str,
    /// By the number of a label within its thread; `None` where the comment is deleted.
    pub label: fn(Option<u64>) -> String,
    /// What to do about a wrong field, by the API's names of field and mistake.
    pub field_error: fn(&str, &str) -> String,
    /// What a refusal that names no field means, by its code. `None` where sending the form
    /// again cannot help.
    pub refusal: fn(&str) -> Option<&'static str>,
    /// What has just been done, by the `done` of the address.
    pub done: fn(&str) -> Option<&'static str>,
}

impl Texts {
    /// How many stars, for a screen reader.
    pub(crate) fn spoken_stars(&self, stars: &str) -> String {
        (self.hospital.spoken_stars)(stars)
    }
}

pub(crate) struct Site {
    pub name: &'static str,
    pub description: &'static str,
    pub skip: &'static str,
    pub main_navigation: &'static str,
    pub account_navigation: &'static str,
    pub hospitals: &'static str,
    pub board: &'static str,
    pub knowledge: &'static str,
    pub moderation: &'static str,
    pub moderation_about: &'static str,
    pub moderation_log: &'static str,
    pub account: &'static str,
    pub sign_in: &'static str,
    pub sign_up: &'static str,
    pub sign_out: &'static str,
    pub other_language: &'static str,
    pub other_language_tag: &'static str,
    pub footer: &'static str,
    pub next: &'static str,
    pub first_page: &'static str,
    pub pages: &'static str,
    pub away: &'static str,
    pub cancel: &'static str,
    pub edited: &'static str,
    pub draft_found: &'static str,
    pub draft_restore: &'static str,
    pub draft_discard: &'static str,
    /// Follows the number in a counter, with the space before it where the language has one.
    pub characters: &'static str,
}

pub(crate) struct Time {
    pub now: &'static str,
    pub minutes: fn(i64) -> String,
    pub hours: fn(i64) -> String,
    pub days: fn(i64) -> String,
    /// Of `YYYY-MM-DD`.
    pub date: fn(&str) -> String,
    /// Of `YYYY-MM`.
    pub month: fn(&str) -> String,
}

pub(crate) struct Home {
    pub title: &'static str,
    pub lead: &'static str,
    pub search_label: &'static str,
    pub search_hint: &'static str,
    pub search: &'static str,
    pub questions: &'static str,
    pub no_questions: &'static str,
    pub more_questions: &'static str,
    pub reviews: &'static str,
    pub no_reviews: &'static str,
    pub more_reviews: &'static str,
    pub principles: &'static str,
    pub principle_read: &'static str,
    pub principle_write: &'static str,
    pub principle_know: &'static str,
    pub principle_know_link: &'static str,
}

pub(crate) struct Board {
    pub title: &'static str,
    pub description: &'static str,
    pub write: &'static str,
    pub categories: &'static str,
    pub all: &'static str,
    pub sort: &'static str,
    pub newest: &'static str,
    pub most_voted: &'static str,
    pub search_label: &'static str,
    pub search: &'static str,
    pub answered: &'static str,
    pub votes: &'static str,
    pub comments: &'static str,
    pub empty: &'static str,
    pub nothing_found: fn(&str) -> String,
    pub clear_search: &'static str,
}

pub(crate) struct Thread {
    pub author: &'static str,
    pub accepted: &'static str,
    pub accepted_answer: &'static str,
    pub accept: &'static str,
    pub unaccept: &'static str,
    pub vote: &'static str,
    pub voted: &'static str,
    pub vote_count: fn(u64) -> String,
    pub comments: fn(u64) -> String,
    pub answers: fn(u64) -> String,
    pub no_comments: &'static str,
    pub no_answers: &'static str,
    pub deleted_comment: &'static str,
    pub edit: &'static str,
    pub delete: &'static str,
    pub delete_post_warning: &'static str,
    pub delete_comment_warning: &'static str,
    pub confirm_delete: &'static str,
    pub reply: &'static str,
    pub reply_to: fn(&str) -> String,
    pub write_comment: &'static str,
    pub write_answer: &'static str,
    pub comment_label: &'static str,
    pub comment_hint: &'static str,
    pub send_comment: &'static str,
    pub edit_comment: &'static str,
    pub save: &'static str,
    pub public_note: &'static str,
    pub public_note_link: &'static str,
    pub back_to_thread: &'static str,
}

pub(crate) struct PostForm {
    pub new_title: &'static str,
    pub edit_title: &'static str,
    pub category: &'static str,
    pub title: &'static str,
    pub title_hint: &'static str,
    pub body: &'static str,
    pub body_hint: &'static str,
    pub public_title: &'static str,
    pub public_points: [&'static str; 3],
    pub public_link: &'static str,
    pub send: &'static str,
    pub save: &'static str,
}

pub(crate) struct Hospitals {
    pub title: &'static str,
    pub description: &'static str,
    pub search_label: &'static str,
    pub search_hint: &'static str,
    pub search: &'static str,
    pub region: &'static str,
    pub kind: &'static str,
    pub all_regions: &'static str,
    pub all_kinds: &'static str,
    pub results: &'static str,
    pub empty: &'static str,
    pub empty_hint: &'static str,
    pub clear: &'static str,
    pub closed: &'static str,
    pub no_reviews: &'static str,
    pub reviews: fn(u64) -> String,
}

pub(crate) struct Hospital {
    pub facts: &'static str,
    pub kind: &'static str,
    pub address: &'static str,
    pub phone: &'static str,
    pub homepage: &'static str,
    pub homepage_link: &'static str,
    pub opened: &'static str,
    pub doctors: &'static str,
    pub people: fn(u64) -> String,
    pub specialists: fn(u64) -> String,
    pub source: fn(&str, &str) -> String,
    pub closed_note: &'static str,
    pub rating: &'static str,
    pub out_of_five: &'static str,
    pub spoken_stars: fn(&str) -> String,
    pub aspects: &'static str,
    pub distribution: &'static str,
    pub stars: fn(u64) -> String,
    pub distribution_count: fn(u64) -> String,
    pub too_few: fn(u64) -> String,
    pub too_few_why: &'static str,
    pub none_yet: &'static str,
    pub reviews: fn(u64) -> String,
    pub sort: &'static str,
    pub newest: &'static str,
    pub highest: &'static str,
    pub lowest: &'static str,
    pub no_reviews: &'static str,
    pub write: &'static str,
    pub author: &'static str,
    pub description: fn(&str) -> String,
}

pub(crate) struct ReviewForm {
    pub title: fn(&str) -> String,
    pub edit_title: fn(&str) -> String,
    /// How many passes there are, and how many it takes.
    pub crowd: fn(u64, u64) -> String,
    pub crowd_unknown: &'static str,
    pub crowd_link: &'static str,
    pub no_script: &'static str,
    pub looking: &'static str,
    pub away: &'static str,
    pub no_pass_title: &'static str,
    pub no_pass: &'static str,
    pub no_pass_past: fn(u16) -> String,
    pub sign_in: &'static str,
    pub prove: &'static str,
    pub recover: &'static str,
    pub closed: &'static str,
    pub withdrawn: &'static str,
    pub removed: &'static str,
    pub banned: &'static str,
    pub stars: &'static str,
    pub stars_hint: &'static str,
    pub headline: &'static str,
    pub headline_hint: &'static str,
    pub body: &'static str,
    pub body_hint: &'static str,
    pub public_title: &'static str,
    pub public_points: [&'static str; 4],
    pub public_link: &'static str,
    pub send: &'static str,
    pub save: &'static str,
    pub found_title: &'static str,
    pub found_why: &'static str,
    pub found_correct: &'static str,
    pub found_send: &'static str,
    pub sent_title: &'static str,
    pub sent: &'static str,
    pub sent_batch: &'static str,
    pub sent_crowd: fn(u64, u64) -> String,
    pub sent_secret: &'static str,
    pub saved_title: &'static str,
    pub saved: &'static str,
    pub appeal_title: &'static str,
    pub appeal_why: &'static str,
    pub appeal_label: &'static str,
    pub appeal_hint: &'static str,
    pub appeal_send: &'static str,
    pub appealed_title: &'static str,
    pub appealed: &'static str,
    pub withdraw_show: &'static str,
    pub withdraw_warning: &'static str,
    pub withdraw: &'static str,
    pub own_reviews: &'static str,
    pub back: &'static str,
}

pub(crate) struct OwnReviews {
    pub title: &'static str,
    pub lead: &'static str,
    pub no_script: &'static str,
    pub no_secret: &'static str,
    pub none: &'static str,
    pub recover: &'static str,
    /// Why none of several is asked for at once.
    pub several: &'static str,
    pub search_title: &'static str,
    pub search_why: &'static str,
    pub nothing_found: &'static str,
    pub look: &'static str,
}

pub(crate) struct Proofs {
    pub title: &'static str,
    pub lead: &'static str,
    pub note_link: &'static str,
    pub none: &'static str,
    pub prove: &'static str,
    pub prove_again: &'static str,
    pub change: &'static str,
    pub changeable_on: fn(&str) -> String,
    pub current: &'static str,
    pub expired: &'static str,
    pub hospital: &'static str,
    pub how: &'static str,
    pub method: fn(&str) -> &'static str,
    pub since: &'static str,
    pub until: &'static str,
    pub pass: &'static str,
    pub pass_no_script: &'static str,
    pub pass_making: &'static str,
    pub pass_ready: &'static str,
    pub pass_elsewhere: &'static str,
    pub pass_recover: &'static str,
    pub pass_failed: &'static str,
    pub pass_key_log: &'static str,
    pub pass_no_storage: &'static str,
    pub keep_secret: &'static str,
    pub keep_secret_link: &'static str,
    pub write_review: &'static str,
    pub pending: &'static str,
    pub mail_code: &'static str,
    pub mail_code_hint: &'static str,
    pub mail_confirm: &'static str,
    pub document_waits: fn(u64) -> String,
    pub vouch_waits: fn(u64) -> String,
    pub vouch_code: &'static str,
    pub expires: fn(&str) -> String,
    pub take_back: &'static str,
    pub colleagues: &'static str,
    pub colleagues_why: &'static str,
    pub may_vouch_on: fn(&str) -> String,
    pub find_title: &'static str,
    pub find_hint: &'static str,
    pub pick: &'static str,
    pub form_title: fn(&str) -> String,
    pub form_lead: &'static str,
    pub by_mail: &'static str,
    pub by_mail_why: &'static str,
    pub domains: fn(&str) -> String,
    pub no_domains: &'static str,
    pub address: &'static str,
    pub send_code: &'static str,
    pub by_document: &'static str,
    pub by_document_why: &'static str,
    pub document: &'static str,
    pub document_hint: &'static str,
    /// What becomes of a photo before it is sent.
    pub photo_no_script: &'static str,
    pub photo_shrinking: &'static str,
    pub photo_shrunk: &'static str,
    pub photo_unreadable: &'static str,
    pub file_too_large: &'static str,
    pub send_document: &'static str,
    pub by_vouching: &'static str,
    pub by_vouching_why: &'static str,
    pub make_code: &'static str,
    pub vouch_title: &'static str,
    pub vouch_lead: &'static str,
    pub vouch_label: &'static str,
    pub vouch: &'static str,
    pub back: &'static str,
}

pub(crate) struct Secret {
    pub title: &'static str,
    pub lead: &'static str,
    pub no_script: &'static str,
    pub no_storage: &'static str,
    pub none: &'static str,
    pub present: &'static str,
    pub keep_title: &'static str,
    pub keep: &'static str,
    pub save_file: &'static str,
    pub show_words: &'static str,
    pub words_title: &'static str,
    pub words_how: &'static str,
    pub restore_title: &'static str,
    pub restore_why: &'static str,
    pub restore_replaces: &'static str,
    pub words_label: &'static str,
    pub words_hint: &'static str,
    pub restore: &'static str,
    pub file_label: &'static str,
    pub file_hint: &'static str,
    pub restored: &'static str,
    pub forget_title: &'static str,
    pub forget_why: &'static str,
    pub forget: &'static str,
    pub forgotten: &'static str,
    pub own_reviews: &'static str,
}

/// What the scripts say. `{…}` is filled in by them.
#[derive(Serialize)]
pub(crate) struct Messages {
    pub try_again: &'static str,
    /// With `{n}` fields to correct.
    pub summary: &'static str,
    pub warnings: Warnings,
    pub states: States,
    /// With `{count}`.
    pub words_count: &'static str,
    /// With `{word}`.
    pub words_unknown: &'static str,
    pub words_checksum: &'static str,
    pub file_without: &'static str,
    pub file_name: &'static str,
    /// The first lines of the file.
    pub file_text: &'static str,
    /// With `{year}`.
    pub year: &'static str,
}

/// What in a text may tell who it is about, or by whom.
#[derive(Serialize)]
pub(crate) struct Warnings {
    pub name: &'static str,
    pub phone: &'static str,
    pub date: &'static str,
    pub mail: &'static str,
    pub resident: &'static str,
    pub position: &'static str,
}

/// What became of a review.
#[derive(Serialize)]
pub(crate) struct States {
    pub unasked: &'static str,
    pub unwritten: &'static str,
    pub waiting: &'static str,
    pub published: &'static str,
    pub edit_waits: &'static str,
    /// With `{until}`.
    pub hidden: &'static str,
    pub removed: &'static str,
    pub withdrawn: &'static str,
    pub unknown: &'static str,
}

pub(crate) struct SignUp {
    pub title: &'static str,
    pub lead: &'static str,
    pub login: &'static str,
    pub login_hint: &'static str,
    pub password: &'static str,
    pub password_hint: &'static str,
    pub note: &'static str,
    pub note_link: &'static str,
    pub send: &'static str,
    pub have_account: &'static str,
}

pub(crate) struct SignIn {
    pub title: &'static str,
    pub login: &'static str,
    pub password: &'static str,
    pub send: &'static str,
    pub no_account: &'static str,
    pub note: &'static str,
    pub note_link: &'static str,
}

pub(crate) struct Account {
    pub title: &'static str,
    pub login: &'static str,
    pub since: &'static str,
    pub reviews: &'static str,
    pub reviews_why: &'static str,
    pub proofs: &'static str,
    pub secret: &'static str,
    pub own_reviews: &'static str,
    pub password: &'static str,
    pub current_password: &'static str,
    pub new_password: &'static str,
    pub new_password_hint: &'static str,
    pub change_password: &'static str,
    pub sessions: &'static str,
    pub sessions_hint: &'static str,
    pub sign_out_here: &'static str,
    pub sign_out_everywhere: &'static str,
    pub delete: &'static str,
    pub delete_what: &'static str,
    pub delete_show: &'static str,
    pub delete_password: &'static str,
    pub delete_confirm: &'static str,
    pub note_link: &'static str,
}

/// A heading and its paragraphs.
pub(crate) type Chapter = (&'static str, &'static [&'static str]);

pub(crate) struct Knowledge {
    pub title: &'static str,
    pub lead: &'static str,
    pub chapters: &'static [Chapter],
}

pub(crate) struct Errors {
    pub summary: fn(usize) -> String,
    pub signed_out: &'static str,
    pub sign_in_elsewhere: &'static str,
    pub try_again: &'static str,
    pub home: &'static str,
    pub trace: &'static str,
    /// Title and what to do, by status.
    pub page: fn(u16) -> (&'static str, &'static str),
    /// A list that cannot be shown with these parameters.
    pub list: &'static str,
}
