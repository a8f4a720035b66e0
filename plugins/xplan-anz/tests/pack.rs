//! The plugin with its packs, natively: golden fixtures, a messy book, tables of the hard cases, and that
//! nothing the CRM may send stops it.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "the whole crate is tests, and tables of values read best"
)]

#[path = "pack/explain.rs"]
mod explain;
#[path = "pack/extensions.rs"]
mod extensions;
#[path = "pack/lists.rs"]
mod lists;
#[path = "pack/manifest.rs"]
mod manifest;
#[path = "pack/messy.rs"]
mod messy;
#[path = "pack/people.rs"]
mod people;
#[path = "pack/properties.rs"]
mod properties;
#[path = "pack/repeated.rs"]
mod repeated;
#[path = "pack/support.rs"]
mod support;
#[path = "pack/tables.rs"]
mod tables;

use tidegate_sdk::harness::check_pack;
use xplan_anz::XplanAnz;

#[test]
fn the_fixtures_of_australia_come_out_as_they_should() {
    check_pack::<XplanAnz>(support::AU);
}

#[test]
fn the_fixtures_of_new_zealand_come_out_as_they_should() {
    check_pack::<XplanAnz>(support::NZ);
}

#[test]
fn the_fixtures_of_the_united_kingdom_come_out_as_they_should() {
    check_pack::<XplanAnz>(support::UK);
}

#[test]
fn the_fixtures_of_south_africa_come_out_as_they_should() {
    check_pack::<XplanAnz>(support::ZA);
}
