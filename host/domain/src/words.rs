//! The words that values go by: each is the one that stands in JSON, and roles are called as people call them.

use std::fmt::Debug;

use serde::Serialize;

use crate::absence::AbsenceReviewState;
use crate::access::Role;
use crate::import::RowStatus;
use crate::note::Stage;
use crate::record::RecordKind;
use crate::review::{Likeness, ReviewState};
use crate::run::{ChangeKind, RunState};

#[track_caller]
fn check<T: Serialize + Copy + Debug>(all: &[T], word: fn(T) -> &'static str) {
    for one in all {
        assert_eq!(serde_json::to_value(one).unwrap(), word(*one), "{one:?}");
    }
}

#[test]
fn a_word_is_the_one_in_json() {
    check(AbsenceReviewState::ALL, AbsenceReviewState::as_str);
    check(&RowStatus::ALL, RowStatus::as_str);
    check(Stage::ALL, Stage::as_str);
    check(RecordKind::ALL, RecordKind::as_str);
    check(&ReviewState::ALL, ReviewState::as_str);
    check(RunState::ALL, RunState::as_str);
    check(ChangeKind::ALL, ChangeKind::as_str);
    let likenesses = [Likeness::Email, Likeness::NameAndDateOfBirth, Likeness::NameAndMobile];
    check(&[&likenesses[..], &[Likeness::NameAndPartner, Likeness::Name]].concat(), Likeness::as_str);
}

#[test]
fn a_role_is_called_as_people_call_it() {
    let check = |role: Role, expected: &str| assert_eq!(role.to_string(), expected);
    check(Role::PracticeManager, "practice manager");
    check(Role::Adviser, "adviser");
    check(Role::Associate, "associate");
    check(Role::Paraplanner, "paraplanner");
    check(Role::Support, "support");
    check(Role::Compliance, "compliance");
}
