//! Sentences in English and in Chinese, and others' text that may stand in them.

/// One sentence, twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// In English.
    pub en: String,
    /// The same in Chinese.
    pub zh: String,
}

pub(super) fn point(en: impl Into<String>, zh: impl Into<String>) -> Point {
    Point {
        en: en.into(),
        zh: zh.into(),
    }
}

/// Others' text as it can be shown to people: characters that make a terminal do
/// something, begin a line of their own, or turn the direction of writing, are
/// spelt out. An honest ledger records none; a label could else say what this
/// program has not found.
pub fn plain(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Positions one after another.
pub(super) fn positions(all: &[u64]) -> (String, String) {
    list(all.iter().map(u64::to_string).collect())
}

/// Texts one after another, at most so many.
const MAX_LISTED: usize = 20;

/// Texts one after another, in English and in Chinese.
pub(super) fn list(mut all: Vec<String>) -> (String, String) {
    if all.is_empty() {
        return ("none".into(), "无".into());
    }
    let more = all.len().saturating_sub(MAX_LISTED);
    all.truncate(MAX_LISTED);
    let (en, zh) = (all.join(", "), all.join("、"));
    match more {
        0 => (en, zh),
        more => (
            format!("{en} and {more} more"),
            format!("{zh} 等，另有 {more} 项"),
        ),
    }
}
