//! Lies in the evidence for a lot: records left out, links left out, parts
//! changed. The operator signs the checkpoint and the word on the last record
//! anew wherever that helps.

use hazledger::audit::{Disagreement, Kept, KeptReceipt, Proofs, hold_evidence};
use hazledger::custody::subject;
use hazledger::event::LotId;
use hazledger::event::digest::{PartKind, SALT_LEN, part_digest};
use hazledger::pb::event::Body;
use hazledger::pb::{Event, Evidence, EvidenceRecord, Head, LinkKind, Part, Payload};
use hazledger::proof::evidence::check_evidence;
use prost::Message as _;

use crate::book::key;
use crate::hands::By;
use crate::journal::fork;
use crate::receipt::other_ledger;
use crate::rewrite::{Commits, rechain, rewrite};
use crate::server::Tale;
use crate::world::{History, NOON, World, alone, at, used};
use crate::{Lie, tale};

/// A tale that gives out evidence.
fn giving(world: &World, history: History, evidence: Evidence) -> Tale {
    Tale {
        evidence: Some(evidence),
        ..tale(world, history)
    }
}

fn position(held: &EvidenceRecord) -> u64 {
    let bytes = held.record.as_ref().unwrap().head.clone();
    Head::decode(bytes).unwrap().position
}

fn without(mut evidence: Evidence, gone: u64) -> Evidence {
    let before = evidence.records.len();
    evidence.records.retain(|held| position(held) != gone);
    assert_eq!(
        evidence.records.len() + 1,
        before,
        "record {gone} was shown"
    );
    evidence
}

pub const TRUTH: Lie = Lie {
    name: "the truth",
    told: "the lot's evidence as the ledger makes it",
    tell: |world| {
        let evidence = world.truth.evidence(world, world.lot);
        giving(world, world.truth.clone(), evidence)
    },
    caught: &[],
    missed: &[
        (By::Evidence, "verified"),
        (By::EvidenceAcknowledgement, "verified"),
        (By::EvidenceReceipt, "verified"),
        (By::EvidenceCheckpoint, "verified"),
    ],
};

/// What the user used after noon with a key that had been revoked; the ledger's
/// operator let it pass. Returns also where the key was revoked.
fn after_revocation(world: &World, hide: bool) -> (History, u64) {
    let mut book = world.up_to(NOON);
    let (user, spare) = (&world.cast.user, &world.cast.spare);
    let draft = book.draft(&user.party, vec![used(world.lot, 4, "leaching")]);
    let mut entry = book.decide(draft.sign(&user.key, &[]));
    entry.signed = draft.sign(&spare.key, &[]);
    let changes = changes_of(&world.truth, spare.key.id());
    let [registered, revoked] = changes[..] else {
        panic!("{changes:?}")
    };
    for link in &mut entry.additions.links {
        if link.kind() == LinkKind::Use {
            link.subject = Some(subject::key(spare.key.id()));
            link.previous = Some(if hide { registered } else { revoked });
        }
    }
    book.append(&entry);
    book.commit();
    (History::of(&book), revoked)
}

/// Positions of the records that go on with a key's chain.
fn changes_of(history: &History, key: hazledger::event::KeyId) -> Vec<u64> {
    let key = subject::key(key);
    let changes = |position: &u64| {
        let record = hazledger::event::record::OpenRecord::open(history.record(*position));
        let links = record.unwrap().links.into_iter().flatten();
        let mut chained = links.filter(|link| link.kind() == LinkKind::Chain);
        chained.any(|link| link.subject.as_ref() == Some(&key))
    };
    (0..history.size()).filter(changes).collect()
}

pub const SHOWS_REVOCATION: Lie = Lie {
    name: "lets a revoked key sign",
    told: "a use signed with a revoked key is recorded; evidence shows all",
    tell: |world| {
        let (history, _) = after_revocation(world, false);
        let evidence = history.evidence(world, world.lot);
        giving(world, history, evidence)
    },
    caught: &[
        (By::Evidence, "had been revoked when it signed"),
        (By::Monitor, "had been revoked when it signed"),
        (By::Newcomer, "had been revoked when it signed"),
    ],
    missed: &[],
};

pub const HIDES_REVOCATION: Lie = Lie {
    name: "hides a revocation",
    told: "a use signed with a revoked key is recorded; evidence leaves out the revocation",
    tell: |world| {
        let (history, revoked) = after_revocation(world, false);
        let evidence = without(history.evidence(world, world.lot), revoked);
        giving(world, history, evidence)
    },
    caught: &[
        (By::Evidence, "which is left out"),
        (By::Monitor, "had been revoked when it signed"),
    ],
    missed: &[],
};

pub const LINKS_PAST_REVOCATION: Lie = Lie {
    name: "hides a revocation",
    told: "the same, and the use's link says that the key was last changed when it was registered",
    tell: |world| {
        let (history, revoked) = after_revocation(world, true);
        let evidence = history.evidence(world, world.lot);
        assert!(
            evidence
                .records
                .iter()
                .all(|held| position(held) != revoked)
        );
        giving(world, history, evidence)
    },
    caught: &[
        (By::Monitor, "broken-rule: "),
        (By::Newcomer, "record 36: "),
    ],
    missed: &[(By::Evidence, "verified")],
};

pub const HIDES_PROVEN: Lie = Lie {
    name: "hides the latest record",
    told: "evidence ends before the lot's last record; a state record came after it",
    tell: |world| {
        let history = world.truth.cut(at::LAST_USE);
        let evidence = without(history.evidence(world, world.lot), at::PROVEN_USE);
        let evidence = history.under_checkpoint(world, evidence, at::TWO_LOTS);
        giving(world, history, evidence)
    },
    caught: &[(By::Evidence, "the map of state record 32 says")],
    missed: &[],
};

/// The ledger's word covers what no state record covers yet: whoever kept the
/// record that it denies has two signed words that contradict each other.
pub const HIDES_ATTESTED: Lie = Lie {
    name: "hides the latest record",
    told: "evidence ends before the lot's last record, after which no state record came yet",
    tell: |world| {
        let history = world.noon();
        let evidence = without(history.evidence(world, world.lot), at::LAST_USE);
        let earlier = world.truth.cut(at::LAST_USE).evidence(world, world.lot);
        let maps = earlier.maps.clone();
        let evidence = with_records_of(evidence, earlier);
        let evidence = Evidence { maps, ..evidence };
        let evidence = history.under_checkpoint(world, evidence, at::PROVEN_USE);
        giving(world, history, evidence)
    },
    caught: &[
        (By::EvidenceAcknowledgement, "record 34: acknowledgement"),
        (By::EvidenceReceipt, "if it is about the lot, it was hidden"),
    ],
    missed: &[(By::Evidence, "verified")],
};

/// Those of another that are not there.
fn with_records_of(mut evidence: Evidence, other: Evidence) -> Evidence {
    for held in other.records {
        if evidence
            .records
            .iter()
            .all(|it| position(it) != position(&held))
        {
            evidence.records.push(held);
        }
    }
    evidence.records.sort_by_key(position);
    evidence
}

pub const ROLLS_BACK: Lie = Lie {
    name: "rolls back",
    told: "evidence is under a checkpoint from before noon, when the lot ended earlier",
    tell: |world| {
        let history = world.truth.cut(at::LAST_USE);
        let evidence = history.evidence(world, world.lot);
        giving(world, history, evidence)
    },
    caught: &[
        (
            By::EvidenceAcknowledgement,
            "the evidence's checkpoint has only 34",
        ),
        (By::EvidenceReceipt, "it is older; ask for evidence anew"),
    ],
    missed: &[(By::Evidence, "verified")],
};

pub const FORKS: Lie = Lie {
    name: "forks its tree between two clients",
    told: "evidence is under the checkpoint of another tree, as large as that of noon",
    tell: |world| {
        let history = fork(world).cut(NOON);
        let evidence = history.evidence(world, world.lot);
        giving(world, history, evidence)
    },
    caught: &[
        (
            By::EvidenceAcknowledgement,
            "if it is about the lot, it was hidden",
        ),
        (
            By::EvidenceReceipt,
            "the ledger signed another tree of 36 records",
        ),
        (
            By::EvidenceCheckpoint,
            "the ledger signed another tree of 36 records",
        ),
    ],
    missed: &[(By::Evidence, "verified")],
};

pub const LEAVES_OUT: Lie = Lie {
    name: "leaves out a link",
    told: "evidence leaves out a record from the middle of the lot's chain",
    tell: |world| {
        let history = world.truth.clone();
        let evidence = without(history.evidence(world, world.lot), at::TWO_LOTS);
        giving(world, history, evidence)
    },
    caught: &[(By::Evidence, "which is left out")],
    missed: &[],
};

/// The event that is shown beside a withheld one says that other packages were
/// moved.
fn altered(part: &Part) -> Part {
    let mut event = Event::decode(part.body.clone()).unwrap();
    let Some(Body::Moved(moved)) = &mut event.body else {
        panic!("{event:?}")
    };
    moved.goods.as_mut().unwrap().serials[0].last += 1;
    Part {
        salt: part.salt.clone(),
        body: event.encode_to_vec().into(),
    }
}

/// The record of two lots in evidence: its first event withheld, its second
/// shown.
fn two_lots(evidence: &mut Evidence) -> &mut EvidenceRecord {
    let mut held = evidence.records.iter_mut();
    let held = held.find(|held| position(held) == at::TWO_LOTS).unwrap();
    let events = &held.record.as_ref().unwrap().events;
    assert_eq!(events[0], Part::default());
    assert_ne!(events[1], Part::default());
    held
}

pub const NEIGHBOUR: Lie = Lie {
    name: "alters a withheld part's neighbour",
    told: "an event that is shown beside a withheld one says something else",
    tell: |world| {
        let history = world.truth.clone();
        let mut evidence = history.evidence(world, world.lot);
        let record = two_lots(&mut evidence).record.as_mut().unwrap();
        record.events[1] = altered(&record.events[1]);
        giving(world, history, evidence)
    },
    caught: &[(By::Evidence, "Event part 1 does not match its digest")],
    missed: &[],
};

pub const NEIGHBOUR_SIGNED: Lie = Lie {
    name: "alters a withheld part's neighbour",
    told: "the same, with the payload's digest, the chain, the tree and the operator's signatures \
           made to fit",
    tell: |world| {
        let whole = world.truth.evidence(world, world.lot);
        let mut batches = world.truth.batches.clone();
        rewrite(&mut batches, at::TWO_LOTS, |record, head| {
            record.events[1] = altered(&record.events[1]);
            let salt: &[u8; SALT_LEN] = record.events[1].salt.as_ref().try_into().unwrap();
            let digest = part_digest(PartKind::Event, salt, &record.events[1].body);
            let mut payload = Payload::decode(head.payload.clone()).unwrap();
            payload.event_digests[1] = digest.to_bytes();
            head.payload = payload.encode_to_vec().into();
        });
        rechain(&mut batches, &Commits::Signed(&world.operator));
        let history = History::from_batches(batches, Vec::new());
        let evidence = history.shown_as(whole);
        let last = *history.chain(world.lot).last().unwrap();
        let evidence = history.under_checkpoint(world, evidence, last);
        giving(world, history, evidence)
    },
    caught: &[
        (By::Evidence, "does not hold over the payload"),
        (By::Acknowledgement, "is of another record than stands here"),
        (By::Monitor, "fork: "),
        (By::Newcomer, "does not hold over the payload"),
    ],
    missed: &[],
};

/// As with receipts: a verifier key does not tell twins apart.
pub const TWIN: Lie = Lie {
    name: "serves another ledger's proof",
    told: "evidence of a second ledger of the same name and key, with a genesis of its own",
    tell: |world| {
        let other = other_ledger(world);
        let evidence = other.evidence(world, other.first_lot());
        giving(world, other, evidence)
    },
    caught: &[
        (
            By::EvidenceAcknowledgement,
            "the commit is of the ledger with genesis",
        ),
        (
            By::EvidenceReceipt,
            "is of another record than the evidence shows",
        ),
        (By::Monitor, "fork: "),
    ],
    missed: &[(By::Evidence, "verified")],
};

impl History {
    /// Evidence with this history's records in the place of another's: the same
    /// parts are shown.
    fn shown_as(&self, mut evidence: Evidence) -> Evidence {
        for held in &mut evidence.records {
            let told = self.record(position(held));
            let told = hazledger::pb::Record::decode(told.clone()).unwrap();
            let record = held.record.as_mut().unwrap();
            let as_before = |told: Vec<Part>, before: &[Part]| -> Vec<Part> {
                let pairs = told.into_iter().zip(before);
                let shown = |(part, before): (Part, &Part)| {
                    let withheld = *before == Part::default();
                    if withheld { Part::default() } else { part }
                };
                pairs.map(shown).collect()
            };
            record.events = as_before(told.events, &record.events);
            record.links = as_before(told.links, &record.links);
            record.outcomes = as_before(told.outcomes, &record.outcomes);
            record.findings = as_before(told.findings, &record.findings);
            record.head = told.head;
        }
        evidence
    }

    fn first_lot(&self) -> LotId {
        let born = (0..self.size()).find_map(|position| {
            let record = hazledger::event::record::OpenRecord::open(self.record(position));
            let links = record.unwrap().links.into_iter().flatten();
            let mut subjects = links.filter_map(|link| link.subject);
            subjects.find(|s| s.kind() == hazledger::pb::SubjectKind::Lot)
        });
        LotId::from_slice(&born.unwrap().id).unwrap()
    }
}

/// An honest control: what was kept before the ledger's key was rotated agrees
/// with evidence that the new key signs.
#[test]
fn what_was_kept_outlives_a_rotation_of_the_ledgers_key() {
    let before = World::new();
    let noon = before.noon();
    let mut book = before.up_to(NOON);
    book.rotate(key(101));
    let use_one = vec![used(before.lot, 4, "leaching")];
    alone(&mut book, &before.cast.user, use_one);
    let history = History::of(&book);
    let world = World {
        operator: key(101),
        ..World::new()
    };
    let evidence = history.evidence(&world, world.lot);
    assert!(check_evidence(&evidence, &before.vkey(), None).is_err());
    let checked = check_evidence(&evidence, &world.vkey(), None).unwrap();
    let name = String::new;
    let of_lot = noon.chain(world.lot);
    let acknowledgements = of_lot.iter().map(|at| Kept {
        name: name(),
        acknowledgement: noon.acknowledgements[*at as usize].clone(),
    });
    let receipts = of_lot.iter().map(|at| KeptReceipt {
        name: name(),
        receipt: noon.receipt(&before, *at),
    });
    let kept = Proofs {
        acknowledgements: &acknowledgements.collect::<Vec<_>>(),
        receipts: &receipts.collect::<Vec<_>>(),
        ..Proofs::default()
    };
    let (agree, problems) = hold_evidence(&checked, &world.vkey(), &kept);
    assert_eq!((agree, problems), (2 * of_lot.len(), Vec::new()));
    // A stranger's word does not count.
    let stranger = World {
        operator: key(102),
        ..World::new()
    };
    let forged = KeptReceipt {
        name: name(),
        receipt: noon.receipt(&stranger, of_lot[0]),
    };
    let kept = Proofs {
        receipts: &[forged],
        ..Proofs::default()
    };
    let (agree, problems) = hold_evidence(&checked, &world.vkey(), &kept);
    let refused = matches!(problems[..], [Disagreement::Receipt { .. }]);
    assert!(agree == 0 && refused, "{problems:?}");
}
