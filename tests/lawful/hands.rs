//! The opinion on who gives, takes, carries, buys and disposes.

use hazledger::pb::{
    HandoffPurpose, PermitKind, PermitRegistered, PermitStatus, RuleKind, RuleLine, Stage,
};

use super::bench::party;
use super::entered::{Goods, Permit};
use super::opinion::{Known, Opinion, Setting};

/// By which one may have goods to hand over; by which one sells; by which one
/// takes in.
const GIVES: &[Stage] = &[
    Stage::Production,
    Stage::Storage,
    Stage::Use,
    Stage::Trade,
    Stage::Import,
];
const SELLS: &[Stage] = &[Stage::Production, Stage::Trade, Stage::Import];
const TAKES: &[Stage] = &[
    Stage::Production,
    Stage::Storage,
    Stage::Use,
    Stage::Trade,
    Stage::Export,
];

/// Who does what with the goods.
#[derive(Clone, Default, Debug)]
pub struct Hands {
    pub giver: Option<char>,
    /// Out of a consignment: the giver carries, and was asked when it loaded.
    pub is_aboard: bool,
    pub taker: Option<char>,
    pub carrier: Option<char>,
    pub by_rail: bool,
    pub buyer: Option<char>,
    pub purpose: HandoffPurpose,
    /// The purchase permit that is named.
    pub permit: Option<String>,
}

/// What a permit says of a right; `None`: nothing.
fn says(
    e: &PermitRegistered,
    kinds: &[i32],
    substance: &str,
    stages: &[Stage],
    at: i64,
) -> Option<Known> {
    if !kinds.is_empty() && !kinds.contains(&e.kind) {
        return None;
    }
    let covered = (e.from_ms..e.until_ms).contains(&at)
        && (e.substances.is_empty() || e.substances.iter().any(|s| s == substance))
        && (e.stages.is_empty() || stages.is_empty() || e.stages().any(|s| stages.contains(&s)));
    // What a buyer states of its own use needs nobody's word.
    let own_word = e.kind() == PermitKind::LawfulUseStatement;
    match e.status() {
        PermitStatus::Granted => Some(Known::good_if(covered)),
        PermitStatus::Unconfirmed if covered && own_word => Some(Known::Good),
        PermitStatus::Unconfirmed => covered.then_some(Known::Claimed),
        _ => Some(Known::Bad),
    }
}

impl Opinion<'_> {
    /// The best of a party's permits.
    fn right(&self, who: char, kinds: &[i32], substance: &str, stages: &[Stage], at: i64) -> Known {
        let own = self
            .entered
            .permits
            .iter()
            .filter(|((holder, _), _)| *holder == who);
        let each = own.filter_map(|(_, p)| says(&p.entry, kinds, substance, stages, at));
        each.max().unwrap_or(Known::Nothing)
    }

    fn side(
        &mut self,
        setting: &Setting,
        rule: RuleKind,
        who: Option<char>,
        goods: &[Goods],
        stages: &[Stage],
    ) {
        let Some(who) = who else { return };
        let entered = self.entered;
        let known = |line: &RuleLine, at: i64, one: &Goods| {
            Opinion::new(entered).right(who, &line.permits, one.substance(), stages, at)
        };
        self.judge_each(setting, rule, goods, known);
    }

    /// Who gives, takes, carries, buys, disposes; and lending.
    pub fn hands(&mut self, setting: &Setting, goods: &[Goods], hands: &Hands) {
        let disposal = hands.purpose == HandoffPurpose::Disposal;
        let (waste, others): (Vec<Goods>, Vec<Goods>) =
            goods.iter().cloned().partition(|g| g.waste || disposal);
        let disposer = RuleKind::DisposerPermit;
        self.side(setting, disposer, hands.taker, &waste, &[Stage::Disposal]);
        // To disposal the way is free, once who disposes is one that may.
        let setting = Setting {
            can_be_refused: setting.can_be_refused && !disposal,
            ..setting.clone()
        };
        let sells = hands.buyer.is_some() && !self.gives_up_stock(hands.giver);
        let stages = if sells { SELLS } else { GIVES };
        let giver = hands.giver.filter(|_| !hands.is_aboard);
        self.side(&setting, RuleKind::GiverPermit, giver, &others, stages);
        self.side(&setting, RuleKind::TakerPermit, hands.taker, &others, TAKES);
        self.carries(&setting, goods, hands);
        self.buys(&setting, goods, hands);
        let lends = match hands.purpose {
            HandoffPurpose::Lending => true,
            HandoffPurpose::Transfer => !self.gives_up_stock(hands.giver),
            _ => false,
        };
        let known = |_: &RuleLine, _: i64, _: &Goods| Known::good_if(!lends);
        self.judge_each(&setting, RuleKind::Lending, goods, known);
    }

    fn gives_up_stock(&self, giver: Option<char>) -> bool {
        giver == Some('P') && self.entered.disposes_of_stock
    }

    /// A permit for the road says nothing of a train.
    pub fn carries(&mut self, setting: &Setting, goods: &[Goods], hands: &Hands) {
        let Some(carrier) = hands.carrier else { return };
        let entered = self.entered;
        let other = if hands.by_rail {
            PermitKind::RoadTransport
        } else {
            PermitKind::RailTransport
        };
        let known = |line: &RuleLine, at: i64, one: &Goods| {
            let named = line.permits.iter().copied();
            let kinds: Vec<i32> = named.filter(|k| *k != i32::from(other)).collect();
            if kinds.is_empty() && !line.permits.is_empty() {
                return Known::Good;
            }
            let stages = &[Stage::Transport];
            Opinion::new(entered).right(carrier, &kinds, one.substance(), stages, at)
        };
        self.judge_each(setting, RuleKind::CarrierPermit, goods, known);
    }

    /// By a licence, or by the purchase permit that is named.
    fn buys(&mut self, setting: &Setting, goods: &[Goods], hands: &Hands) {
        let Some(buyer) = hands.buyer else { return };
        let entered = self.entered;
        let named = hands.permit.clone().map(|number| (buyer, number));
        let named = named.and_then(|key| entered.permits.get(&key));
        let known = |line: &RuleLine, at: i64, one: &Goods| {
            let licence = match line.permits.as_slice() {
                [] => Known::Nothing,
                kinds => Opinion::new(entered).right(buyer, kinds, one.substance(), &[], at),
            };
            let by_permit = named.map_or(Known::Nothing, |p| {
                let kinds = &line.purchase_permits;
                if !kinds.contains(&p.entry.kind) {
                    return Known::Bad;
                }
                says(&p.entry, kinds, one.substance(), &[], at).unwrap_or(Known::Nothing)
            });
            licence.max(by_permit)
        };
        self.judge_each(setting, RuleKind::PurchaseRight, goods, known);
    }

    /// What has been added stays within the permit and so many parts per
    /// million of it.
    pub fn quantity(&mut self, setting: &Setting, goods: &[Goods], before: &Permit, now: &Permit) {
        let quantity = now.entry.quantity_mg;
        let beyond = now.total() - quantity;
        let added = now.total() > before.total() && quantity > 0;
        let known = |line: &RuleLine, _: i64, _: &Goods| {
            let tolerance = i128::from(quantity) * i128::from(line.limit) / 1_000_000;
            Known::good_if(!added || i128::from(beyond.max(0)) <= tolerance)
        };
        self.judge_each(setting, RuleKind::PurchaseQuantity, goods, known);
    }
}

/// A transport pass is registered with the giver or the consignee.
pub fn pass_of<'a>(
    opinion: &Opinion<'a>,
    number: &str,
    holders: [char; 2],
) -> Option<&'a PermitRegistered> {
    let permits = &opinion.entered.permits;
    let mut each = holders
        .iter()
        .filter_map(|holder| permits.get(&(*holder, number.to_owned())));
    each.next().map(|permit| &permit.entry)
}

/// Whether a pass names a party: empty, it names nobody.
pub fn names(named: &str, is: char) -> bool {
    named.is_empty() || named == party(is)
}
