//! The model's rules of devices that number their statements, and of facts
//! entered from paper: everything that a device has said is remembered, and
//! the gaps are counted anew each time.

use std::collections::BTreeMap;

use bytes::Bytes;
use hazledger::pb::{Backfilled, DeviceLink};

use super::books::Id;
use super::model::{Model, Said, Verdict, Wrong, must};
use super::player::Player;
use super::world::Plan;

/// Gaps and ranges from paper of one device, together.
const MAX_GAPS: usize = 64;
/// Statements that one paper may stand for.
const MAX_ENTERED: u64 = 1_000;

/// What a device has said: number, own digest, previous one's.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    said: BTreeMap<u64, (Bytes, Bytes)>,
    /// First and last of what was entered from paper.
    paper: Vec<(u64, u64)>,
}

impl Chain {
    pub fn last(&self) -> u64 {
        let said = self.said.keys().copied();
        said.chain(self.paper.iter().map(|p| p.1))
            .max()
            .unwrap_or(0)
    }

    fn knows(&self, n: u64) -> bool {
        let on_paper = self
            .paper
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&n));
        self.said.contains_key(&n) || on_paper
    }

    /// Numbers that are missing, in runs.
    pub fn gaps(&self) -> Vec<(u64, u64)> {
        let mut gaps: Vec<(u64, u64)> = Vec::new();
        for n in (1..=self.last()).filter(|n| !self.knows(*n)) {
            match gaps.last_mut() {
                Some(gap) if gap.1 + 1 == n => gap.1 = n,
                _ => gaps.push((n, n)),
            }
        }
        gaps
    }

    pub fn entered(&self) -> Vec<(u64, u64)> {
        let mut all = self.paper.clone();
        all.sort_unstable();
        all
    }

    fn bounded(&self) -> Verdict {
        must(
            self.gaps().len() + self.paper.len() <= MAX_GAPS,
            Wrong::Device,
        )
    }

    fn say(&mut self, n: u64, own: &Bytes, previous: &Bytes) -> Verdict {
        must(!self.knows(n), Wrong::Device)?;
        let before = self.said.get(&(n - 1)).is_none_or(|s| s.0 == *previous);
        let after = self.said.get(&(n + 1)).is_none_or(|s| s.1 == *own);
        must(before && after, Wrong::Device)?;
        self.said.insert(n, (own.clone(), previous.clone()));
        self.bounded()
    }

    fn enter(&mut self, first: u64, last: u64) -> Verdict {
        let sound = first >= 1 && first <= last && last - first < MAX_ENTERED;
        must(sound, Wrong::Device)?;
        let next = first == self.last() + 1;
        let missing = last <= self.last() && (first..=last).all(|n| !self.knows(n));
        must(next || missing, Wrong::Device)?;
        self.paper.push((first, last));
        self.bounded()
    }
}

impl Model {
    /// A statement's place in its device's chain, and the paper it is from.
    pub fn device(
        &mut self,
        said: &Said<'_>,
        signed: &std::collections::BTreeSet<String>,
    ) -> Verdict {
        let payload = said.payload;
        let id: Id = payload.key_id.as_ref().try_into().unwrap();
        let key = self.keys.get(&id).unwrap();
        let is_device = key.person.is_none();
        match &payload.device {
            None => must(key.device.last() == 0, Wrong::Field)?,
            Some(link) => {
                let length = if link.sequence == 1 { 0 } else { 32 };
                let sound = link.sequence > 0 && link.previous.len() == length;
                must(is_device && sound, Wrong::Field)?;
            }
        }
        if let Some(b) = &payload.backfilled {
            let sound = !b.paper.is_empty() && !b.reason.is_empty();
            must(sound && !is_device, Wrong::Field)?;
        }
        if let Some(DeviceLink { sequence, previous }) = &payload.device {
            let chain = &mut self.keys.edit(&id).device;
            chain.say(*sequence, &said.digest, previous)?;
        }
        let Some(b) = payload
            .backfilled
            .as_ref()
            .filter(|b| !b.device_key_id.is_empty())
        else {
            return Ok(());
        };
        let device: Id = b.device_key_id.as_ref().try_into().unwrap();
        let key = self.keys.get(&device).ok_or(Wrong::Device)?;
        let theirs = key.person.is_none() && signed.contains(&key.party);
        must(theirs, Wrong::Device)?;
        let chain = &mut self.keys.edit(&device).device;
        chain.enter(b.first_sequence, b.last_sequence)
    }
}

impl Player {
    /// From paper, for a device of the acting member: mostly what is missing.
    pub fn enter_paper(&mut self, model: &Model, plan: &mut Plan) {
        let keys = self.world.members[plan.by].keys.iter();
        let devices: Vec<Id> = keys
            .filter(|k| !k.person)
            .map(|k| k.secret.id().0)
            .collect();
        if devices.is_empty() {
            return;
        }
        let device = *self.world.pick(&devices);
        let Some(key) = model.keys.get(&device) else {
            return;
        };
        let gaps = key.device.gaps();
        let next = key.device.last() + 1;
        let missing = !gaps.is_empty() && self.world.percent(85);
        let (mut first, mut last) = if missing {
            *self.world.pick(&gaps)
        } else {
            (next, next)
        };
        match self.world.upto(19) {
            0 => first = first.saturating_sub(1),
            1 => last += 1,
            2..=6 => last = first,
            _ => {}
        }
        plan.backfilled = Some(Backfilled {
            paper: "waybill 7".to_owned(),
            device_key_id: Bytes::copy_from_slice(&device),
            first_sequence: first,
            last_sequence: last,
            reason: "no battery".to_owned(),
        });
    }
}
