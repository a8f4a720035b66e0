//! Pages of what the host does: the overview, runs, notes; and those before somebody is in.

use std::collections::BTreeMap;

use askama::Template as _;

use super::super::absence_review::{self, Missing};
use super::super::components::Paging;
use super::super::failure::Failure;
use super::super::layout::Section;
use super::super::notes::detail::{self, Order};
use super::super::notes::{self, Filter, NotesPage};
use super::super::overview::{self, Figure, OverviewPage, Site};
use super::super::progress::Progress;
use super::super::runs::{self, RunRow, RunsPage};
use super::super::sign_in::{SetUpPage, SignInPage};
use super::{at, check, clock, layout, layout_with_notice};
use crate::domain::absence::{AbsenceReview, AbsenceReviewState};
use crate::domain::field::FieldError;
use crate::domain::note::{Attempt, Awaits, DeliveryStep, FileNote, Note, NoteState};
use crate::domain::run::{ListCounts, Run, RunCounts, RunState, Trigger};
use crate::domain::{ClientId, EventId, ExternalId, HouseholdId, NoteId, RecordKind, RevisionId, RunId};
use crate::ops::Refusal;
use crate::pack::events::shipped;
use crate::store::book::BookCounts;

const NIL: uuid::Uuid = uuid::Uuid::nil();

pub(super) fn run(state: RunState) -> Run {
    let is_over = !matches!(state, RunState::Queued | RunState::Running);
    let counts = RunCounts {
        lists: BTreeMap::from([
            (RecordKind::Goal, ListCounts { created: 12, changed: 3, unchanged: 2_310, gone: 1, quarantined: 0 }),
            (RecordKind::Cover, ListCounts { unchanged: 1_804, ..ListCounts::default() }),
        ]),
        advisers: 12,
        seen: 4318,
        unchanged: 4280,
        created: 2,
        changed: 25,
        same: 8,
        skipped: BTreeMap::from([("archived".to_owned(), 31), ("not-a-person".to_owned(), 4)]),
        newly_left_out: 5,
        returned: 4,
        quarantined: 3,
        erased: 0,
        held: 0,
        overridden: 1,
        warnings: BTreeMap::from([("not-a-mobile".to_owned(), 112), ("unknown-title".to_owned(), 9)]),
        changed_fields: BTreeMap::from([("mobile".to_owned(), 14), ("address_line_1".to_owned(), 11)]),
        not_visible: 2,
        visible_again: 1,
        awaiting: 0,
        doubts: BTreeMap::from([("partner-link-one-sided".to_owned(), 6)]),
        listed: 31,
        requests: 102,
        retries: 1,
        slow_downs: 0,
        told: Vec::new(),
        repeated: 0,
        unreadable: 0,
        missed: 1,
        unconfirmed: 0,
    };
    Run {
        id: RunId(NIL),
        connection: "main".parse().unwrap(),
        state,
        trigger: Trigger::Schedule,
        queued_at: at("2026-11-22T00:13:57Z"),
        started_at: Some(at("2026-11-22T00:13:58Z")),
        finished_at: is_over.then(|| at("2026-11-22T00:14:10Z")),
        expected: Some(8600),
        counts,
        error: (state == RunState::Failed)
            .then(|| "Xplan refused the sign-in (401). Nothing was changed and 4 notes are waiting.".to_owned()),
    }
}

fn site(last: Option<&Run>) -> Site {
    let (badge, state) = overview::sync_state(last, "Xplan", &clock());
    Site {
        waits: None,
        name: "main".to_owned(),
        crm: "Xplan".to_owned(),
        host: "acme.xplan.iress.com.au".to_owned(),
        pack: "xplan-au".to_owned(),
        revision: "3f9a02c471be".to_owned(),
        schedule: "every hour".to_owned(),
        badge,
        state,
        to_do: None,
        running: last.and_then(|run| Progress::of(run, &clock())),
    }
}

fn figures() -> Vec<Figure> {
    let figure = |number: &str, word, path| Figure { number: number.to_owned(), word, path };
    vec![
        figure("2,904", "households", Some("/households")),
        figure("4,318", "clients", None),
        figure("3", "could not be read", Some("/review")),
    ]
}

#[test]
fn the_overview() {
    let page = |last: Option<&Run>, state: &str| OverviewPage {
        layout: layout(Section::Overview),
        state: state.to_owned(),
        sites: vec![site(last)],
        may_sync: true,
        figures: figures(),
        runs: last.into_iter().map(|run| RunRow::new(run, &clock())).collect(),
    };
    let bare = OverviewPage { sites: Vec::new(), ..page(None, "No connection has synced yet.") };
    check("overview_empty", &bare);
    check("overview_not_synced", &page(None, "No connection has synced yet."));
    let state = "Synced 12 minutes ago: 4,318 clients, 27 new or changed, 3 records could not be read.";
    check("overview", &page(Some(&run(RunState::Done)), state));
    check("overview_running", &page(Some(&run(RunState::Running)), state));
    let failed = run(RunState::Failed);
    let calling = OverviewPage { layout: layout_with_notice(Section::Overview), ..page(Some(&failed), state) };
    check("overview_failed", &calling);
}

#[test]
fn the_overview_says_how_each_connection_stands() {
    let check = |state, word: &str, message: &str| {
        let (badge, sentence) = overview::sync_state(Some(&run(state)), "Xplan", &clock());
        assert_eq!(badge.word, word);
        assert!(sentence.contains(message), "{sentence}");
    };
    check(RunState::Queued, "Queued", "about to begin");
    check(RunState::Running, "Running", "under way");
    check(RunState::Done, "Connected", "read the whole book in 12 s, 12 minutes ago");
    check(RunState::Failed, "Failed", "Xplan refused the sign-in (401)");
    check(RunState::Cancelled, "Cancelled", "cancelled 12 minutes ago");
}

#[test]
fn the_overview_never_says_more_than_is_known() {
    let counts = |clients| BookCounts { clients, ..BookCounts::default() };
    let check = |newest: &[Run], latest: &[Run], clients, expected: &str| {
        let message = overview::sentence(newest, latest, Some(&counts(clients)), &clock());
        assert_eq!(message, expected, "{:?}", newest.iter().map(|run| run.state).collect::<Vec<_>>());
    };
    let first = |state| Run { expected: None, ..run(state) };
    check(&[], &[], 0, "No connection has synced yet.");
    let about_to = "A sync is about to begin. Nobody has come over yet.";
    check(&[first(RunState::Queued)], &[first(RunState::Queued)], 0, about_to);
    let under_way = |rest: &str| format!("The first sync is under way. {rest}");
    check(&[first(RunState::Running)], &[], 0, &under_way("Nobody has come over yet."));
    check(&[first(RunState::Running)], &[], 9, &under_way("9 clients so far, every record could be read."));
    let failed = "The last sync failed 12 minutes ago. Nobody has come over yet.";
    check(&[first(RunState::Failed)], &[first(RunState::Failed)], 0, failed);
    let cancelled = "The last sync was cancelled 12 minutes ago. 9 clients so far, every record could be read.";
    check(&[first(RunState::Cancelled)], &[], 9, cancelled);
    let synced = "Synced 12 minutes ago: 9 clients, 27 new or changed, every record could be read.";
    check(&[run(RunState::Done)], &[run(RunState::Done)], 9, synced);
    // What ended well before stands beside what is going on.
    let latest = [run(RunState::Running), run(RunState::Done)];
    check(&[run(RunState::Running)], &latest, 9, &format!("A sync is under way. {synced}"));
    let latest = [run(RunState::Failed), run(RunState::Done)];
    check(&[run(RunState::Failed)], &latest, 9, &format!("The last sync failed 12 minutes ago. {synced}"));
}

#[test]
fn an_absence_review_of_each_kind() {
    let asked = |standing| AbsenceReview {
        connection: "main".parse().unwrap(),
        run: RunId(NIL),
        since: at("2026-11-22T00:14:10Z"),
        missing: 812,
        of: 820,
        limit: 41,
        standing,
        answered: (standing != AbsenceReviewState::Waiting).then(|| ("Pat Lee".to_owned(), at("2026-11-22T00:20:00Z"))),
    };
    let main = "main".parse().unwrap();
    let page = |kind, asked: Option<&AbsenceReview>, missing| {
        absence_review::view((&main, kind), asked, missing, true, layout(Section::Review), &clock())
    };
    let missing = vec![Missing {
        name: "TPD, RP-4711".to_owned(),
        note: "Ayda Khan".to_owned(),
        path: format!("/households/{NIL}"),
    }];
    check("absence_review_covers", &page(RecordKind::Cover, Some(&asked(AbsenceReviewState::Waiting)), missing));
    check("absence_review_none", &page(RecordKind::Client, None, Vec::new()));
    let told = |kind| page(kind, Some(&asked(AbsenceReviewState::Confirmed)), Vec::new()).state;
    assert_eq!(told(RecordKind::Client), "812 of 820 clients were marked as not visible by Pat Lee, 6 minutes ago.");
    assert_eq!(told(RecordKind::Goal), "812 of 820 goals were marked as gone by Pat Lee, 6 minutes ago.");
}

#[test]
fn runs_and_their_reports() {
    let page = |rows: Vec<RunRow>| RunsPage {
        layout: layout(Section::Runs),
        rows,
        paging: Paging::new("/runs", "", None, Some("opaque")),
    };
    check("runs_empty", &page(Vec::new()));
    let states = [RunState::Running, RunState::Done, RunState::Failed, RunState::Cancelled];
    check("runs", &page(states.map(|state| RunRow::new(&run(state), &clock())).into()));
    check("run", &runs::view(&run(RunState::Done), layout(Section::Runs), &clock()));
    let mut first = run(RunState::Running);
    first.expected = None;
    first.counts = RunCounts { seen: 120, created: 118, ..RunCounts::default() };
    check("run_first", &runs::view(&first, layout(Section::Runs), &clock()));
}

fn note(state: NoteState) -> Note {
    let refused = Attempt {
        at: at("2026-11-22T00:20:00Z"),
        took_ms: 431,
        outcome: "the CRM asks to wait (429): <b>Too many requests</b>".to_owned(),
    };
    Note {
        id: NoteId(NIL),
        event_id: EventId(NIL),
        event_type: "your-life-survey.completed".to_owned(),
        event_label: "Your Life Survey completed".to_owned(),
        household_id: HouseholdId(NIL),
        connection: "main".parse().unwrap(),
        revision: RevisionId([0; 6]),
        marker: "marker".to_owned(),
        note: FileNote {
            note_type: "File Note".to_owned(),
            note_subtype: Some("General".to_owned()),
            subject: "Completed Your Life Survey Ayda Khan & Sam Khan".to_owned(),
            body: "Your Life Score: 72%\nGoals:\n- Pay <off> the house".to_owned(),
            media_type: "text/plain".to_owned(),
            filed_against: vec![ExternalId("1259".to_owned()), ExternalId("1260".to_owned())],
        },
        attachments: Vec::new(),
        clients: vec![ClientId(NIL)],
        state,
        step: DeliveryStep::Accepted,
        accepted_at: at("2026-11-22T00:19:59Z"),
        due_at: (state == NoteState::Waiting).then(|| at("2026-11-22T00:28:00Z")),
        done_at: (state == NoteState::Done).then(|| at("2026-11-22T00:21:00Z")),
        failures: 1,
        attempts: vec![refused],
        reason: (state != NoteState::Done).then(|| "Xplan asks to wait: Too many requests.".to_owned()),
        doubted: false,
        discarded: false,
        awaits: None,
        copies: None,
        said_absent: None,
    }
}

#[test]
fn notes_and_their_delivery() {
    let types = shipped("xplan-au");
    let types = || {
        types
            .all()
            .iter()
            .map(|one| (one.name.clone(), one.label.clone()))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect()
    };
    let page = |rows| NotesPage {
        layout: layout(Section::Notes),
        of: None,
        documents: Filter::default().documents(),
        choices: notes::choices(&Filter::in_state("waiting")),
        filters: notes::filters(&Filter::in_state("waiting"), vec!["main".to_owned()], types(), true),
        rows,
        paging: Paging::new("/notes", "state=waiting", None, Some("opaque")),
    };
    let household = || "Ayda Khan & Sam Khan".to_owned();
    check("notes_empty", &page(Vec::new()));
    let states = [NoteState::Queued, NoteState::Waiting, NoteState::Done, NoteState::Dead];
    check("notes", &page(states.map(|state| notes::row(&note(state), household(), &clock())).into()));
    check(
        "note_waiting",
        &detail::view(
            &note(NoteState::Waiting),
            household(),
            &Order { behind: 2, ..Order::default() },
            layout(Section::Notes),
            &clock(),
        ),
    );
    check(
        "note_done",
        &detail::view(&note(NoteState::Done), household(), &Order::default(), layout(Section::Notes), &clock()),
    );
}

#[test]
fn a_note_page_asks_what_only_a_person_can_tell() {
    let page = |note: &Note| {
        let view = detail::view(note, "Ayda Khan".to_owned(), &Order::default(), layout(Section::Notes), &clock());
        askama::Template::render(&view).unwrap()
    };
    let created = DeliveryStep::Created { document_id: ExternalId("9001".to_owned()) };
    let attaching =
        DeliveryStep::Attaching { document_id: ExternalId("9001".to_owned()), since: at("2026-11-22T00:19:59Z") };
    let check = |change: &dyn Fn(&mut Note), shown: &[&str], not_shown: &[&str]| {
        let mut note = note(NoteState::Done);
        change(&mut note);
        let page = page(&note);
        for part in shown {
            assert!(page.contains(part), "{part}: {page}");
        }
        for part in not_shown {
            assert!(!page.contains(part), "{part}: {page}");
        }
    };
    let buttons = ["value=\"there\"", "value=\"not_there\""];
    check(&|_| {}, &["Done"], &buttons);
    let missing = |note: &mut Note| (note.step, note.copies) = (created.clone(), Some(0));
    check(&missing, &["Not in the CRM any more", "send it again", "Give the note up", buttons[0]], &[]);
    let twice = |note: &mut Note| (note.step, note.copies) = (created.clone(), Some(2));
    check(&twice, &["Twice in the CRM", "Only this one is there"], &[buttons[1], "Give the note up"]);
    let document = |note: &mut Note| (note.step, note.state) = (attaching.clone(), NoteState::Dead);
    check(&document, &["In doubt", "documents of the note 9001", buttons[1], "Look it up again"], &[]);
    let refiling = |note: &mut Note| (note.state, note.awaits) = (NoteState::Waiting, Some(Awaits::Refiling));
    check(&refiling, &["Linked to somebody else", "File it there and send it"], &buttons);
}

#[test]
fn the_pages_before_somebody_is_in() {
    let sign_in = |problem: Option<&str>| SignInPage {
        practice: "Acme Advice".to_owned(),
        email: "pat.lee@example.com".to_owned(),
        to: "/households?search=\"khan\"".to_owned(),
        problems: problem.map(|message| FieldError::new("email", message)).into_iter().collect(),
        provider: None,
        for_managers: false,
    };
    check("sign_in", &sign_in(None));
    let provider = Some("Acme login".to_owned());
    check("sign_in_by_provider", &SignInPage { provider: provider.clone(), ..sign_in(None) });
    let problem = Some("The identity provider does not answer.");
    check(
        "sign_in_without_passwords",
        &SignInPage { provider, for_managers: true, to: String::new(), ..sign_in(problem) },
    );
    check("sign_in_refused", &sign_in(Some("No account has this email and password. Check both and sign in again.")));
    let problem = FieldError::new("password", "Choose a password of at least 12 characters.");
    let set_up = |problems| SetUpPage {
        practice: "Acme Advice".to_owned(),
        token: "token".to_owned(),
        name: "Pat Lee".to_owned(),
        email: "pat.lee@example.com".to_owned(),
        problems,
    };
    check("set_up", &set_up(Vec::new()));
    check("set_up_refused", &set_up(vec![problem]));
}

#[test]
fn a_failure_tells_nothing_of_its_inside() {
    let (status, page) = Failure::Broken("panicked at 'secret'".to_owned()).page();
    assert_eq!(status.as_u16(), 500);
    check("failure", &page);
}

#[test]
fn a_form_that_does_not_fit_is_told_of_field_by_field() {
    let refusal = Refusal::at("/external_id", "`x` is no ID of the CRM".to_owned());
    let (status, page) = Failure::from(refusal).page();
    let html = page.render().unwrap();
    assert_eq!(status.as_u16(), 422);
    let expected = "<li id=\"external_id-problem\"><strong>Client ID:</strong> `x` is no ID of the CRM</li>";
    assert!(html.contains(expected), "{html}");
}
