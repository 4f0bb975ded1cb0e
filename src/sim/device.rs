//! What carriers' devices say from the road: each numbers its statements and
//! names the one before. Now and then one comes in after its successor, and
//! now and then one never does: then a person enters it from paper.

use bytes::Bytes;

use super::cast::Who;
use super::ship::Shipment;
use super::world::Said;
use super::{Issued, World};
use crate::event::digest::{Tag, tagged};
use crate::event::statement::Header;
use crate::pb::event::Body;
use crate::pb::{Backfilled, DeviceLink, ReportKind, Reported};

/// Of so many reports one waits for the network, and one is lost for good.
const UNHEARD_ONE_IN: u64 = 10;
const WAITS: u64 = 3;
const LOST: u64 = 8;
/// Numbers of one device that are entered from paper, at most: a ledger keeps
/// them all, and not many.
const MAX_ENTERED: u64 = 12;

/// How far a device has got.
#[derive(Clone, Debug, Default)]
pub(super) struct Talk {
    /// The number of its last statement.
    pub(super) number: u64,
    /// That statement's digest.
    pub(super) digest: Bytes,
    /// Numbers entered from paper: how many, and the last.
    entered: u64,
    pub(super) last_entered: Option<u64>,
}

impl World {
    /// A party says something with its device, which numbers it.
    pub(super) fn say_by_device(&mut self, who: &Who, body: Body, what: &'static str) -> Said {
        let talk = self.talks.entry(who.code.clone()).or_default();
        let link = DeviceLink {
            sequence: talk.number.saturating_add(1),
            previous: talk.digest.clone(),
        };
        let number = link.sequence;
        let header = Header {
            device: Some(link),
            backfilled: None,
        };
        let id = self.fresh_id();
        let draft = self.draft(who, id, vec![body]);
        let said = World::signed_with(&header, &draft, &who.device, &[], what);
        let digest = tagged(Tag::Payload, &[&said.issued.signed.payload]).to_bytes();
        if let Some(talk) = self.talks.get_mut(&who.code) {
            (talk.number, talk.digest) = (number, digest);
        }
        said
    }

    /// Where a vehicle is.
    fn position(&mut self, s: &Shipment) -> Body {
        Body::Reported(Reported {
            consignment: Bytes::copy_from_slice(&s.consignment),
            kind: ReportKind::Position.into(),
            region: s.carrier.region.to_owned(),
            longitude_e6: 107_000_000 + i32::try_from(self.below(12_000_000)).unwrap_or_default(),
            latitude_e6: 40_000_000 + i32::try_from(self.below(3_000_000)).unwrap_or_default(),
            ..Reported::default()
        })
    }

    /// The carrier's device says where it is.
    pub(super) fn report(&mut self, s: &Shipment) -> Issued {
        let what = "reports from the road";
        let body = self.position(s);
        let turn = self.turn("heard") % UNHEARD_ONE_IN;
        if turn != WAITS && turn != LOST {
            return self.say_by_device(&s.carrier, body, what).issued;
        }
        let paper = body.clone();
        let unheard = self.say_by_device(&s.carrier, body, "reports after it had no network");
        let body = self.position(s);
        let heard = self.say_by_device(&s.carrier, body, what).issued;
        let lost = turn == LOST;
        let late = match lost.then(|| self.enter_paper(&s.carrier, paper)).flatten() {
            Some(entered) => entered,
            None => unheard.issued,
        };
        self.ready.push_back(late);
        heard
    }

    /// A person enters what the device should have said before its last word.
    fn enter_paper(&mut self, who: &Who, body: Body) -> Option<Issued> {
        let number = self.number();
        let talk = self.talks.get_mut(&who.code)?;
        if talk.entered >= MAX_ENTERED {
            return None;
        }
        let missing = talk.number.checked_sub(1)?;
        talk.entered += 1;
        talk.last_entered = Some(missing);
        let header = Header {
            device: None,
            backfilled: Some(Backfilled {
                paper: format!("driver's log 行车日志 {number:06}"),
                device_key_id: who.device.id().to_bytes(),
                first_sequence: missing,
                last_sequence: missing,
                reason: "the telephone's memory was lost 终端数据丢失".to_owned(),
            }),
        };
        let id = self.fresh_id();
        let draft = self.draft(who, id, vec![body]);
        let what = "enters a report from paper";
        Some(World::signed_with(&header, &draft, &who.first, &[], what).issued)
    }
}
