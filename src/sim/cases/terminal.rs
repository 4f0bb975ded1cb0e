//! A terminal that loses every second word, until the ledger will not keep
//! account of more that is missing. Only in a long world: it takes many words.

use crate::event::digest::{Tag, tagged};
use crate::event::statement::Header;
use crate::pb::event::Body;
use crate::pb::{Counted, DeviceLink, RefusalCode};
use crate::sim::World;
use crate::sim::goods::NITRATE;

/// Missing words of one device that a ledger keeps account of, at most.
const GAPS: u64 = 64;
/// A world of fewer events has no room for it.
const LONG_WORLD: u64 = 4_000;

pub(super) fn loses_every_second_word(world: &mut World) {
    if world.progress().1 < LONG_WORLD {
        return;
    }
    let plant = world.cast.nitrate_plants.first().clone();
    let pile = world.batch(&plant, &NITRATE, 1);
    for n in 0..=GAPS {
        let talk = world.talks.entry(plant.code.clone()).or_default();
        talk.number = talk.number.saturating_add(2);
        let sequence = talk.number;
        let header = Header {
            device: Some(DeviceLink {
                sequence,
                previous: world.hash(),
            }),
            backfilled: None,
        };
        let counted = Counted {
            lot: pile.lot.to_bytes(),
            place: pile.place.to_owned(),
            serials_scanned: pile.serials(),
            ..Counted::default()
        };
        let id = world.fresh_id();
        let draft = world.draft(&plant, id, vec![Body::Counted(counted)]);
        let what = "counts by a terminal that loses words";
        let said = World::signed_with(&header, &draft, &plant.device, &[], what);
        let digest = tagged(Tag::Payload, &[&said.issued.signed.payload]);
        if n == GAPS {
            world.then_refused(said, RefusalCode::TooManyDeviceGaps);
            continue;
        }
        world.then(said);
        if let Some(talk) = world.talks.get_mut(&plant.code) {
            talk.digest = digest.to_bytes();
        }
    }
    world.stock.push(pile);
}
