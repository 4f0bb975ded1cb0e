//! Who plays: parties with their keys, sites and places. Every name and code
//! is invented; the codes are valid by GB 32100 and carry region codes of
//! Inner Mongolia.

mod table;

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use self::table::{
    AGENCIES, AUTHORITIES, CARRIERS, CELLULOSE_PLANTS, CYANIDE_PLANTS, DISPOSAL_ENTRY, DISPOSERS,
    Entry, GOLD_MINES, IMPORTERS, LABORATORIES, LAPSED_CARRIERS, NEIGHBOURS, NITRATE_PLANTS,
    OPEN_PITS, PAINT_MAKERS, RAILWAYS, WAREHOUSE_ENTRY, WAREHOUSES,
};
use crate::catalog::{Uscc, UsccError};
use crate::event::signing::SecretKey;
use crate::pb::Stage;

/// A party of the world, shared.
pub type Who = Arc<Member>;

/// A place within a party's one site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its code.
    pub code: &'static str,
    /// Chinese name.
    pub name_zh: &'static str,
    /// English name.
    pub name_en: &'static str,
    /// Tank, bay, magazine …
    pub kind: &'static str,
    /// The GB 18218 unit that it is in; empty: none.
    pub unit: &'static str,
}

/// A party: who it is and what it signs with.
#[derive(Debug)]
pub struct Member {
    /// Unified social credit code.
    pub code: String,
    /// Chinese name.
    pub name_zh: &'static str,
    /// English name.
    pub name_en: &'static str,
    /// GB/T 2260.
    pub region: &'static str,
    /// Letters of its lot labels.
    pub letters: &'static str,
    /// Plate prefix of its vehicles.
    pub plate: &'static str,
    /// What it does, by the law's stages.
    pub stages: &'static [Stage],
    /// Kind of its site.
    pub site_kind: &'static str,
    /// Where goods first stand.
    pub entry: Place,
    /// Where goods are stored.
    pub store: Place,
    /// A person's key.
    pub first: SecretKey,
    /// A second person's key.
    pub second: SecretKey,
    /// A device's key.
    pub device: SecretKey,
}

impl Member {
    /// Where goods of a substance come in. Who keeps several keeps the highly
    /// toxic apart from the others.
    pub fn takes_in(&self, substance: &str) -> Place {
        if self.keeps_several() && substance == "NACN" {
            self.store
        } else {
            self.entry
        }
    }

    /// Whether goods of several substances come to it.
    pub fn keeps_several(&self) -> bool {
        [WAREHOUSE_ENTRY, DISPOSAL_ENTRY].contains(&self.entry.code)
    }

    /// Its two places.
    pub fn places(&self) -> [Place; 2] {
        [self.entry, self.store]
    }

    /// Its three keys: two persons', one device's.
    pub fn keys(&self) -> [&SecretKey; 3] {
        [&self.first, &self.second, &self.device]
    }
}

/// Parties that do the same; never none.
#[derive(Clone, Debug)]
pub struct Group {
    first: Who,
    rest: Vec<Who>,
}

impl Group {
    /// The first of them.
    pub fn first(&self) -> &Who {
        &self.first
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Who> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// One of them, by any number.
    pub fn nth(&self, n: u64) -> &Who {
        let count = u64::try_from(self.rest.len()).unwrap_or_default() + 1;
        let at = usize::try_from(n % count).unwrap_or_default();
        self.iter().nth(at).unwrap_or(&self.first)
    }

    /// Whether the party is one of them.
    pub fn has(&self, who: &Who) -> bool {
        self.iter().any(|w| Arc::ptr_eq(w, who))
    }

    /// The last of them.
    pub fn last(&self) -> &Who {
        self.rest.last().unwrap_or(&self.first)
    }

    /// One more.
    fn add(&mut self, who: &Who) {
        self.rest.push(who.clone());
    }

    /// Without one of them, unless nobody would be left.
    fn remove(&mut self, who: &Who) {
        if !Arc::ptr_eq(&self.first, who) {
            self.rest.retain(|w| !Arc::ptr_eq(w, who));
        } else if !self.rest.is_empty() {
            self.first = self.rest.remove(0);
        }
    }
}

/// Everybody.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The supervising agencies; root acts need two of their keys.
    pub authorities: Group,
    /// Make sodium cyanide.
    pub cyanide_plants: Group,
    /// Make ammonium nitrate.
    pub nitrate_plants: Group,
    /// Make nitrocellulose.
    pub cellulose_plants: Group,
    /// Bring goods over the border, and out.
    pub importers: Group,
    /// Keep goods for others.
    pub warehouses: Group,
    /// Carry them.
    pub carriers: Group,
    /// Leach with sodium cyanide.
    pub gold_mines: Group,
    /// Blast with ammonium nitrate.
    pub open_pits: Group,
    /// Make paint of nitrocellulose.
    pub paint_makers: Group,
    /// Licensed for hazardous waste.
    pub disposers: Group,
    /// Off the ledger when the world begins.
    pub neighbours: Group,
    /// Carry them by rail.
    pub railways: Group,
    /// Agencies of a city, which genesis does not name.
    pub agencies: Group,
    /// A haulier whose permit, certificates and people are no longer valid.
    pub lapsed_carriers: Group,
    /// A laboratory whose licences are no longer valid.
    pub laboratories: Group,
    /// Who is no longer there: succeeded by another, or closed.
    former: Vec<Who>,
}

/// Draws keys and numbers organisations, one party after another.
struct Casting {
    rng: ChaCha8Rng,
    next: u32,
}

impl Casting {
    fn key(&mut self) -> SecretKey {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        SecretKey::from_seed(&seed)
    }

    fn member(&mut self, entry: &Entry) -> Result<Who, UsccError> {
        let kind = entry.kind;
        let (department, category) = kind.prefix;
        self.next += 1;
        let organisation = format!("MADEM{:03}", self.next);
        let code = Uscc::with_checks(department, category, entry.region, &organisation)?;
        Ok(Arc::new(Member {
            code: code.to_string(),
            name_zh: entry.names.0,
            name_en: entry.names.1,
            region: entry.region,
            letters: entry.letters,
            plate: entry.plate,
            stages: kind.stages,
            site_kind: kind.site,
            entry: kind.entry,
            store: kind.store,
            first: self.key(),
            second: self.key(),
            device: self.key(),
        }))
    }

    fn group<const N: usize>(&mut self, entries: &[Entry; N]) -> Result<Group, UsccError> {
        const { assert!(N > 0, "a group is never empty") };
        let [first, ..] = entries.as_slice() else {
            return Err(UsccError::Length { found: 0 });
        };
        let first = self.member(first)?;
        let rest = entries
            .iter()
            .skip(1)
            .map(|e| self.member(e))
            .collect::<Result<_, _>>()?;
        Ok(Group { first, rest })
    }
}

impl Cast {
    /// The same cast with keys of the seed.
    pub fn new(seed: u64) -> Result<Cast, UsccError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Keys come from a stream of their own: what the world does later
        // must not depend on how many parties there are.
        rng.set_stream(1);
        let mut casting = Casting { rng, next: 0 };
        Ok(Cast {
            authorities: casting.group(&AUTHORITIES)?,
            cyanide_plants: casting.group(&CYANIDE_PLANTS)?,
            nitrate_plants: casting.group(&NITRATE_PLANTS)?,
            cellulose_plants: casting.group(&CELLULOSE_PLANTS)?,
            importers: casting.group(&IMPORTERS)?,
            warehouses: casting.group(&WAREHOUSES)?,
            carriers: casting.group(&CARRIERS)?,
            gold_mines: casting.group(&GOLD_MINES)?,
            open_pits: casting.group(&OPEN_PITS)?,
            paint_makers: casting.group(&PAINT_MAKERS)?,
            disposers: casting.group(&DISPOSERS)?,
            neighbours: casting.group(&NEIGHBOURS)?,
            railways: casting.group(&RAILWAYS)?,
            agencies: casting.group(&AGENCIES)?,
            lapsed_carriers: casting.group(&LAPSED_CARRIERS)?,
            laboratories: casting.group(&LABORATORIES)?,
            former: Vec::new(),
        })
    }

    /// Takes a party out of trade.
    pub(super) fn retire(&mut self, who: &Who) {
        for group in [
            &mut self.nitrate_plants,
            &mut self.carriers,
            &mut self.gold_mines,
            &mut self.open_pits,
        ] {
            group.remove(who);
        }
        self.former.push(who.clone());
    }

    /// The neighbour that joins the ledger trades like an open pit from now on.
    pub(super) fn join(&mut self, who: &Who) {
        self.open_pits.add(who);
    }

    /// Everybody whom the registry knows, or knew.
    pub fn registered(&self) -> impl Iterator<Item = &Who> {
        self.enterprises()
            .chain(&self.former)
            .chain(self.authorities.iter())
            .chain(self.agencies.iter())
    }

    /// Everybody in trade but the agencies, which genesis names.
    pub fn enterprises(&self) -> impl Iterator<Item = &Who> {
        [
            &self.cyanide_plants,
            &self.nitrate_plants,
            &self.cellulose_plants,
            &self.importers,
            &self.warehouses,
            &self.carriers,
            &self.railways,
            &self.gold_mines,
            &self.open_pits,
            &self.paint_makers,
            &self.disposers,
            &self.lapsed_carriers,
            &self.laboratories,
        ]
        .into_iter()
        .flat_map(Group::iter)
    }

    /// The party with this code.
    pub fn by_code(&self, code: &str) -> Option<&Who> {
        self.registered()
            .chain(self.neighbours.iter())
            .find(|w| w.code == code)
    }
}
