//! How the law was met, story by story: what each party said, and what the
//! ledger answered to it.

use serde_json::{Value, json};

use super::drive::Driven;
use crate::cli::words;
use crate::event::codes;
use crate::pb::{Finding, FindingCode, RefusalCode, SignedRefusal};
use crate::sim::Issued;

/// One thing that was said, and the answer.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Who said it, by its code.
    pub(super) party: String,
    pub(super) what: &'static str,
    pub(super) answer: Answered,
}

/// What the ledger answered.
#[derive(Clone, Debug)]
pub(super) enum Answered {
    /// A record, with these findings.
    Recorded(Vec<FindingCode>),
    /// Refused, and why in its own words.
    Refused(RefusalCode, String),
}

/// A story as far as it has been told.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) title: &'static str,
    pub(super) steps: Vec<Step>,
}

impl Answered {
    /// A record with what was found in it.
    pub(super) fn recorded(findings: &[Finding]) -> Answered {
        let mut found: Vec<FindingCode> = findings.iter().map(Finding::code).collect();
        found.sort_unstable();
        found.dedup();
        Answered::Recorded(found)
    }

    /// A refusal.
    pub(super) fn refused(refusal: &SignedRefusal) -> Answered {
        Answered::Refused(refusal.code(), refusal.detail.clone())
    }

    /// In words, on one line.
    pub(super) fn shown(&self) -> String {
        match self {
            Answered::Recorded(found) => match found.split_first() {
                None => "recorded 入账".to_owned(),
                Some((first, more)) => {
                    let more = match more.len() {
                        0 => String::new(),
                        n => format!(" +{n}"),
                    };
                    let name = words::finding_name(*first);
                    format!("recorded, found 入账并发现 {name}{more}")
                }
            },
            Answered::Refused(code, _) => format!(
                "REFUSED 拒绝 {} {}",
                i32::from(*code),
                words::refusal_name(*code)
            ),
        }
    }

    fn name(&self) -> String {
        match self {
            Answered::Recorded(found) => {
                let names = found.iter().map(FindingCode::as_str_name);
                let names = names.map(|name| name.strip_prefix("FINDING_CODE_").unwrap_or(name));
                let names: Vec<&str> = names.collect();
                format!("recorded {}", names.join(" "))
                    .trim_end()
                    .to_owned()
            }
            Answered::Refused(code, _) => format!("refused {}", codes::name(*code)),
        }
    }
}

impl Driven {
    /// Adds what was said to its story, if it is part of one.
    pub(super) fn told(&mut self, issued: &Issued, party: String, answer: Answered) {
        let Some(title) = issued.chapter else {
            return;
        };
        let step = Step {
            party,
            what: issued.what,
            answer,
        };
        match self.stories.iter_mut().find(|s| s.title == title) {
            Some(story) => story.steps.push(step),
            None => self.stories.push(Story {
                title,
                steps: vec![step],
            }),
        }
    }
}

/// All of them, for a program to read.
pub(super) fn to_value(stories: &[Story]) -> Value {
    let step = |s: &Step| json!({ "what": s.what, "answer": s.answer.name() });
    let story = |s: &Story| {
        let steps: Vec<Value> = s.steps.iter().map(step).collect();
        json!({ "title": s.title, "steps": steps })
    };
    stories.iter().map(story).collect()
}
