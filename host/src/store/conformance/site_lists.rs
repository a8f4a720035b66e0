//! Lists of the site itself are kept until two complete walks found them empty.

use super::*;
use crate::domain::site_list::{Came, KnownList, ListInForce};

on_each_engine![a_list_of_the_site_is_kept_until_two_complete_walks_found_it_empty,];

async fn a_list_of_the_site_is_kept_until_two_complete_walks_found_it_empty(on: On) {
    let mut practice = Practice::new(on).await;
    let name = || "/choices".to_owned();
    let mut walk = async |text: Option<&str>, came: Came, state: RunState| {
        let lists = vec![ListInForce { name: name(), text: text.map(str::to_owned), came }];
        practice.run = practice.store.begin_run(new_run("main")).await.unwrap();
        let mut group = practice.group(RecordKind::Client, Vec::new());
        if let Some(position) = &mut group.position {
            position.is_over = true;
        }
        let run = practice.store.commit(group).await.unwrap();
        practice.store.keep_site_lists("main".parse().unwrap(), run.id, lists).await.unwrap();
        practice.store.finish_run(Run { state, ..run }, THRESHOLD).await.unwrap();
        practice.store.site_lists("main".parse().unwrap()).await.unwrap().pop()
    };
    let known = |text: &str, may_be_empty| Some(KnownList { name: name(), text: text.to_owned(), may_be_empty });

    assert_eq!(walk(None, Came::AsItIs, RunState::Done).await, None);
    assert_eq!(walk(Some("[1]"), Came::AsItIs, RunState::Done).await, known("[1]", false));
    assert_eq!(walk(Some("[1]"), Came::Not, RunState::Done).await, known("[1]", false));
    assert_eq!(walk(Some("[1]"), Came::Empty, RunState::Failed).await, known("[1]", false), "it was cut");
    assert_eq!(walk(Some("[1]"), Came::Empty, RunState::Done).await, known("[1]", true));
    assert_eq!(walk(Some("[1]"), Came::Not, RunState::Done).await, known("[1]", true));
    assert_eq!(walk(Some("[2]"), Came::AsItIs, RunState::Done).await, known("[2]", false));
    assert_eq!(walk(Some("[2]"), Came::Empty, RunState::Done).await, known("[2]", true));
    assert_eq!(walk(None, Came::AsItIs, RunState::Done).await, None, "the second one");
}
