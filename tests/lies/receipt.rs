//! Lies in what is given out now: receipts that show nothing, checkpoints that
//! are another ledger's.

use hazledger::event::signing::SecretKey;
use hazledger::proof::{Checkpoint, sign_checkpoint};

use crate::book::{Book, START_MS};
use crate::flow::Cast;
use crate::hands::By;
use crate::journal::fork;
use crate::server::Tale;
use crate::world::{History, NAME, NOON, World, at};
use crate::{Lie, tale};

/// A tale that gives out a receipt.
fn giving(world: &World, receipt: hazledger::pb::Receipt) -> Tale {
    Tale {
        receipt: Some(receipt),
        ..tale(world, world.truth.clone())
    }
}

pub const TRUE_RECEIPT: Lie = Lie {
    name: "the truth",
    told: "the receipt of a record under the checkpoint of noon",
    tell: |world| giving(world, world.noon().receipt(world, 0)),
    caught: &[],
    missed: &[(By::GivenReceipt, "holds")],
};

pub const SPLICED: Lie = Lie {
    name: "serves another ledger's proof",
    told: "our record's head and path, with the checkpoint of another tree that the operator signs",
    tell: |world| {
        let mut receipt = world.noon().receipt(world, 0);
        receipt.checkpoint = other_ledger(world).checkpoint(world);
        giving(world, receipt)
    },
    caught: &[(By::GivenReceipt, "is not shown to be in the tree")],
    missed: &[],
};

pub const OTHER_KEY: Lie = Lie {
    name: "serves another ledger's proof",
    told: "all of it another ledger's of that name, which has a key of its own",
    tell: |world| {
        let other = other_ledger(world);
        let mut receipt = other.receipt(world, 0);
        let checkpoint = Checkpoint::new(NAME, other.size(), other.root()).unwrap();
        let stranger = SecretKey::from_seed(&[88; 32]);
        receipt.checkpoint = sign_checkpoint(&stranger, &checkpoint).to_string();
        giving(world, receipt)
    },
    caught: &[(By::GivenReceipt, "the note is not signed by test.example")],
    missed: &[],
};

/// A verifier key is a name and a key; an operator who gives two ledgers both
/// has two ledgers that it cannot tell apart. What names the genesis can.
pub const TWIN: Lie = Lie {
    name: "serves another ledger's proof",
    told: "all of it a second ledger's of the same name and key, with a genesis of its own",
    tell: |world| {
        let other = other_ledger(world);
        Tale {
            receipt: Some(other.receipt(world, 0)),
            ..tale(world, other)
        }
    },
    caught: &[
        (
            By::Acknowledgement,
            "the commit is of the ledger with genesis",
        ),
        (By::Receipt, "is of another record than stands here"),
        (By::Monitor, "fork: "),
        (By::Witness, "shows another tree than before"),
    ],
    missed: &[(By::GivenReceipt, "holds"), (By::Newcomer, "verified")],
};

pub const TWO_ROOTS: Lie = Lie {
    name: "signs two roots for one size",
    told: "the journal is that of noon, the checkpoint another tree's of the same size",
    tell: |world| Tale {
        checkpoint: fork(world).cut(NOON).checkpoint(world),
        ..tale(world, world.noon())
    },
    caught: &[
        (By::Monitor, "two-roots: "),
        (By::MonitorOfTwo, "fork: "),
        (By::Witness, "shows two trees"),
        (By::Newcomer, "is of another tree"),
    ],
    missed: &[],
};

/// A second ledger of the same operator, under the same name and key.
pub fn other_ledger(world: &World) -> History {
    let mut book = Book::new();
    book.batches.clear();
    book.acknowledgements.clear();
    book.state = hazledger::custody::State::new();
    book.now = START_MS;
    let entry = book.genesis_entry(|genesis| genesis.root_threshold = 1);
    book.genesis_hash = book.seal(&entry).hash;
    book.append(&entry);
    book.commit();
    let cast = Cast::new();
    for member in [&cast.maker, &cast.carrier, &cast.user] {
        book.register(member, &["T2"]);
        book.commit();
    }
    while book.state.next() <= NOON {
        let label = format!("X{}", book.state.next());
        let made = crate::flow::produced(&label, 5_000, "T2");
        crate::world::alone(&mut book, &world.cast.maker, vec![crate::book::event(made)]);
    }
    assert!(book.state.next() > at::LAST_USE);
    History::of(&book)
}
