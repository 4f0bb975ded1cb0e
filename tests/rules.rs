//! The rules as tables: one line a case, what the ledger answers in the last
//! column. Everything runs in process: opened, verified, decided, sealed and
//! folded, and after every step the fold must equal the decision.
//!
//! Precedence: the guards of a statement's shape look at its header first and
//! at its bodies one after another; then come signatures, ids and times,
//! signers, its place in a device's chain, and its events one after another. Among what one of these finds
//! wrong, the lowest number is given.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "rules/bench.rs"]
mod bench;
#[path = "rules/bytes.rs"]
mod bytes;
#[path = "rules/corrections.rs"]
mod corrections;
#[path = "rules/deals.rs"]
mod deals;
#[path = "rules/devices.rs"]
mod devices;
#[path = "rules/duties.rs"]
mod duties;
#[path = "rules/edges.rs"]
mod edges;
#[path = "rules/findings.rs"]
mod findings;
#[path = "rules/gates.rs"]
mod gates;
#[path = "rules/handoffs.rs"]
mod handoffs;
#[path = "rules/inspections.rs"]
mod inspections;
#[path = "rules/loading.rs"]
mod loading;
#[path = "rules/manifests.rs"]
mod manifests;
#[path = "rules/matter.rs"]
mod matter;
#[path = "rules/modes.rs"]
mod modes;
#[path = "rules/orders.rs"]
mod orders;
#[path = "rules/overdue.rs"]
mod overdue;
#[path = "rules/packages.rs"]
mod packages;
#[path = "rules/packs.rs"]
mod packs;
#[path = "rules/papers.rs"]
mod papers;
#[path = "rules/recalls.rs"]
mod recalls;
#[path = "rules/registry.rs"]
mod registry;
#[path = "rules/rejections.rs"]
mod rejections;
#[path = "rules/relief.rs"]
mod relief;
#[path = "rules/road.rs"]
mod road;
#[path = "rules/rotation.rs"]
mod rotation;
#[path = "rules/rulebook.rs"]
mod rulebook;
#[path = "rules/scales.rs"]
mod scales;
#[path = "rules/seals.rs"]
mod seals;
#[path = "rules/seizures.rs"]
mod seizures;
#[path = "rules/settlements.rs"]
mod settlements;
#[path = "rules/stock.rs"]
mod stock;
#[path = "rules/succession.rs"]
mod succession;
#[path = "rules/table.rs"]
mod table;
#[path = "rules/tanks.rs"]
mod tanks;
#[path = "rules/verbs.rs"]
mod verbs;
#[path = "rules/vessels.rs"]
mod vessels;
#[path = "rules/waybills.rs"]
mod waybills;

use std::collections::BTreeSet;

use hazledger::pb::{FindingCode, RefusalCode};

use table::{Case, named, run};

#[test]
fn a_statement_of_the_wrong_shape_is_refused() {
    run(bytes::SHAPE);
}

#[test]
fn a_statement_signed_wrongly_is_refused() {
    run(bytes::SIGNATURES);
}

#[test]
fn ids_and_times_must_be_of_these_days() {
    run(bytes::TIMES);
}

#[test]
fn the_registry_changes_by_those_who_may() {
    run(registry::REGISTRY);
}

#[test]
fn the_ledgers_key_is_followed_by_another_that_speaks_for_itself() {
    run(rotation::ROTATION);
}

#[test]
fn matter_enters_with_a_form_a_mass_and_papers() {
    run(matter::ENTRY);
}

#[test]
fn stored_matter_moves_only_as_far_as_it_is_there() {
    run(matter::STORE);
}

#[test]
fn what_is_gone_is_recorded_and_what_is_not_there_is_refused() {
    run(matter::CONSUME);
}

#[test]
fn what_crosses_the_edge_is_one_sided_until_it_is_confirmed() {
    run(edges::EDGE);
}

#[test]
fn what_customs_hold_stays_where_it_is() {
    run(edges::CUSTOMS);
}

#[test]
fn a_transformation_conserves() {
    run(matter::TRANSFORM);
}

#[test]
fn a_correction_books_the_difference() {
    run(matter::CORRECT);
}

#[test]
fn a_part_is_poured_and_the_package_stays() {
    run(packages::PARTS);
}

#[test]
fn an_empty_stands_until_it_is_destroyed_or_returned() {
    run(packages::EMPTIES);
}

#[test]
fn what_is_repacked_comes_out_or_is_declared_lost() {
    run(packages::REPACK);
}

#[test]
fn an_outer_packing_stands_for_what_is_in_it_while_it_is_whole() {
    run(packages::OUTER);
}

#[test]
fn a_sample_is_a_lot_of_its_own() {
    run(packages::SAMPLE);
}

#[test]
fn what_an_event_booked_can_be_corrected_and_what_it_is_cannot() {
    run(corrections::KINDS);
}

#[test]
fn what_was_poured_drawn_sampled_or_crossed_the_edge_can_be_corrected() {
    run(corrections::VESSELS_AND_EDGES);
}

#[test]
fn what_was_measured_at_a_handoff_is_corrected_by_both_sides() {
    run(corrections::TAKEN);
}

#[test]
fn a_kind_that_cannot_be_corrected_says_what_to_do_instead() {
    corrections::say_what_to_do_instead();
}

#[test]
fn an_offer_promises_only_what_is_free() {
    run(handoffs::OFFER);
}

#[test]
fn an_acceptance_is_a_fact_within_its_offer() {
    run(handoffs::ACCEPT);
}

#[test]
fn an_acceptance_before_its_offer_waits_for_it() {
    run(handoffs::PARK);
}

#[test]
fn a_waybill_is_asked_for_what_its_mode_has_and_nothing_else() {
    run(modes::WAYBILLS);
}

#[test]
fn a_road_waybill_says_what_is_right_and_of_its_goods() {
    run(waybills::FORM);
    run(waybills::GOODS);
}

#[test]
fn a_waybill_that_was_begun_is_filled_in_before_the_goods_go_aboard() {
    run(waybills::ABOARD);
}

#[test]
fn a_waste_manifest_is_of_the_lots_that_move() {
    run(manifests::MOVER);
}

#[test]
fn a_wastes_receiver_says_what_it_took_and_every_difference_is_found() {
    run(manifests::RECEIVER);
}

#[test]
fn what_was_refused_goes_on_under_its_own_name() {
    run(rejections::ON);
}

#[test]
fn goods_change_carriers_where_and_when_it_is_said() {
    run(rejections::RELAYS);
}

#[test]
fn a_pack_asks_for_the_fields_of_a_paper() {
    run(rejections::ASKED);
}

#[test]
fn a_train_goes_on_in_other_wagons() {
    run(modes::GAUGE);
}

#[test]
fn a_volume_with_its_density_is_a_mass_and_a_scale_is_verified() {
    run(scales::MEASURES);
}

#[test]
fn what_goes_back_is_what_was_handed_over() {
    run(scales::RETURNS);
}

#[test]
fn goods_aboard_are_their_carriers() {
    run(handoffs::CARRIAGE);
}

#[test]
fn permits_vehicles_persons_and_the_rest_are_entered_by_who_may() {
    run(packs::ENTRIES);
}

#[test]
fn a_pack_is_published_by_who_has_power_over_its_territory() {
    run(packs::PACKS);
}

#[test]
fn a_regions_lists_prohibit_restrict_and_control() {
    run(packs::LISTS);
}

#[test]
fn no_vehicle_is_loaded_whose_certificate_has_ended() {
    run(loading::VEHICLES);
}

#[test]
fn no_tank_is_loaded_uninspected_or_with_what_it_may_not_hold() {
    run(loading::TANKS);
}

#[test]
fn nobody_drives_or_escorts_without_a_valid_qualification() {
    run(loading::CREWS);
}

#[test]
fn a_loader_states_all_checks_and_passes_the_papers_on() {
    run(loading::CHECKS);
}

#[test]
fn two_persons_receive_issue_and_count() {
    run(duties::TWO_PERSONS);
}

#[test]
fn a_sale_is_filed_within_the_days_of_the_law() {
    run(duties::FILING);
}

#[test]
fn a_finding_is_answered_by_whose_it_is_and_resolved_by_an_authority() {
    run(findings::ANSWERS);
}

#[test]
fn findings_are_dated_by_the_pack_in_force() {
    findings::are_dated_by_the_pack_in_force();
}

#[test]
fn a_pack_sets_figures_in_the_place_of_the_base_packs() {
    run(duties::FIGURES);
}

#[test]
fn highly_toxic_goods_go_by_road_with_a_pass_that_names_them() {
    run(loading::PASSES);
}

#[test]
fn who_gives_takes_carries_or_disposes_needs_a_permit_of_the_day() {
    run(gates::PERMITS);
}

#[test]
fn who_buys_has_the_right_and_nobody_lends() {
    run(gates::PURCHASE);
}

#[test]
fn a_deal_is_paid_through_the_bank_off_the_internet_and_with_no_individual() {
    run(deals::DEALS);
}

#[test]
fn no_unit_holds_more_than_it_is_designed_for_unnoticed() {
    run(stock::DESIGN);
}

#[test]
fn nobody_has_more_than_its_permit_says_unnoticed() {
    run(stock::STORED);
}

#[test]
fn goods_that_are_to_be_kept_apart_are_noticed_in_one_place() {
    run(stock::APART);
}

#[test]
fn a_stack_that_is_too_large_is_noticed() {
    run(stock::STACKS);
}

#[test]
fn a_permits_quantity_is_claimed_drawn_and_restored() {
    run(gates::QUANTITY);
}

#[test]
fn a_vessel_is_filled_drawn_from_and_cleaned() {
    run(vessels::VESSELS);
}

#[test]
fn an_assay_sets_content_and_form() {
    run(vessels::ASSAYS);
}

#[test]
fn title_is_sold_once() {
    run(handoffs::TRADE);
}

#[test]
fn a_dispute_ends_by_both_sides_or_an_authority() {
    run(handoffs::SETTLE);
}

#[test]
fn disputes_of_every_origin_end_in_part_and_after_a_party_has_closed() {
    run(settlements::ORIGINS);
}

#[test]
fn an_authority_orders_goods_into_a_custodians_place() {
    run(orders::TAKE_OVER);
}

#[test]
fn what_is_sealed_stays_and_what_is_done_all_the_same_is_found() {
    run(seals::SEALS);
}

#[test]
fn what_is_called_back_goes_nowhere_but_back() {
    run(recalls::RECALLS);
}

#[test]
fn what_is_done_with_a_blacklisted_party_is_its_alarm() {
    run(relief::BLACKLIST);
}

#[test]
fn an_order_turns_gates_into_findings_for_what_it_names() {
    run(relief::RELIEF);
}

#[test]
fn what_is_seized_is_held_by_order_and_sealed() {
    run(seizures::SEIZURES);
}

#[test]
fn a_hidden_danger_is_set_right_verified_and_looked_back_at() {
    run(inspections::INSPECTIONS);
}

#[test]
fn a_successor_takes_over_duties_at_once() {
    run(succession::SUCCESSION);
}

#[test]
fn a_successor_takes_over_holdings_lot_by_lot() {
    run(succession::INHERITANCE);
}

#[test]
fn a_device_says_each_number_once() {
    run(devices::DEVICES);
}

#[test]
fn a_person_enters_from_paper_what_a_device_has_not_told() {
    run(devices::PAPER);
}

#[test]
fn a_stop_that_lasts_too_long_is_found_once() {
    run(road::STOPS);
}

#[test]
fn who_drives_too_long_or_rests_too_little_is_found() {
    run(road::HOURS);
}

#[test]
fn an_offer_that_nobody_answers_is_told_once() {
    run(overdue::HANDOFFS);
}

#[test]
fn goods_that_do_not_arrive_are_told_once() {
    run(overdue::CARRIAGES);
}

#[test]
fn waste_whose_receipt_nobody_confirms_is_told_once() {
    run(overdue::RECEIPTS);
}

#[test]
fn a_device_that_falls_silent_is_told_until_it_speaks() {
    run(overdue::DEVICES);
}

#[test]
fn goods_that_nobody_counts_are_told_until_they_are_counted() {
    run(overdue::COUNTS);
}

#[test]
fn what_would_be_overdue_is_tried_before_a_pack_is_published() {
    overdue::are_tried_before_a_pack_is_published();
}

#[test]
fn what_the_ledger_says_is_overdue_is_judged_like_anybodys_word() {
    run(overdue::WORDS);
}

/// All tables.
const TABLES: &[&[Case]] = &[
    bytes::SHAPE,
    bytes::SIGNATURES,
    bytes::TIMES,
    registry::REGISTRY,
    rotation::ROTATION,
    packs::ENTRIES,
    packs::PACKS,
    packs::LISTS,
    loading::VEHICLES,
    loading::TANKS,
    loading::CREWS,
    loading::CHECKS,
    loading::PASSES,
    duties::TWO_PERSONS,
    duties::FILING,
    duties::FIGURES,
    findings::ANSWERS,
    gates::PERMITS,
    gates::PURCHASE,
    gates::QUANTITY,
    deals::DEALS,
    stock::DESIGN,
    stock::STORED,
    stock::APART,
    stock::STACKS,
    matter::ENTRY,
    matter::STORE,
    matter::CONSUME,
    edges::EDGE,
    edges::CUSTOMS,
    matter::TRANSFORM,
    matter::CORRECT,
    packages::PARTS,
    packages::EMPTIES,
    packages::REPACK,
    packages::SAMPLE,
    packages::OUTER,
    corrections::KINDS,
    corrections::VESSELS_AND_EDGES,
    corrections::TAKEN,
    handoffs::OFFER,
    handoffs::ACCEPT,
    handoffs::PARK,
    handoffs::CARRIAGE,
    modes::WAYBILLS,
    modes::GAUGE,
    waybills::FORM,
    waybills::GOODS,
    waybills::ABOARD,
    manifests::MOVER,
    manifests::RECEIVER,
    rejections::ON,
    rejections::RELAYS,
    rejections::ASKED,
    scales::MEASURES,
    scales::RETURNS,
    handoffs::TRADE,
    handoffs::SETTLE,
    settlements::ORIGINS,
    vessels::VESSELS,
    vessels::ASSAYS,
    orders::TAKE_OVER,
    seals::SEALS,
    recalls::RECALLS,
    inspections::INSPECTIONS,
    seizures::SEIZURES,
    relief::BLACKLIST,
    relief::RELIEF,
    succession::SUCCESSION,
    succession::INHERITANCE,
    devices::DEVICES,
    devices::PAPER,
];

/// Refusals that no table can reach, and the test that does.
const ELSEWHERE: &[(RefusalCode, &str)] = &[
    // The ledger's index of ids gives it, before anything is decided.
    (RefusalCode::IdReused, "src/ledger/tests/answers.rs"),
];

#[test]
fn every_code_is_reached_by_a_line_of_a_table() {
    let (mut refusals, mut findings) = (BTreeSet::new(), BTreeSet::new());
    for cases in TABLES.iter().chain(&overdue::ALL) {
        let (mut r, mut f) = named(cases);
        refusals.append(&mut r);
        findings.append(&mut f);
    }
    refusals.extend(
        ELSEWHERE
            .iter()
            .map(|(code, _)| hazledger::event::codes::name(*code)),
    );
    let all = |names: Vec<&'static str>, prefix: &str| -> BTreeSet<&'static str> {
        names
            .into_iter()
            .filter_map(|n| n.strip_prefix(prefix))
            .filter(|n| *n != "UNSPECIFIED")
            .collect()
    };
    let numbers = 0..1_000;
    let refusal_names = numbers
        .clone()
        .filter_map(|n| RefusalCode::try_from(n).ok())
        .map(|c| c.as_str_name());
    let finding_names = numbers
        .filter_map(|n| FindingCode::try_from(n).ok())
        .map(|c| c.as_str_name());
    assert_eq!(refusals, all(refusal_names.collect(), "REFUSAL_CODE_"));
    assert_eq!(findings, all(finding_names.collect(), "FINDING_CODE_"));
}
