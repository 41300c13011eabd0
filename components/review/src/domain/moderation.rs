//! Reports, takedown requests and the acts that the public log names.

use serde::{Deserialize, Serialize};
use text::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    FalseFact,
    PersonalData,
    Insult,
    Advertising,
    Other,
}

/// What moderators and replying hospitals do, as the log names it: acts, never people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Hidden,
    Restored,
    Removed,
    TakedownRefused,
    ReportDismissed,
    ReplyPublished,
    ReplyWithdrawn,
    KeyBanned,
    ReplyTokenIssued,
    ReplyTokenRevoked,
}

impl Reason {
    const ALL: [Self; 5] =
        [Self::FalseFact, Self::PersonalData, Self::Insult, Self::Advertising, Self::Other];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FalseFact => "false_fact",
            Self::PersonalData => "personal_data",
            Self::Insult => "insult",
            Self::Advertising => "advertising",
            Self::Other => "other",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl Act {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Restored => "restored",
            Self::Removed => "removed",
            Self::TakedownRefused => "takedown_refused",
            Self::ReportDismissed => "report_dismissed",
            Self::ReplyPublished => "reply_published",
            Self::ReplyWithdrawn => "reply_withdrawn",
            Self::KeyBanned => "key_banned",
            Self::ReplyTokenIssued => "reply_token_issued",
            Self::ReplyTokenRevoked => "reply_token_revoked",
        }
    }
}

/// On which grounds a takedown is requested: the law asks the claimant to show them.
pub(crate) fn grounds(value: &str) -> Result<String, Refusal> {
    text::prose(value, 1..=1000)
}

/// What a report says beside its reason.
pub(crate) fn detail(value: &str) -> Result<String, Refusal> {
    text::prose(value, 0..=1000)
}

pub(crate) fn claimant(value: &str) -> Result<String, Refusal> {
    text::line(value, 1..=100)
}

/// How the claimant can be reached.
pub(crate) fn contact(value: &str) -> Result<String, Refusal> {
    text::line(value, 3..=200)
}

/// Why an author objects to being hidden.
pub(crate) fn appeal(value: &str) -> Result<String, Refusal> {
    text::prose(value, 10..=2000)
}

/// What a hospital says to a review.
pub(crate) fn reply(value: &str) -> Result<String, Refusal> {
    text::prose(value, 10..=2000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_named_as_in_the_api() {
        for reason in Reason::ALL {
            assert_eq!(Reason::named(reason.name()), Some(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
        }
    }
}
