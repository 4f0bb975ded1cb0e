//! The eight laws (design, section 3) and the comparison of the model with the
//! folded state, subject by subject.

use std::collections::{BTreeMap, BTreeSet};

use hazledger::custody::subject::Item;
use hazledger::event::codes::Refused;
use hazledger::event::record::OpenRecord;
use hazledger::pb::change::Change as C;
use hazledger::pb::event::Body;
use hazledger::pb::{
    self, AccountKind, Event, HandoffStatus, LotState, PackageState, RefusalCode, SerialRange,
    SubjectKind, Transformed,
};

use super::books::{Account, Amount, Blend, Book, Id, Life, amount};
use super::change::substance;
use super::goods::mass;
use super::handoff::handoff_name;
use super::model::{Model, Status, Wrong};
use super::vessels::Place;
use super::vessels::scaled;

/// The broad class of a refusal.
pub fn class(refused: &Refused) -> Wrong {
    use RefusalCode as C;
    match refused.code {
        C::UnknownKey | C::BadSignature => Wrong::Signature,
        C::WrongOrigin | C::IdTooOld | C::IdFromFuture | C::Expired | C::HappenedInFuture => {
            Wrong::Header
        }
        C::KeyRevoked
        | C::KeyNotYetValid
        | C::KeyExpired
        | C::KeyNotOfParty
        | C::AuthorityRequired
        | C::CounterpartSignatureRequired
        | C::TwoPersonsRequired
        | C::ReservedForLedger
        | C::NotTheCarrier
        | C::NotTheGiver
        | C::NotTheTaker => Wrong::Who,
        C::UnknownParty
        | C::PartyNotActive
        | C::UnknownSite
        | C::UnknownPlace
        | C::UnknownUnit
        | C::KeyExists
        | C::TooManyPredecessors => Wrong::Registry,
        C::FieldMissing
        | C::FieldInvalid
        | C::PersonalData
        | C::MassNotPositive
        | C::MassOverflow
        | C::MeasureDisagrees
        | C::ContentInvalid
        | C::SerialsInvalid
        | C::SerialsOverlap
        | C::UnknownForm
        | C::PapersMissing => Wrong::Field,
        C::UnknownLot
        | C::Insufficient
        | C::Reserved
        | C::SerialsNotHere
        | C::SerialsExist
        | C::NotSoleHolder
        | C::PartsNotAllowed
        | C::PackageEmpty
        | C::PackageNotEmpty
        | C::PackageNotCleaned
        | C::WithinOuter => Wrong::Goods,
        C::TitleInsufficient => Wrong::Title,
        C::EventDigestDiffers => Wrong::Reference,
        C::UnknownOffer | C::OfferClosed | C::OwnHandoff | C::LinesDiffer | C::TooManyParked => {
            Wrong::Offer
        }
        C::UnknownConsignment | C::ConsignmentClosed => Wrong::Consignment,
        C::NotConserved => Wrong::Conservation,
        C::UnknownDispute | C::DisputeClosed | C::DisputeExceeded => Wrong::Dispute,
        C::UnknownEdge | C::TooManyOneSided => Wrong::Edge,
        C::HeldByCustoms => Wrong::Customs,
        C::Sealed => Wrong::Sealed,
        C::ReturnDisagrees => Wrong::Return,
        C::UnknownEvent | C::CannotCorrect => Wrong::Correction,
        C::DeviceFork | C::TooManyDeviceGaps | C::EnteredFromPaper | C::NotADeviceGap => {
            Wrong::Device
        }
        C::NoChange => Wrong::Pointless,
        C::NoVessel | C::IncompatibleRefilling | C::DrawFirst | C::VesselInUse | C::VesselEmpty => {
            Wrong::Vessel
        }
        _ => panic!("a refusal that no history should meet: {refused}"),
    }
}

fn id(bytes: &[u8]) -> Id {
    bytes.try_into().unwrap()
}

fn account(a: Option<&pb::Account>) -> Account {
    use AccountKind as K;
    let a = a.unwrap();
    match a.kind() {
        K::Produced => Account::Produced,
        K::Imported => Account::Imported,
        K::Opening => Account::Opening,
        K::Inbound => Account::Inbound,
        K::Made => Account::Made,
        K::Found => Account::Found,
        K::Held => Account::Held(a.party.clone(), a.place.clone()),
        K::Aboard => Account::Aboard(id(&a.id)),
        K::Disputed => Account::Disputed(id(&a.id)),
        K::MeasureDifference => Account::MeasureDifference(id(&a.id)),
        K::Used => Account::Used,
        K::Transformed => Account::Transformed,
        K::Disposed => Account::Disposed,
        K::Exported => Account::Exported,
        K::Outbound => Account::Outbound,
        K::ProcessLoss => Account::ProcessLoss,
        K::Released => Account::Released,
        K::Missing => Account::Missing,
        K::Unspecified => panic!("an account of no kind"),
    }
}

fn expanded(ranges: &[SerialRange]) -> BTreeSet<u64> {
    ranges.iter().flat_map(|r| r.first..=r.last).collect()
}

/// A lot as the state has it, in the model's words.
fn book(lot: &LotState) -> Book {
    let born = lot.born.as_ref().unwrap();
    let mut packages = BTreeMap::new();
    for range in &lot.packages {
        for serial in range.first..=range.last {
            let package = super::books::Package {
                mass: amount(range.gross_mg_each, range.contained_mg_each),
                account: account(range.account.as_ref()),
                owner: range.owner.clone(),
                promised: range.reserved_by.as_ref().try_into().ok(),
                outer: Some(range.outer.clone()).filter(|o| !o.is_empty()),
                life: match range.state() {
                    PackageState::Full => Life::Full,
                    PackageState::Open => Life::Open,
                    PackageState::Empty => Life::Empty,
                    PackageState::Cleaned => Life::Cleaned,
                },
            };
            let twice = packages.insert(serial, package).is_some();
            assert!(!twice, "law 6: package {serial} is in two places");
        }
    }
    let entered = born.source() == AccountKind::Imported;
    let importer = entered.then(|| born.declarer.clone());
    let form = match lot.form.as_str() {
        "" => born.form.clone(),
        form => form.to_owned(),
    };
    Book {
        form,
        answerable: born.answerable.clone(),
        born_ppm: born.content_ppm,
        ppm: lot.content_ppm,
        accounts: lot
            .balances
            .iter()
            .map(|b| {
                (
                    account(b.account.as_ref()),
                    amount(b.gross_mg, b.contained_mg),
                )
            })
            .collect(),
        titles: lot
            .titles
            .iter()
            .map(|t| (t.party.clone(), t.gross_mg))
            .collect(),
        packages,
        ended: expanded(&lot.ended),
        promised: lot
            .reservations
            .iter()
            .map(|r| (id(&r.handoff), (account(r.account.as_ref()), r.gross_mg)))
            .collect(),
        one_sided: lot.one_sided.iter().map(super::edges::told).collect(),
        customs: lot.customs.iter().map(super::customs::told).collect(),
        seals: lot.seals.iter().map(super::seizures::told).collect(),
        importer,
        parents: BTreeMap::new(),
        vessel: lot.running_in.clone().map(|v| (v.party, v.place)),
        blend: blend(&lot.blend),
        blend_at_end: blend(&lot.blend_at_end),
    }
}

fn blend(parts: &[pb::Parent]) -> Blend {
    let part = |p: &pb::Parent| {
        let lot = (!p.lot.is_empty()).then(|| id(&p.lot));
        (lot, amount(p.gross_mg, p.contained_mg))
    };
    parts.iter().map(part).collect()
}

/// The parents of a lot, by whichever lot they came.
fn made_of(parents: &BTreeMap<Id, (Blend, Amount)>) -> Blend {
    let parts = parents.iter().map(|(from, (of, mass))| {
        if of.is_empty() {
            return Blend::from([(Some(*from), *mass)]);
        }
        scaled(of, *mass)
    });
    together(&parts.collect::<Vec<_>>())
}

/// Parts of a lot together, without those of nothing.
fn together<'b>(parts: impl IntoIterator<Item = &'b Blend>) -> Blend {
    let mut all = Blend::new();
    for (lot, mass) in parts.into_iter().flatten() {
        let sum = all.entry(*lot).or_default();
        *sum = *sum + *mass;
    }
    all.retain(|_, mass| *mass != Amount::NONE);
    all
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, model: &T, state: &T) {
    assert!(
        model == state,
        "{what}\n model: {model:#?}\n state: {state:#?}"
    );
}

/// Whether the model has an item as the state does. Subjects that the model
/// does not follow (sites, places, units, the ledger) pass.
pub fn agrees(model: &Model, subject: &pb::Subject, item: &Item) {
    match item {
        Item::Lot(lot) => {
            let mine = model
                .lots
                .get(&id(&subject.id))
                .expect("a lot unknown to the model");
            let mut mine = mine.clone();
            let theirs = book(lot);
            // The ledger tells parents without by which lot they came.
            let parents = std::mem::take(&mut mine.parents);
            same("lot", &mine, &theirs);
            let born = lot.born.as_ref().unwrap();
            same(
                "parents",
                &made_of(&parents),
                &together([&blend(&born.parents)]),
            );
            book_laws(&mine);
        }
        Item::Handoff(h) => handoff_agrees(model, &id(&subject.id), h),
        Item::Consignment(c) => {
            let name = id(&subject.id);
            let mine = model
                .consignments
                .get(&name)
                .expect("an unknown consignment");
            let lots: BTreeSet<Id> = c.lots.iter().map(|l| id(l)).collect();
            same("consignment's carrier", &mine.carrier, &c.carrier);
            let wagons: BTreeSet<String> = c.wagons.iter().cloned().collect();
            same("consignment's wagons", &mine.wagons, &wagons);
            same("consignment closed", &mine.closed, &c.closed);
            same("consignment's lots", &model.aboard(&name), &lots);
            assert_eq!(c.closed, lots.is_empty(), "closed when nothing is aboard");
        }
        Item::Dispute(d) => {
            let mine = model
                .disputes
                .get(&id(&subject.id))
                .expect("an unknown dispute");
            same("dispute", &mine.mass, &amount(d.gross_mg, d.contained_mg));
            same("dispute's packages", &mine.serials, &expanded(&d.serials));
            let opened = d.opened.as_ref().unwrap();
            same("dispute's owner", &mine.owner, &opened.owner);
            same("counterpart", &mine.counterpart, &opened.counterpart);
            let there = model.lots.get(&mine.lot).unwrap();
            let booked = there.on(&Account::Disputed(id(&subject.id)));
            same("dispute and its account", &mine.mass, &booked);
        }
        Item::Party(p) => {
            let code = String::from_utf8(subject.id.to_vec()).unwrap();
            let mine = model.parties.get(&code).expect("an unknown party");
            same("parked", &mine.parked, &usize::try_from(p.parked).unwrap());
            same("authority", &mine.authority, &p.authority);
            let successor = mine.succeeded_by.clone().unwrap_or_default();
            same("successor", &successor, &p.succeeded_by);
            let theirs = p.predecessors.iter().cloned().collect();
            same("predecessors", &mine.predecessors, &theirs);
        }
        Item::Key(k) => {
            // The ledger's own key is none of the model's.
            let mine = model.keys.get(&id(&subject.id));
            if let Some(mine) = mine {
                same("revoked", &mine.revoked, &(k.revoked_at != 0));
                let chain = k.device.clone().unwrap_or_default();
                let gaps = chain.gaps.iter().map(|g| (g.first, g.last)).collect();
                let entered = chain.entered.iter().map(|r| (r.first, r.last)).collect();
                same("a device's number", &mine.device.last(), &chain.sequence);
                same("a device's gaps", &mine.device.gaps(), &gaps);
                same("entered from paper", &mine.device.entered(), &entered);
            }
        }
        Item::Place(p) => {
            let name = String::from_utf8(subject.id.to_vec()).unwrap();
            let (party, place) = name.split_once('/').unwrap();
            let mine = model.places.get(&(party.to_owned(), place.to_owned()));
            let some = |id_: &bytes::Bytes| (!id_.is_empty()).then(|| id(id_));
            let theirs = Place {
                vessel: p.registered.as_ref().unwrap().vessel != 0,
                running: some(&p.running),
                contents: p.contents.clone(),
                uncleaned: p.uncleaned,
                consignment: some(&p.consignment),
            };
            same("place", mine.expect("an unknown place"), &theirs);
        }
        Item::Stock(s) => stock_agrees(model, s),
        Item::Site(_)
        | Item::Unit(_)
        | Item::Permit(_)
        | Item::Vehicle(_)
        | Item::Person(_)
        | Item::Product(_)
        | Item::Park(_)
        | Item::Rules(_)
        | Item::Recall(_)
        | Item::Danger(_)
        | Item::Finding(_)
        | Item::Ledger(_) => {}
    }
}

fn stock_agrees(model: &Model, state: &pb::StockState) {
    // The model does not follow units.
    if state.unit.is_empty() {
        let lines = state.lines.iter();
        let theirs = lines.map(|l| (l.form.clone(), amount(l.gross_mg, l.contained_mg)));
        let mine = stock(model, &state.party, &state.place);
        same("stock", &mine, &theirs.collect());
    }
}

/// What a party has in a place, or in all of them, by form.
fn stock(model: &Model, party: &str, place: &str) -> BTreeMap<String, Amount> {
    let mut stock = BTreeMap::<String, Amount>::new();
    for (_, book) in model.lots.iter() {
        for (account, mass) in &book.accounts {
            if let Account::Held(holder, at) = account
                && holder == party
                && (place.is_empty() || at == place)
            {
                let sum = stock.entry(book.form.clone()).or_default();
                *sum = *sum + *mass;
            }
        }
    }
    stock
}

fn handoff_agrees(model: &Model, name: &Id, state: &pb::HandoffState) {
    let parked = model.parked.get(name).map_or(0, Vec::len);
    same("facts parked", &parked, &state.parked.len());
    let Some(mine) = model.offers.get(name) else {
        assert_eq!(state.status(), HandoffStatus::Awaited, "an unknown offer");
        return;
    };
    let status = match mine.status {
        Status::Open => HandoffStatus::Open,
        Status::Accepted => HandoffStatus::Accepted,
        Status::Declined => HandoffStatus::Declined,
        Status::Withdrawn => HandoffStatus::Withdrawn,
    };
    same("handoff", &status, &state.status());
    let back = |l: &pb::HandoffLine| (id(&l.lot), (l.loose_gross_mg, expanded(&l.serials)));
    let returned: BTreeMap<Id, _> = state.returned.iter().map(back).collect();
    same("what came back", &mine.returned, &returned);
    let offered = state.offered.as_ref().unwrap();
    for (mine, theirs) in mine.lines.iter().zip(&offered.lines) {
        same("line's mass", &mine.loose, &theirs.loose_gross_mg);
        same("line's packages", &mine.serials, &expanded(&theirs.serials));
    }
}

/// Every open item of the state is the model's, and the other way round.
pub fn agree_wholly(
    model: &Model,
    items: impl Iterator<Item = (pb::Subject, std::sync::Arc<Item>)>,
) {
    let mut counts: BTreeMap<SubjectKind, usize> = BTreeMap::new();
    for (subject, item) in items {
        agrees(model, &subject, &item);
        *counts.entry(subject.kind()).or_default() += 1;
    }
    let count = |kind| counts.get(&kind).copied().unwrap_or_default();
    assert_eq!(count(SubjectKind::Lot), model.lots.iter().count());
    assert_eq!(count(SubjectKind::Dispute), model.disputes.iter().count());
    assert_eq!(count(SubjectKind::Party), model.parties.iter().count());
    assert_eq!(count(SubjectKind::Site), model.sites.iter().count());
    assert_eq!(count(SubjectKind::Place), model.places.iter().count());
    assert_eq!(count(SubjectKind::Unit), model.units.iter().count());
    let consignments = model.consignments.iter().count();
    assert_eq!(count(SubjectKind::Consignment), consignments);
}

/// Laws 2, 3, 6 and 7, from the model's numbers alone.
fn book_laws(book: &Book) {
    let mut sources = Amount::NONE;
    let mut elsewhere = Amount::NONE;
    let mut there = 0;
    let mut over = 0;
    let named = book.packages.values().map(|p| &p.account);
    let accounts: BTreeSet<&Account> = book.accounts.keys().chain(named).collect();
    for account in accounts {
        let (mass, loose) = (book.on(account), book.loose_on(account));
        if account.is_source() {
            assert!(mass.gross <= 0, "law 2: a source above zero");
            sources = sources - mass;
            continue;
        }
        elsewhere = elsewhere + mass;
        if account.is_holding() || *account == Account::Missing {
            let below = loose.gross < 0 || loose.contained < 0;
            assert!(!below, "law 2: {account:?} below zero: {loose:?}");
        }
        if account.is_sink() {
            assert!(mass.gross >= 0, "law 2: a sink below zero");
        }
        if account.is_holding() || account.is_between() {
            there += mass.gross;
            over += loose.gross.min(0);
        }
    }
    assert_eq!(sources, elsewhere, "law 3");
    for (account, _) in book.promised.values() {
        assert!(book.free_on(account) >= 0, "law 2: promised twice");
    }
    let alive = |s: &&u64| book.packages.contains_key(s);
    assert!(!book.ended.iter().any(|s| alive(&s)), "law 6: ended, alive");
    if book.vessel.is_some() || !book.blend.is_empty() {
        let holdings = book.accounts.iter().filter(|(a, _)| a.is_holding());
        let there: Amount = holdings.map(|(_, mass)| *mass).sum();
        let parts: Amount = book.blend.values().copied().sum();
        assert_eq!(parts, there, "a running lot is what it is made of");
    }
    let outers = book.packages.values().filter_map(|p| p.outer.as_ref());
    for outer in outers.collect::<BTreeSet<_>>() {
        let mut at = book
            .inside(outer)
            .into_iter()
            .map(|s| &book.packages[&s].account);
        let first = at.next().unwrap();
        assert!(at.all(|a| a == first), "law 6: {outer} is in two places");
    }
    for (serial, package) in &book.packages {
        let weighs = package.mass.gross > 0;
        let nothing = package.mass == Amount::NONE;
        let fits = if package.is_filled() { weighs } else { nothing };
        assert!(fits, "law 6: package {serial} is not what it says");
    }
    let owned: i64 = book.titles.values().sum();
    let packages = book.packages.values();
    let packages = packages.filter(|p| p.account != Account::Missing);
    let packed: i64 = packages.map(|p| p.mass.gross).sum();
    assert_eq!(owned + packed, there, "law 7: owned and there");
    let oversold: i64 = book.titles.values().map(|t| (*t).min(0)).sum();
    assert!(oversold >= over, "law 7: sold twice");
}

/// Postings of a record: (event, lot, account, mass).
fn postings(record: &OpenRecord) -> Vec<(u32, Id, Account, Amount)> {
    let mut all = Vec::new();
    for outcome in record.outcomes.iter().flatten() {
        let subject = outcome.subject.as_ref().unwrap();
        for change in &outcome.changes {
            if let Some(C::Posting(p)) = &change.change {
                let index = change.cause.as_ref().unwrap().event_index;
                let mass = amount(p.gross_mg, p.contained_mg);
                all.push((index, id(&subject.id), account(p.account.as_ref()), mass));
            }
        }
    }
    all
}

/// The postings that a record's corrections restate.
fn restated(record: &OpenRecord) -> Vec<(u32, Id, Account, Amount)> {
    let mut all = Vec::new();
    for outcome in record.outcomes.iter().flatten() {
        let lot = id(&outcome.subject.as_ref().unwrap().id);
        for change in &outcome.changes {
            let index = change.cause.as_ref().unwrap().event_index;
            if let Some(C::Restated(r)) = &change.change {
                let mass = |p: &pb::Posting| amount(p.gross_mg, p.contained_mg);
                let one = |p: &pb::Posting| (index, lot, account(p.account.as_ref()), mass(p));
                all.extend(r.postings.iter().map(one));
            }
        }
    }
    all
}

/// Laws 1, 4 and 5, from what a record says.
pub fn record_laws(model: &Model, record: &OpenRecord) {
    let postings = postings(record);
    let mut sums: BTreeMap<Id, Amount> = BTreeMap::new();
    for (_, lot, _, mass) in &postings {
        let sum = sums.entry(*lot).or_default();
        *sum = *sum + *mass;
    }
    assert!(sums.values().all(|s| *s == Amount::NONE), "law 1: {sums:?}");
    for (index, event) in (0u32..).zip(record.events.iter().flatten()) {
        match &event.body {
            Some(Body::Transformed(e)) => conserves(model, e, index, &postings),
            Some(Body::Corrected(e)) => {
                if let Some(Body::Transformed(e)) = &e.restated.as_ref().unwrap().body {
                    conserves(model, e, index, &restated(record));
                }
            }
            Some(Body::Filled(_) | Body::Drawn(_)) => goes_over(model, index, &postings),
            _ => {}
        }
    }
    let allowed = who_signed(model, record);
    let authority = allowed
        .iter()
        .any(|p| model.parties.get(p).is_some_and(|p| p.authority));
    for (_, _, account, _) in postings.iter().filter(|_| !authority) {
        let signed = !account.is_holding() || allowed.contains(&model.holder(account));
        assert!(signed, "law 5: {account:?} without a word of its holder");
    }
}

/// The parties behind a record: its signers, and those of the offers that its
/// acceptances name; and of the acceptances that its offers had waited for.
fn who_signed(model: &Model, record: &OpenRecord) -> BTreeSet<String> {
    let payload = &record.payload;
    let keys = std::iter::once(&payload.key_id).chain(&payload.cosigner_key_ids);
    let party = |k: &bytes::Bytes| model.keys.get(&id(k)).map(|k| k.party.clone());
    let own: BTreeSet<String> = keys.filter_map(party).collect();
    let mut signed = model.with_predecessors(&own);
    let mut add = |name: Option<Id>| {
        let offer = name.and_then(|n| model.offers.get(&n));
        signed.extend(offer.iter().flat_map(|o| o.signed.clone()));
        // Its giver's word is that of whoever has succeeded it.
        signed.extend(offer.iter().flat_map(|o| model.line(&o.giver)));
    };
    for (index, event) in (0u32..).zip(record.events.iter().flatten()) {
        match &event.body {
            Some(Body::Accepted(e)) => add(e.offer.as_ref().and_then(handoff_name)),
            Some(Body::Offered(_)) => add(handoff_name(&pb::EventRef {
                party: payload.party.clone(),
                statement_id: payload.id.clone(),
                event_index: index,
                event_digest: bytes::Bytes::new(),
            })),
            _ => {}
        }
    }
    signed
}

/// Law 4 of pouring and drawing: what ends as one lot goes on as another, in
/// gross and in contained, and stays the same substance.
fn goes_over(model: &Model, index: u32, postings: &[(u32, Id, Account, Amount)]) {
    let mut over: BTreeMap<String, Amount> = BTreeMap::new();
    for (_, lot, account, mass) in postings.iter().filter(|p| p.0 == index) {
        if matches!(account, Account::Transformed | Account::Made) {
            let of = over
                .entry(substance(&model.lots.get(lot).unwrap().form))
                .or_default();
            *of = *of + *mass;
        }
    }
    let even = over.values().all(|left| *left == Amount::NONE);
    assert!(even, "law 4: {over:?}");
}

/// Law 4, in gross, and per substance in contained.
fn conserves(model: &Model, e: &Transformed, index: u32, postings: &[(u32, Id, Account, Amount)]) {
    let mut sides: BTreeMap<String, [Amount; 2]> = BTreeMap::new();
    for (_, lot, account, mass) in postings.iter().filter(|p| p.0 == index) {
        let substance = substance(&model.lots.get(lot).unwrap().form);
        let [inside, outside] = sides.entry(substance).or_default();
        let is_input = e
            .inputs
            .iter()
            .any(|i| id(&i.goods.as_ref().unwrap().lot) == *lot);
        match account {
            Account::Held(..) if is_input => *inside = *inside - *mass,
            Account::Held(..) | Account::Disputed(_) => *outside = *outside + *mass,
            _ => {}
        }
    }
    let gross = |q: &Option<pb::Quantity>| mass(q.as_ref()).unwrap();
    let inert: i64 = e.inert.iter().map(|i| gross(&i.quantity)).sum();
    let other: i64 = e.unregulated.iter().map(|u| gross(&u.quantity)).sum();
    let lost: i64 = e.losses.iter().map(|l| l.gross_mg).sum();
    let inside: i64 = sides.values().map(|s| s[0].gross).sum();
    let outside: i64 = sides.values().map(|s| s[1].gross).sum();
    assert_eq!(inside + inert, outside + other + lost, "law 4: gross");
    for (substance, [inside, outside]) in sides {
        let consumed = e.consumed.iter().filter(|c| c.substance == substance);
        let consumed: i64 = consumed.map(|c| c.contained_mg).sum();
        let lost = e.losses.iter().filter(|l| l.substance == substance);
        let lost: i64 = lost.map(|l| l.contained_mg).sum();
        let accounted = outside.contained + consumed + lost;
        assert_eq!(inside.contained, accounted, "law 4: {substance}");
    }
}

/// The kind of an event, for the table of counts.
pub fn kind(event: &Event) -> pb::EventKind {
    hazledger::event::statement::kind_of(event)
}
