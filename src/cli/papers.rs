//! Words for the papers that go with goods, Chinese beside English.

use crate::pb::{StepPapers, TransportMode};

/// What a reader of a lot's chain is told of a step's papers, a line each.
pub fn lines(papers: &StepPapers) -> Vec<String> {
    let mut lines = Vec::new();
    if !papers.waybill.is_empty() {
        let mode = mode(papers.mode());
        lines.push(format!("waybill 运单 {} by {mode}", papers.waybill));
    }
    if !papers.manifest.is_empty() {
        lines.push(format!("waste manifest 危废联单 {}", papers.manifest));
    }
    if !papers.instead_of.is_empty() {
        let before = match papers.instead_of_position {
            Some(position) => format!("position 序号 {position}"),
            None => crate::event::digest::to_hex(&papers.instead_of),
        };
        lines.push(format!("instead of refused offer 代替被拒交出单 {before}"));
    }
    if !papers.replaced_by.is_empty() {
        let after: Vec<String> = papers.replaced_by.iter().map(u64::to_string).collect();
        let after = after.join(", ");
        lines.push(format!("went on by 后续改派见 position 序号 {after}"));
    }
    lines
}

fn mode(mode: TransportMode) -> &'static str {
    match mode {
        TransportMode::Unspecified => "",
        TransportMode::Road => "road 公路",
        TransportMode::Rail => "rail 铁路",
        TransportMode::Air => "air 航空",
        TransportMode::Water => "water 水路",
        TransportMode::Pipeline => "pipeline 管道",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_links_are_told_a_line_each() {
        assert!(lines(&StepPapers::default()).is_empty());
        let papers = StepPapers {
            handoff: vec![1; 16].into(),
            mode: TransportMode::Road.into(),
            waybill: "W-1".into(),
            manifest: "20261501000117".into(),
            instead_of: vec![2; 16].into(),
            instead_of_position: Some(12),
            replaced_by: vec![18, 20],
        };
        let wanted = [
            "waybill 运单 W-1 by road 公路",
            "waste manifest 危废联单 20261501000117",
            "instead of refused offer 代替被拒交出单 position 序号 12",
            "went on by 后续改派见 position 序号 18, 20",
        ];
        assert_eq!(lines(&papers), wanted);
    }
}
