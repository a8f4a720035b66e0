//! Each page from fixed values: empty, ordinary, with the longest names and with none. Looked at as text here, in a
//! browser by the end-to-end tests.

mod addresses;
mod audit;
mod book;
mod operations;
mod people;
mod privacy;
mod professionals;
mod recording;
mod refused_forms;
mod requests;
mod roles;

pub(super) use self::book::couple;
use askama::Template;
use jiff::tz::TimeZone;

use super::assets;
use super::components::Clock;
use super::layout::{Layout, Notice, Section};
use crate::domain::Timestamp;
use crate::domain::access::{Action, RULES};

/// Compares a page with its snapshot; the assets' names change with their content and are left out.
fn check(name: &str, page: &impl Template) {
    check_html(name, page.render().unwrap());
}

/// The same of a page as a host sent it.
fn check_html(name: &str, mut html: String) {
    for (asset, short) in
        [(assets::style(), "style.css"), (assets::script(), "script.js"), (assets::icon(), "icon.svg")]
    {
        html = html.replace(asset, short);
    }
    let lines: Vec<&str> = html.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "snapshots" }, {
        insta::assert_snapshot!(name, lines.join("\n"));
    });
}

fn clock() -> Clock {
    Clock { now: at("2026-11-22T00:26:00Z"), zone: TimeZone::get("Australia/Sydney").unwrap() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn layout(section: Section) -> Layout {
    Layout {
        practice: "Acme Advice".to_owned(),
        person: "Pat Lee".to_owned(),
        section,
        allowed: RULES.map(|rule| rule.action).to_vec(),
        search: String::new(),
        notices: Vec::new(),
    }
}

fn layout_with_notice(section: Section) -> Layout {
    let notice = Notice {
        needs: Action::ReadNotes,
        message: "2 file notes could not be delivered and no retry mends it.".to_owned(),
        path: "/notes?state=dead".to_owned(),
        link: "Look at them",
    };
    Layout { notices: vec![notice], ..layout(section) }
}
