//! The rules of a place and a day, out of the packs in force. Deciding reads
//! them; the fold never does.

mod book;
mod trial;

pub use book::{Asked, Book};
pub use trial::{Trial, TrialError, Tried};
