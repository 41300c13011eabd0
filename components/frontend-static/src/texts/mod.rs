//! Every text of the pages, once in each language. A text that one language lacks does not
//! compile.

mod en;
mod ko;

pub(crate) use en::EN;
pub(crate) use ko::KO;

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
    pub knowledge: Knowledge,
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
    pub mine: &'static str,
    pub edit: &'static str,
    pub delete: &'static str,
    pub delete_warning: &'static str,
    pub confirm_delete: &'static str,
    pub author: &'static str,
    pub description: fn(&str) -> String,
}

pub(crate) struct ReviewForm {
    pub new_title: fn(&str) -> String,
    pub edit_title: fn(&str) -> String,
    pub stars: &'static str,
    pub stars_hint: &'static str,
    pub title: &'static str,
    pub title_hint: &'static str,
    pub body: &'static str,
    pub body_hint: &'static str,
    pub public_title: &'static str,
    pub public_points: [&'static str; 3],
    pub public_link: &'static str,
    pub send: &'static str,
    pub save: &'static str,
    pub not_yours: &'static str,
    pub not_yours_why: &'static str,
    pub not_yours_none: &'static str,
    pub choose: &'static str,
    pub change: &'static str,
    pub go_to_mine: &'static str,
    pub closed: &'static str,
    pub back: &'static str,
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
    pub hospital: &'static str,
    pub hospital_why: &'static str,
    pub no_hospital: &'static str,
    pub hospital_unknown: &'static str,
    pub choose_hospital: &'static str,
    pub change_hospital: &'static str,
    pub clear_hospital: &'static str,
    pub write_review: &'static str,
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
    pub pick_title: &'static str,
    pub pick_hint: &'static str,
    pub pick: &'static str,
    pub picked: &'static str,
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
