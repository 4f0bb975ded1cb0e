//! A lying server, and who catches it. The fixture (`server`) answers as an
//! operator can who has the ledger's data and the ledger's key; each lie is one
//! line of a table: what it is, how it is told, who catches it and by what
//! words, and who is satisfied with it, so that nobody takes a check for more
//! than it is.
//!
//! | file | what |
//! |---|---|
//! | `world` | the truth, and how the operator tells it anew |
//! | `server` | the lying server |
//! | `hands` | those who check: the real binary, and what the honest kept |
//! | `journal` | lies about the journal |
//! | `receipt` | lies in what is given out: receipts, checkpoints |

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "positions of a short history"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/book.rs"]
mod book;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/flow.rs"]
mod flow;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../tamper/rewrite.rs"]
mod rewrite;

mod hands;
mod journal;
mod receipt;
mod server;
mod world;

use std::sync::OnceLock;

use hands::{By, Honest};
use server::Tale;
use world::{History, World};

/// One lie: a line of the table.
pub struct Lie {
    name: &'static str,
    /// How it is told.
    told: &'static str,
    tell: fn(&World) -> Tale,
    /// Who catches it, and words of the answer that says so.
    caught: &'static [(By, &'static str)],
    /// Who is satisfied with it, and words of that answer.
    missed: &'static [(By, &'static str)],
}

/// A history with its own checkpoint.
fn tale(world: &World, history: History) -> Tale {
    Tale {
        checkpoint: history.checkpoint(world),
        receipt: None,
        history,
    }
}

fn stage() -> &'static (World, Honest) {
    static STAGE: OnceLock<(World, Honest)> = OnceLock::new();
    STAGE.get_or_init(|| {
        let world = World::new();
        let honest = Honest::keep(&world);
        (world, honest)
    })
}

/// Tells a lie and asks everybody of its line.
fn hold(lie: &Lie) {
    let (world, honest) = stage();
    let tale = (lie.tell)(world);
    let asked = lie.caught.iter().map(|line| (1, line));
    for (status, (by, words)) in asked.chain(lie.missed.iter().map(|line| (0, line))) {
        let answer = honest.ask(world, *by, &tale);
        let Lie { name, told, .. } = lie;
        assert!(
            answer.status == status && answer.text.contains(words),
            "{name} ({told}): {by:?} should end with {status} and {words:?}, ended with {} and\n{}",
            answer.status,
            answer.text
        );
    }
}

macro_rules! lies {
    ($($test:ident => $lie:expr,)*) => {
        $(#[test]
        fn $test() {
            hold(&$lie);
        })*
    };
}

lies! {
    the_truth_satisfies_everybody => journal::TRUTH,
    a_dropped_record_is_caught => journal::DROPS,
    a_changed_record_is_caught => journal::CHANGES,
    two_reordered_records_are_caught => journal::REORDERS,
    a_link_left_out_is_caught => journal::LINK,
    a_rolled_back_journal_is_caught => journal::ROLLS_BACK,
    a_hidden_latest_record_is_caught => journal::HIDES_LATEST,
    a_fork_is_caught => journal::FORKS,
    a_true_receipt_holds => receipt::TRUE_RECEIPT,
    a_head_under_another_trees_checkpoint_is_caught => receipt::SPLICED,
    another_ledgers_receipt_is_caught => receipt::OTHER_KEY,
    a_twin_ledger_is_caught => receipt::TWIN,
    two_roots_for_one_size_are_caught => receipt::TWO_ROOTS,
}
