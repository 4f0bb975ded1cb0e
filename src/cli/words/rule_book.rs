//! Permits, vehicles, qualifications and rules in Chinese and English.

use crate::pb::{
    DangerStatus, PermitKind, PermitStatus, QualificationKind, RuleKind, RuleMode, VehicleKind,
};

/// A permit's kind.
pub fn permit_kind(kind: PermitKind) -> &'static str {
    use PermitKind as K;
    match kind {
        K::Unspecified => "",
        K::SafeProduction => "safe production 安全生产许可证",
        K::SafeUse => "safe use 安全使用许可证",
        K::Trade => "trade 经营许可证",
        K::HighlyToxicPurchase => "highly toxic purchase 剧毒化学品购买许可证",
        K::HighlyToxicRoadPass => "highly toxic road pass 剧毒化学品道路运输通行证",
        K::CivilExplosivesProduction => "civil explosives production 民用爆炸物品生产许可证",
        K::CivilExplosivesSale => "civil explosives sale 民用爆炸物品销售许可证",
        K::CivilExplosivesPurchase => "civil explosives purchase 民用爆炸物品购买许可证",
        K::CivilExplosivesTransport => "civil explosives transport 民用爆炸物品运输许可证",
        K::LawfulUseStatement => "lawful use statement 合法用途说明",
        K::RoadTransport => "road transport 道路危险货物运输许可",
        K::RailTransport => "rail transport 铁路危险货物运输许可",
        K::WasteOperation => "waste operation 危险废物经营许可证",
        K::WasteCrossProvince => "waste across provinces 危险废物跨省转移批准",
        K::Port => "port 港口经营许可证",
        K::FireworksProduction => "fireworks production 烟花爆竹安全生产许可证",
        K::Weapons => "weapons 武器装备科研生产许可证",
    }
}

/// A permit's status.
pub fn permit_status(status: PermitStatus) -> &'static str {
    match status {
        PermitStatus::Unspecified => "",
        PermitStatus::Unconfirmed => "unconfirmed 待确认",
        PermitStatus::Granted => "granted 有效",
        PermitStatus::Suspended => "suspended 暂扣",
        PermitStatus::Revoked => "revoked 吊销",
    }
}

/// A vehicle's kind.
pub fn vehicle_kind(kind: VehicleKind) -> &'static str {
    use VehicleKind as K;
    match kind {
        K::Unspecified => "",
        K::Truck => "truck 货车",
        K::TankTruck => "tank truck 罐车",
        K::Tractor => "tractor 牵引车",
        K::Trailer => "trailer 挂车",
        K::TankTrailer => "tank trailer 罐式挂车",
        K::Wagon => "wagon 铁路货车",
        K::TankWagon => "tank wagon 铁路罐车",
        K::TankContainer => "tank container 罐箱",
        K::Container => "container 集装箱",
    }
}

/// How far a hidden danger has been set right.
pub fn danger_status(status: DangerStatus) -> &'static str {
    use DangerStatus as S;
    match status {
        S::Unspecified => "",
        S::Open => "open 待整改",
        S::Rectified => "set right 已整改",
        S::Verified => "verified 已核查",
        S::Closed => "closed 已销号",
    }
}

/// A qualification's kind.
pub fn qualification(kind: QualificationKind) -> &'static str {
    use QualificationKind as K;
    match kind {
        K::Unspecified => "",
        K::Driver => "driver 驾驶员",
        K::Escort => "escort 押运员",
        K::Loader => "loader 装卸管理员",
        K::Declarer => "declarer 申报员",
        K::SafetyManager => "safety manager 安全管理人员",
        K::SafetyEngineer => "safety engineer 注册安全工程师",
        K::StoreKeeper => "store keeper 保管员",
        K::Blaster => "blaster 爆破员",
    }
}

/// A rule's name without its prefix.
pub fn rule_kind(rule: RuleKind) -> String {
    let name = rule.as_str_name();
    name.strip_prefix("RULE_KIND_").unwrap_or(name).to_owned()
}

/// How a breach is judged.
pub fn rule_mode(mode: RuleMode, complete: bool) -> &'static str {
    match (mode, complete) {
        (RuleMode::Unspecified, _) => "",
        (RuleMode::Off, _) => "off 不适用",
        (RuleMode::Find, _) => "found 记为问题",
        (RuleMode::Refuse, true) => "refused, unproven too 不予入账（无登记亦然）",
        (RuleMode::Refuse, false) => "refused if proven 查实不予入账",
    }
}
