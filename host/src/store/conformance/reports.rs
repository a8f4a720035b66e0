//! Reports of runs: what is listed, client by client.

use super::*;
use crate::domain::run::ChangeKind;

on_each_engine![
    a_report_lists_what_changed_from_what_to_what,
    details_of_old_runs_are_forgotten,
    a_report_lists_goals_that_came_changed_went_and_came_back,
    a_clients_changes_are_found_over_runs_and_the_last_of_a_field_is_kept_with_it,
];

async fn a_report_lists_what_changed_from_what_to_what(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[client("7", "Ayda Khan"), client("8", "Sam Khan")]).await;
    let all = async |practice: &Practice| {
        let rows = practice.store.changes(practice.run.id, None, first(10)).await.unwrap().items;
        rows.into_iter().map(|row| (row.kind, row.external_id.to_string(), row.name)).collect::<Vec<_>>()
    };
    assert!(all(&practice).await.is_empty(), "a first walk's clients are not listed one by one");
    assert_eq!(practice.run.counts.listed, 0);

    let incoming_records =
        vec![mapped(&client("7", "Ayda Osei")), left_out("8", "archived"), mapped(&client("9", "Bo Hill"))];
    practice.walk_to(incoming_records, RunState::Done, Trigger::Schedule).await;
    assert_eq!(
        all(&practice).await,
        [
            (ChangeKind::Created, "9".to_owned(), "Bo Hill".to_owned()),
            (ChangeKind::Changed, "7".to_owned(), "Ayda Osei".to_owned()),
            (ChangeKind::LeftOut, "8".to_owned(), "Sam Khan".to_owned()),
        ]
    );
    assert_eq!((practice.run.counts.listed, practice.run.counts.newly_left_out), (3, 1));
    let left_out = practice.store.changes(practice.run.id, Some(ChangeKind::LeftOut), first(1)).await.unwrap();
    assert_eq!(left_out.items[0].reason.as_deref(), Some("left out"));
    assert_eq!(left_out.items[0].label, None);
    let changed = practice.store.changes(practice.run.id, Some(ChangeKind::Changed), first(10)).await.unwrap();
    let field = &changed.items[0].fields[0];
    assert_eq!(
        (field.field.as_str(), field.from.as_deref(), field.to.as_deref()),
        ("last_name", Some("Khan"), Some("Osei"))
    );

    let page = practice.store.changes(practice.run.id, None, first(2)).await.unwrap();
    let rest = PageRequest { cursor: page.next, limit: 2 };
    assert_eq!(practice.store.changes(practice.run.id, None, rest).await.unwrap().items.len(), 1);

    practice.walk(&[client("7", "Ayda Osei"), client("8", "Sam Khan"), client("9", "Bo Hill")]).await;
    assert_eq!(all(&practice).await, [(ChangeKind::Returned, "8".to_owned(), "Sam Khan".to_owned())]);
    assert_eq!(practice.run.counts.returned, 1);
}

async fn details_of_old_runs_are_forgotten(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[client("7", "Ayda Khan")]).await;
    practice.walk(&[client("7", "Ayda Osei")]).await;
    let run = practice.run.id;
    for _ in 0..super::super::report::RUNS_KEPT {
        assert_eq!(practice.store.changes(run, None, first(10)).await.unwrap().items.len(), 1);
        practice.store.begin_run(new_run("main")).await.unwrap();
    }
    assert!(practice.store.changes(run, None, first(10)).await.unwrap().items.is_empty());
    assert!(practice.store.run(run).await.unwrap().is_some(), "the run itself stays");
}

async fn a_report_lists_goals_that_came_changed_went_and_came_back(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[client("7", "Ayda Khan")]).await;
    practice.run = Run { expected: None, ..practice.store.begin_run(new_run("main")).await.unwrap() };
    practice.goals(&[("7", &[goal("1", "Sail"), goal("2", "Boat")])]).await;
    assert_eq!(practice.run.counts.listed, 0, "a first walk's are not listed one by one");

    let all = async |practice: &Practice| {
        let rows = practice.store.changes(practice.run.id, None, first(10)).await.unwrap().items;
        let row = |row: super::super::report::Change| {
            let field = |field: crate::domain::edit::FieldChange| {
                format!("{}: {} → {}", field.field, field.from.unwrap_or_default(), field.to.unwrap_or_default())
            };
            assert!((row.record, row.record_id.is_some(), &*row.name) == (RecordKind::Goal, true, "Ayda Khan"));
            let fields: Vec<String> = row.fields.into_iter().map(field).collect();
            format!("{} {} {}", row.kind.as_str(), row.label.unwrap(), fields.join(", "))
        };
        rows.into_iter().map(row).collect::<Vec<_>>()
    };
    practice.run = practice.store.begin_run(new_run("main")).await.unwrap();
    let missing = [goal("1", "Sail far"), goal("3", "Car")];
    practice.goals(&[("7", &missing)]).await;
    assert_eq!(all(&practice).await, ["created Car ", "changed Sail far name: Sail → Sail far"]);
    assert_eq!((practice.run.counts.listed, practice.run.counts.changed_fields["goal.name"]), (2, 1));
    let changed = practice.store.changes(practice.run.id, Some(ChangeKind::Changed), first(1)).await.unwrap();
    let sail = (changed.items[0].client_id, (RecordKind::Goal, changed.items[0].record_id));
    let found = practice.store.reported_changes("main".parse().unwrap(), sail.0, sail.1).await.unwrap();
    assert_eq!((found.len(), found[0].run.id, found[0].fields[0].field.as_str()), (1, practice.run.id, "name"));
    practice.end_walk().await;
    practice.goals(&[("7", &missing)]).await;
    let run = practice.end_walk().await;
    let gone = practice.store.changes(run.id, Some(ChangeKind::Gone), first(10)).await.unwrap().items;
    assert_eq!(gone.iter().map(|row| row.label.as_deref()).collect::<Vec<_>>(), [Some("Boat")]);

    practice.run = practice.store.begin_run(new_run("main")).await.unwrap();
    practice.goals(&[("7", &[goal("1", "Sail far"), goal("2", "Boat"), goal("3", "Car")])]).await;
    assert_eq!(all(&practice).await, ["returned Boat "]);
    let gone = practice.store.changes(practice.run.id, Some(ChangeKind::Gone), first(10)).await.unwrap();
    assert!(gone.items.is_empty());
}

async fn a_clients_changes_are_found_over_runs_and_the_last_of_a_field_is_kept_with_it(on: On) {
    let mut practice = Practice::new(on).await;
    practice.walk(&[client("7", "Ayda Khan"), client("8", "Sam Hill")]).await;
    let ayda = practice.of("7").await.unwrap();
    assert!(ayda.last_changes.is_empty(), "who comes new has not changed");
    for name in ["Ayda Osei", "Ayda Osei", "Ayda Hill"] {
        practice.walk(&[client("7", name), client("8", "Sam Hill")]).await;
    }
    let found = async |id, of| practice.store.reported_changes("main".parse().unwrap(), id, of).await.unwrap();
    let changes = found(ayda.id, (RecordKind::Client, None)).await;
    let told: Vec<_> =
        changes.iter().map(|one| (one.kind, one.fields[0].from.as_deref(), one.fields[0].to.as_deref())).collect();
    let changed = ChangeKind::Changed;
    assert_eq!(told, [(changed, Some("Osei"), Some("Hill")), (changed, Some("Khan"), Some("Osei"))]);
    let last = practice.of("7").await.unwrap().last_changes;
    assert_eq!((last.len(), last[0].field.as_str(), last[0].run), (1, "last_name", Some(practice.run.id)));
    assert_eq!((last[0].from.as_deref(), last[0].to.as_deref()), (Some("Osei"), Some("Hill")));
    assert_eq!(last[0].revision, Some(REVISION));
    let sam = practice.of("8").await.unwrap();
    assert!(sam.last_changes.is_empty() && found(sam.id, (RecordKind::Client, None)).await.is_empty());
    assert!(found(ayda.id, (RecordKind::Goal, None)).await.is_empty());
}
