//! Lies about the journal: another history than the one that was acknowledged.
//! The operator signs them, so each agrees with itself.

use crate::hands::By;
use crate::rewrite::{Commits, rechain, rewrite};
use crate::server::Tale;
use crate::world::{History, NOON, World, alone, at, used};
use crate::{Lie, tale};

/// Who catches other records in the place of those that were there: whoever
/// keeps anything of them.
const OTHER_RECORDS: &[(By, &str)] = &[
    (By::Acknowledgement, "is of another record than stands here"),
    (By::Receipt, "is of another record than stands here"),
    (By::Monitor, "fork: "),
    (By::Witness, "shows another tree than before"),
];

/// Who catches that the last records are gone: whoever was answered about them.
const FEWER_RECORDS: &[(By, &str)] = &[
    (
        By::Acknowledgement,
        "records that were acknowledged are gone",
    ),
    (
        By::Receipt,
        "records that the ledger gave receipts for are gone",
    ),
];

pub const TRUTH: Lie = Lie {
    name: "the truth",
    told: "everything as it was, and more of it in the evening",
    tell: |world| tale(world, world.truth.clone()),
    caught: &[],
    missed: &[
        (By::Acknowledgement, "verified"),
        (By::Receipt, "verified"),
        (By::Monitor, "39 records"),
        (By::MonitorOfTwo, "39 records"),
        (By::Witness, "cosigned 39"),
        (By::Newcomer, "verified"),
    ],
};

pub const DROPS: Lie = Lie {
    name: "drops a record",
    told: "the journal is written anew without a use; all after it moves up",
    tell: |world| {
        let mut statements = world.statements(at::PROVEN_USE);
        statements.remove(0);
        tale(world, world.retell(at::PROVEN_USE, &statements))
    },
    caught: OTHER_RECORDS,
    missed: &[(By::Newcomer, "verified")],
};

pub const CHANGES: Lie = Lie {
    name: "changes a record",
    told: "a use is replaced by another that its own signer, who is in it, signed",
    tell: |world| {
        let mut statements = world.statements(at::LAST_USE);
        let mut book = world.up_to(at::LAST_USE);
        let user = world.cast.user.clone();
        let sold = book.draft(&user.party, vec![used(world.lot, 3, "sold on")]);
        statements[0].signed = sold.sign(&user.key, &[]);
        tale(world, world.retell(at::LAST_USE, &statements))
    },
    caught: OTHER_RECORDS,
    missed: &[(By::Newcomer, "verified")],
};

pub const REORDERS: Lie = Lie {
    name: "reorders two",
    told: "two statements of different parties change places",
    tell: |world| {
        let mut statements = world.statements(at::STRANGER);
        let (first, second) = (statements[0].now, statements[1].now);
        statements.swap(0, 1);
        (statements[0].now, statements[1].now) = (first, second);
        tale(world, world.retell(at::STRANGER, &statements))
    },
    caught: OTHER_RECORDS,
    missed: &[(By::Newcomer, "verified")],
};

pub const LINK: Lie = Lie {
    name: "leaves out a link",
    told: "a use is sealed again without its link to the lot, all after it chained and signed",
    tell: |world| {
        let mut batches = world.truth.batches.clone();
        rewrite(&mut batches, at::LAST_USE, |record, head| {
            record.links.remove(0);
            head.link_digests.remove(0);
        });
        rechain(&mut batches, &Commits::Signed(&world.operator));
        tale(world, History::from_batches(batches, Vec::new()))
    },
    caught: &[
        (By::Acknowledgement, "is of another record than stands here"),
        (By::Receipt, "is of another record than stands here"),
        (By::Monitor, "fork: "),
        (By::Witness, "shows another tree than before"),
        (By::Newcomer, "record 34: an outcome for lot"),
    ],
    missed: &[],
};

pub const EFFECT: Lie = Lie {
    name: "leaves out a link",
    told: "a use is recorded in the evening without its link to the lot and without what it \
           books, so that the lot's chain goes past it",
    tell: |world| {
        let mut book = world.up_to(NOON);
        let user = &world.cast.user;
        let draft = book.draft(&user.party, vec![used(world.lot, 4, "leaching")]);
        let mut entry = book.decide(draft.sign(&user.key, &[]));
        entry.additions.outcomes.remove(0);
        entry.additions.links.remove(0);
        book.append(&entry);
        book.commit();
        tale(world, History::of(&book))
    },
    caught: &[
        (By::Monitor, "lacks this record in its chain"),
        (By::Newcomer, "lacks this record in its chain"),
    ],
    missed: &[(By::Witness, "cosigned 37")],
};

pub const ROLLS_BACK: Lie = Lie {
    name: "rolls back",
    told: "the journal ends where it ended before noon",
    tell: |world| tale(world, world.truth.cut(at::STRANGER)),
    caught: FEWER_RECORDS,
    missed: &[(By::Newcomer, "verified")],
};

pub const HIDES_LATEST: Lie = Lie {
    name: "hides the latest record",
    told: "the journal ends one record before the end",
    tell: |world| tale(world, world.truth.cut(NOON - 1)),
    caught: FEWER_RECORDS,
    missed: &[(By::Newcomer, "verified")],
};

pub const WITHHOLDS: Lie = Lie {
    name: "hides the latest record",
    told: "what the server says of itself, and its checkpoint, count it; the journal is read out \
           without it",
    tell: |world| {
        let size = world.truth.size();
        Tale {
            says: size,
            checkpoint: world.truth.checkpoint(world),
            ..tale(world, world.truth.cut(size - 1))
        }
    },
    caught: &[
        (By::Monitor, "withheld: "),
        (
            By::Newcomer,
            "do not rely on this server: it has 39 records",
        ),
    ],
    missed: &[],
};

pub const FORKS: Lie = Lie {
    name: "forks its tree between two clients",
    told: "one client is told the truth, the other a journal that goes on otherwise from before \
           noon, and is as long",
    tell: |world| tale(world, fork(world)),
    caught: &[
        (By::Acknowledgement, "is of another record than stands here"),
        (By::Receipt, "is of another record than stands here"),
        (By::Monitor, "fork: "),
        (By::MonitorOfTwo, "two-roots: "),
        (By::Witness, "shows another tree than before"),
    ],
    missed: &[(By::Newcomer, "verified")],
};

/// From before noon on the maker tells of other lots; as long as the truth.
pub fn fork(world: &World) -> History {
    let mut book = world.up_to(at::STRANGER);
    while book.state.next() < world.truth.size() {
        let label = format!("F{}", book.state.next());
        let made = crate::flow::produced(&label, 5_000, "T2");
        alone(&mut book, &world.cast.maker, vec![crate::book::event(made)]);
    }
    History::of(&book)
}
