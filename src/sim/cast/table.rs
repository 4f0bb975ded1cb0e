//! The table of parties: names, regions, what they do and where goods stand
//! with them.

use super::Place;
use crate::pb::Stage;

/// A party before it has a code and keys.
pub(super) struct Entry {
    pub(super) region: &'static str,
    pub(super) names: (&'static str, &'static str),
    pub(super) letters: &'static str,
    pub(super) plate: &'static str,
    pub(super) kind: &'static Kind,
}

/// What parties of one trade have in common.
pub(super) struct Kind {
    /// GB 32100: registering department and category.
    pub(super) prefix: (char, char),
    pub(super) stages: &'static [Stage],
    pub(super) site: &'static str,
    pub(super) entry: Place,
    pub(super) store: Place,
}

const fn place(
    code: &'static str,
    names: (&'static str, &'static str),
    kind: &'static str,
    unit: &'static str,
) -> Place {
    Place {
        code,
        name_zh: names.0,
        name_en: names.1,
        kind,
        unit,
    }
}

/// Where goods come in with those that keep several substances.
pub(super) const WAREHOUSE_ENTRY: &str = "BAY-1";
pub(super) const DISPOSAL_ENTRY: &str = "RECV-1";

const AGENCY: Kind = Kind {
    prefix: ('1', '1'),
    stages: &[],
    site: "office",
    entry: place(
        "EVIDENCE-1",
        ("一号证物室", "Evidence room 1"),
        "cabinet",
        "",
    ),
    store: place(
        "EVIDENCE-2",
        ("二号证物室", "Evidence room 2"),
        "cabinet",
        "",
    ),
};
const PLANT: Kind = Kind {
    prefix: ('9', '1'),
    stages: &[Stage::Production, Stage::Storage, Stage::Trade],
    site: "plant",
    entry: place(
        "LINE-1",
        ("一号生产线", "Production line 1"),
        "bay",
        "U-LINE",
    ),
    store: place(
        "STORE-1",
        ("一号成品库", "Product store 1"),
        "magazine",
        "U-STORE",
    ),
};
const TRADER: Kind = Kind {
    prefix: ('9', '1'),
    stages: &[Stage::Import, Stage::Export, Stage::Trade, Stage::Storage],
    site: "yard",
    entry: place("PORT-1", ("口岸监管区", "Customs area"), "siding", "U-PORT"),
    store: place("STORE-1", ("口岸仓库", "Border store"), "bay", "U-STORE"),
};
const WAREHOUSE: Kind = Kind {
    prefix: ('9', '1'),
    stages: &[Stage::Storage],
    site: "warehouse",
    entry: place(
        WAREHOUSE_ENTRY,
        ("一号收货间", "Receiving bay 1"),
        "bay",
        "U-EAST",
    ),
    store: place("BAY-2", ("二号储存间", "Storage bay 2"), "bay", "U-WEST"),
};
const CARRIER: Kind = Kind {
    prefix: ('9', '1'),
    stages: &[Stage::Transport],
    site: "yard",
    entry: place(
        "YARD-1",
        ("一号停车场", "Parking yard 1"),
        "parked truck",
        "",
    ),
    store: place(
        "YARD-2",
        ("二号停车场", "Parking yard 2"),
        "parked truck",
        "",
    ),
};
const MINE: Kind = Kind {
    prefix: ('9', '1'),
    stages: &[Stage::Use, Stage::Storage],
    site: "mine",
    entry: place("MAG-1", ("一号专用库", "Magazine 1"), "magazine", "U-MAG"),
    store: place("WORKS-1", ("一号作业区", "Working area 1"), "bay", ""),
};
const PAINT: Kind = Kind {
    prefix: ('9', '1'),
    stages: &[Stage::Use, Stage::Storage],
    site: "plant",
    entry: place(
        "STORE-1",
        ("硝化棉库", "Nitrocellulose store"),
        "magazine",
        "U-STORE",
    ),
    store: place("MIX-1", ("一号调漆间", "Mixing room 1"), "bay", "U-MIX"),
};
const DISPOSAL: Kind = Kind {
    prefix: ('9', '1'),
    stages: &[Stage::Disposal, Stage::Storage],
    site: "plant",
    entry: place(
        DISPOSAL_ENTRY,
        ("危废暂存间", "Waste receiving room"),
        "bay",
        "U-RECV",
    ),
    store: place(
        "TREAT-1",
        ("一号处置线", "Treatment line 1"),
        "bay",
        "U-TREAT",
    ),
};

const fn entry(
    region: &'static str,
    names: (&'static str, &'static str),
    letters: &'static str,
    plate: &'static str,
    kind: &'static Kind,
) -> Entry {
    Entry {
        region,
        names,
        letters,
        plate,
        kind,
    }
}

pub(super) const AUTHORITIES: [Entry; 2] = [
    entry(
        "150000",
        ("演示应急管理厅", "Demo Emergency Management"),
        "EM",
        "蒙A",
        &AGENCY,
    ),
    entry(
        "150000",
        ("演示公安厅", "Demo Public Security"),
        "PS",
        "蒙A",
        &AGENCY,
    ),
];
pub(super) const CYANIDE_PLANTS: [Entry; 1] = [entry(
    "150400",
    ("赤峰晨泽氰化钠厂", "Chifeng Chenze Cyanide"),
    "CF",
    "蒙D",
    &PLANT,
)];
pub(super) const NITRATE_PLANTS: [Entry; 2] = [
    entry(
        "150600",
        ("鄂尔多斯北原硝铵厂", "Ordos Beiyuan Nitrate"),
        "OR",
        "蒙K",
        &PLANT,
    ),
    entry(
        "150300",
        ("乌海河西硝铵厂", "Wuhai Hexi Nitrate"),
        "WH",
        "蒙C",
        &PLANT,
    ),
];
pub(super) const CELLULOSE_PLANTS: [Entry; 1] = [entry(
    "150900",
    ("乌兰察布白云硝化棉厂", "Ulanqab Baiyun Cellulose"),
    "UL",
    "蒙J",
    &PLANT,
)];
pub(super) const IMPORTERS: [Entry; 1] = [entry(
    "152501",
    ("二连浩特通路进出口", "Erenhot Tonglu Trading"),
    "ER",
    "蒙H",
    &TRADER,
)];
pub(super) const WAREHOUSES: [Entry; 2] = [
    entry(
        "150200",
        ("包头安储危化品库", "Baotou Anchu Warehouse"),
        "BT",
        "蒙B",
        &WAREHOUSE,
    ),
    entry(
        "150400",
        ("赤峰东山危化品库", "Chifeng Dongshan Warehouse"),
        "CW",
        "蒙D",
        &WAREHOUSE,
    ),
];
pub(super) const CARRIERS: [Entry; 3] = [
    entry(
        "150400",
        ("赤峰稳行危货运输", "Chifeng Wenxing Haulage"),
        "CH",
        "蒙D",
        &CARRIER,
    ),
    entry(
        "150200",
        ("包头长驱危货运输", "Baotou Changqu Haulage"),
        "BH",
        "蒙B",
        &CARRIER,
    ),
    entry(
        "150100",
        ("呼和浩特青城危货运输", "Hohhot Qingcheng Haulage"),
        "HH",
        "蒙A",
        &CARRIER,
    ),
];
pub(super) const RAILWAYS: [Entry; 1] = [entry(
    "152501",
    ("二连站铁路货运", "Erenhot Rail Freight"),
    "RW",
    "蒙H",
    &CARRIER,
)];
pub(super) const GOLD_MINES: [Entry; 2] = [
    entry(
        "150400",
        ("赤峰金岭金矿", "Chifeng Jinling Gold Mine"),
        "JL",
        "蒙D",
        &MINE,
    ),
    entry(
        "150800",
        ("巴彦淖尔狼山金矿", "Bayannur Langshan Gold Mine"),
        "LS",
        "蒙L",
        &MINE,
    ),
];
pub(super) const OPEN_PITS: [Entry; 2] = [
    entry(
        "150600",
        ("鄂尔多斯沙梁露天矿", "Ordos Shaliang Open Pit"),
        "SL",
        "蒙K",
        &MINE,
    ),
    entry(
        "150700",
        ("呼伦贝尔草甸露天矿", "Hulunbuir Caodian Open Pit"),
        "HL",
        "蒙E",
        &MINE,
    ),
];
pub(super) const PAINT_MAKERS: [Entry; 1] = [entry(
    "150100",
    ("呼和浩特丹青漆业", "Hohhot Danqing Paint"),
    "DQ",
    "蒙A",
    &PAINT,
)];
pub(super) const DISPOSERS: [Entry; 1] = [entry(
    "150200",
    ("包头净源危废处置", "Baotou Jingyuan Disposal"),
    "JY",
    "蒙B",
    &DISPOSAL,
)];
/// Off the ledger when the world begins: what comes from them and goes to them
/// crosses its edge.
pub(super) const NEIGHBOURS: [Entry; 2] = [
    entry(
        "640200",
        ("石嘴山河滩露天矿", "Shizuishan Hetan Open Pit"),
        "SZ",
        "宁B",
        &MINE,
    ),
    entry(
        "620900",
        ("酒泉戈壁民爆", "Jiuquan Gebi Blasting"),
        "JQ",
        "甘F",
        &MINE,
    ),
];
/// Agencies of a city: registered, with stages and a territory, by those that
/// genesis names.
pub(super) const AGENCIES: [Entry; 3] = [
    entry(
        "150400",
        ("演示赤峰应急管理局", "Demo Chifeng Emergency Management"),
        "CE",
        "蒙D",
        &AGENCY,
    ),
    entry(
        "150200",
        ("演示包头公安局", "Demo Baotou Public Security"),
        "BP",
        "蒙B",
        &AGENCY,
    ),
    entry(
        "150600",
        ("演示鄂尔多斯应急管理局", "Demo Ordos Emergency Management"),
        "OE",
        "蒙K",
        &AGENCY,
    ),
];
/// A haulier whose papers have run out.
pub(super) const LAPSED_CARRIERS: [Entry; 1] = [entry(
    "150200",
    ("包头旧途货运", "Baotou Jiutu Haulage"),
    "JT",
    "蒙B",
    &CARRIER,
)];
/// A laboratory that has lost its licences.
pub(super) const LABORATORIES: [Entry; 1] = [entry(
    "150100",
    ("呼和浩特试剂研究所", "Hohhot Reagent Institute"),
    "HR",
    "蒙A",
    &PAINT,
)];
