//! A recall: the maker calls a lot back, every holder acknowledges, nothing of
//! it goes on, what is used all the same is found, it goes back, and it ends.

use bytes::Bytes;

use crate::pb::event::Body;
use crate::pb::{
    Accepted, FindingCode, HandoffPurpose, Offered, RecallAcknowledged, Recalled, RefusalCode, Used,
};
use crate::sim::World;
use crate::sim::cast::Who;
use crate::sim::goods::CYANIDE;
use crate::sim::paper;
use crate::sim::ship::with_line;

impl World {
    fn acknowledges(&mut self, who: &Who, recall: &Bytes) {
        let acknowledged = RecallAcknowledged {
            recall: recall.clone(),
            note: "set aside 已隔离".to_owned(),
        };
        let bodies = vec![Body::RecallAcknowledged(acknowledged)];
        let said = self.say(who, bodies, "acknowledges a recall 确认收到召回");
        self.then(said);
    }
}

pub(super) fn called_back(world: &mut World) {
    world.tells("A recall, from notice to end 一次召回的全过程");
    let cast = world.cast.clone();
    let (plant, store) = (cast.cyanide_plants.first(), cast.warehouses.last());
    let found = [FindingCode::Recalled];
    let pile = world.batch(plant, &CYANIDE, 10);
    let kept = |o: &mut Offered| o.purpose = HandoffPurpose::Storage.into();
    let said = world.hands(
        &pile,
        store,
        kept,
        "hands over ten drums to be stored 交库十桶",
    );
    let offer = world.then(said).reference(0);
    let said = world.takes(&pile, &offer, store, "stores ten drums 入库十桶");
    world.then(said);
    let pile = pile.at(store, store.takes_in(CYANIDE.substance).code);
    let recalled = Recalled {
        lot: pile.lot.to_bytes(),
        order: format!("ZH-2026-{:04}", world.number()),
        reason: "drums leak at the seam 桶缝渗漏".to_owned(),
        ..Recalled::default()
    };
    let said = world.say(
        plant,
        vec![Body::Recalled(recalled)],
        "calls a lot back 召回该批",
    );
    let recall = Bytes::copy_from_slice(&world.then(said).name(0, 0));
    world.acknowledges(store, &recall);
    world.acknowledges(plant, &recall);
    let what = "hands on what is called back 转交召回货物";
    let said = world.hands(&pile, cast.gold_mines.first(), |_| {}, what);
    world.then_refused(said, RefusalCode::Recalled);
    let Some((rest, one)) = pile.split_packages(1) else {
        return;
    };
    let used = Used {
        goods: Some(one.goods()),
        place: one.place.to_owned(),
        purpose: "leak test 渗漏试验".to_owned(),
    };
    let said = world.say(
        store,
        vec![Body::Used(used)],
        "uses what is called back 动用召回货物一桶",
    );
    world.then(said.meaning(&found));
    let back = |o: &mut Offered| o.returns = Some(offer.clone());
    let said = world.hands(
        &rest,
        plant,
        back,
        "sends back what is called back 退回召回货物",
    );
    let sent = world.then(said).reference(0);
    let accepted = Accepted {
        returns: Some(offer.clone()),
        ..with_line(&sent, plant.entry.code, paper::taken(&rest.goods()))
    };
    let bodies = vec![Body::Accepted(accepted)];
    let what = "takes back what it called back 收回召回货物";
    let said = world.say_of(plant, CYANIDE.substance, bodies, what);
    world.then(said);
    let ends = Recalled {
        ends: recall,
        reason: "all is back and repacked 已全部召回并换桶".to_owned(),
        ..Recalled::default()
    };
    let said = world.say(plant, vec![Body::Recalled(ends)], "ends a recall 结束召回");
    world.then(said);
    world.stock.push(rest.at(plant, plant.entry.code));
}
