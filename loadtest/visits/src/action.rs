//! What people do, each a page or a form of the site, and in which order.

use fastrand::Rng;
use goose::prelude::GooseMethod;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use crate::material::Material;
use crate::visitor::Account;

#[derive(Clone, Copy)]
pub(crate) enum Action {
    Home,
    Board,
    Questions,
    BoardByVotes,
    SearchBoard,
    Thread,
    Hospitals,
    Region,
    SearchHospitals,
    Hospital,
    LowestReviews,
    SignUp,
    SignIn,
    SignOut,
    Account,
    Vote,
    Comment,
    PostForm,
    Post,
    ReviewForm,
}

/// Of the public: reads what is new, and looks up hospitals in lists.
pub(crate) const READER: &[Action] = &[
    Action::Home,
    Action::Board,
    Action::Thread,
    Action::Thread,
    Action::Questions,
    Action::Thread,
    Action::Hospitals,
    Action::Hospital,
    Action::LowestReviews,
    Action::Region,
    Action::Hospital,
    Action::BoardByVotes,
    Action::Thread,
];

/// Looks for something by its name.
pub(crate) const SEARCHER: &[Action] = &[
    Action::Home,
    Action::SearchHospitals,
    Action::Hospital,
    Action::SearchHospitals,
    Action::Hospital,
    Action::SearchBoard,
    Action::Thread,
];

/// A visit of an insider of about a minute.
pub(crate) const INSIDER: &[Action] = &[
    Action::SignIn,
    Action::Home,
    Action::Board,
    Action::Thread,
    Action::Vote,
    Action::Thread,
    Action::Comment,
    Action::Questions,
    Action::Thread,
    Action::Comment,
    Action::Thread,
    Action::Vote,
    Action::SearchHospitals,
    Action::Hospital,
    Action::LowestReviews,
    Action::ReviewForm,
    Action::Board,
    Action::PostForm,
    Action::Post,
    Action::Board,
    Action::Thread,
    Action::Comment,
    Action::Thread,
    Action::SearchBoard,
    Action::Thread,
    Action::Vote,
    Action::Hospitals,
    Action::Region,
    Action::Hospital,
    Action::Account,
    Action::Home,
    Action::Board,
    Action::Thread,
    Action::Thread,
    Action::Vote,
    Action::Questions,
    Action::Thread,
    Action::Comment,
    Action::BoardByVotes,
    Action::Thread,
    Action::SearchHospitals,
    Action::Hospital,
    Action::ReviewForm,
    Action::Board,
    Action::Thread,
    Action::Vote,
    Action::Thread,
    Action::PostForm,
    Action::Post,
    Action::Board,
    Action::Thread,
    Action::Comment,
    Action::Hospitals,
    Action::Hospital,
    Action::LowestReviews,
    Action::Board,
    Action::Thread,
    Action::Account,
    Action::SignOut,
];

/// A request, as a browser sends it.
pub(crate) struct Ask {
    pub(crate) path: String,
    /// The fields of a form that is sent; `None`: a page that is read.
    pub(crate) form: Option<Vec<(&'static str, String)>>,
}

impl Ask {
    pub(crate) fn method(&self) -> GooseMethod {
        if self.form.is_some() { GooseMethod::Post } else { GooseMethod::Get }
    }

    fn page(path: impl Into<String>) -> Self {
        Self { path: path.into(), form: None }
    }

    fn form(path: impl Into<String>, fields: Vec<(&'static str, String)>) -> Self {
        Self { path: path.into(), form: Some(fields) }
    }
}

impl Action {
    /// Its line in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Board => "board",
            Self::Questions => "board, questions",
            Self::BoardByVotes => "board, by votes",
            Self::SearchBoard => "board, search",
            Self::Thread => "thread",
            Self::Hospitals => "hospitals",
            Self::Region => "hospitals, one region",
            Self::SearchHospitals => "hospitals, search",
            Self::Hospital => "hospital",
            Self::LowestReviews => "hospital, lowest reviews",
            Self::SignUp => "sign up",
            Self::SignIn => "sign in",
            Self::SignOut => "sign out",
            Self::Account => "account",
            Self::Vote => "vote",
            Self::Comment => "comment",
            Self::PostForm => "post form",
            Self::Post => "post",
            Self::ReviewForm => "review form",
        }
    }

    /// `None` where there is nothing of the kind, or nobody to sign in.
    pub(crate) fn ask(
        self,
        material: &Material,
        random: &mut Rng,
        account: Option<&Account>,
    ) -> Option<Ask> {
        Some(match self {
            Self::Home => Ask::page("/"),
            Self::Board => Ask::page("/board"),
            Self::Questions => Ask::page("/board?category=question"),
            Self::BoardByVotes => Ask::page("/board?sort=votes"),
            Self::SearchBoard => {
                Ask::page(format!("/board?q={}", escaped(material.thread(random)?.term())))
            }
            Self::Thread => Ask::page(format!("/board/{}", material.thread(random)?.id)),
            Self::Hospitals => Ask::page("/hospitals"),
            Self::Region => {
                let region = &material.hospital(random)?.region;
                Ask::page(format!("/hospitals?region={}", escaped(region)))
            }
            Self::SearchHospitals => {
                Ask::page(format!("/hospitals?q={}", escaped(&material.hospital(random)?.term())))
            }
            Self::Hospital => Ask::page(hospital(material, random)?),
            Self::LowestReviews => {
                Ask::page(format!("{}?sort=lowest", hospital(material, random)?))
            }
            Self::SignUp => Ask::form("/signup", keyed(account?.fields())),
            Self::SignIn => Ask::form("/signin", account?.fields()),
            Self::SignOut => Ask::form("/signout", Vec::new()),
            Self::Account => Ask::page("/account"),
            Self::Vote => {
                let path = format!("/board/{}/vote", material.thread(random)?.id);
                Ask::form(path, vec![("up", random.bool().to_string())])
            }
            Self::Comment => {
                let path = format!("/board/{}/comments", material.thread(random)?.id);
                let body = "저희도 같은 사정입니다. 인수인계를 글로 남긴 뒤로 조금 나아졌습니다.";
                Ask::form(path, keyed(vec![("body", body.to_owned())]))
            }
            Self::PostForm => Ask::page("/board/new"),
            Self::Post => {
                let title = format!("부하 시험 글 {}", random.u32(..));
                let body = "야간 근무 뒤 휴식이 어떻게 지켜지는지 묻습니다.\n\n**지금은** 사흘 일하고 하루 쉽니다.";
                let fields = [("category", "question"), ("title", &title), ("body", body)];
                Ask::form(
                    "/board/new",
                    keyed(fields.map(|(name, text)| (name, text.to_owned())).into()),
                )
            }
            Self::ReviewForm => Ask::page(format!("{}/review", hospital(material, random)?)),
        })
    }
}

fn hospital(material: &Material, random: &mut Rng) -> Option<String> {
    Some(format!("/hospitals/{}", escaped(&material.hospital(random)?.id)))
}

/// With the key that makes a form which is sent twice count once.
fn keyed(mut fields: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    fields.push(("key", Uuid::new_v4().to_string()));
    fields
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
