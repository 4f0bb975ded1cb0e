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
//! | `evidence` | lies in the evidence for a lot |

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

mod evidence;
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
        says: history.size(),
        checkpoint: history.checkpoint(world),
        receipt: None,
        evidence: None,
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
    // A server that contradicts itself is not gone on with: nothing was tried.
    let refused = |words: &str| words.starts_with("do not rely on this server");
    let caught = lie.caught.iter();
    let asked = caught.map(|line| (if refused(line.1) { 2 } else { 1 }, line));
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
    an_act_left_without_effect_is_caught => journal::EFFECT,
    a_rolled_back_journal_is_caught => journal::ROLLS_BACK,
    a_hidden_latest_record_is_caught => journal::HIDES_LATEST,
    a_withheld_latest_record_is_caught => journal::WITHHOLDS,
    a_fork_is_caught => journal::FORKS,
    a_true_receipt_holds => receipt::TRUE_RECEIPT,
    a_head_under_another_trees_checkpoint_is_caught => receipt::SPLICED,
    another_ledgers_receipt_is_caught => receipt::OTHER_KEY,
    a_twin_ledger_is_caught => receipt::TWIN,
    true_evidence_holds => evidence::TRUTH,
    a_hidden_revocation_is_caught => evidence::HIDES_REVOCATION,
    a_revoked_key_in_the_open_is_caught => evidence::SHOWS_REVOCATION,
    a_revocation_hidden_by_a_link_is_caught => evidence::LINKS_PAST_REVOCATION,
    a_hidden_last_record_before_a_state_record_is_caught => evidence::HIDES_PROVEN,
    a_hidden_last_record_after_all_state_records_is_caught => evidence::HIDES_ATTESTED,
    evidence_from_before_is_caught => evidence::ROLLS_BACK,
    evidence_under_another_tree_is_caught => evidence::FORKS,
    a_link_left_out_of_evidence_is_caught => evidence::LEAVES_OUT,
    a_withheld_parts_neighbour_altered_is_caught => evidence::NEIGHBOUR,
    a_withheld_parts_neighbour_altered_and_signed_is_caught => evidence::NEIGHBOUR_SIGNED,
    a_twin_ledgers_evidence => evidence::TWIN,
    two_roots_for_one_size_are_caught => receipt::TWO_ROOTS,
}
