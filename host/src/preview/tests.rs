//! Throwing previews away.

use super::*;
use crate::domain::NoteId;

struct NoEvents;

#[async_trait::async_trait]
impl PastEvents for NoEvents {
    async fn page(&self, _: &ConnectionName, _: Timestamp, _: PageRequest) -> Result<Page<PastEvent>, StoreError> {
        Ok(Page { items: Vec::new(), next: None })
    }

    async fn compare_documents(
        &self,
        _: NoteId,
        _: &Arc<Revision>,
        _: &Arc<Revision>,
    ) -> Result<DocumentOutcome, StoreError> {
        Err(StoreError::BadCursor)
    }
}

fn made(now: Timestamp, seconds_ago: i64) -> PreviewId {
    let second = u64::try_from(now.as_second() - seconds_ago).unwrap();
    PreviewId(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, second, 0)))
}

#[test]
fn a_preview_of_before_an_erasure_is_not_kept() {
    let now = Timestamp::from_second(1_760_000_000).unwrap();
    let erased_at = Some(now.as_millisecond() - 60_000);
    assert!(stays(made(now, 59), erased_at, now) && stays(made(now, 61), None, now));
    assert!(!stays(made(now, 60), erased_at, now) && !stays(made(now, 61), erased_at, now));
    assert!(!stays(made(now, 8 * 24 * 60 * 60), None, now));
}

#[tokio::test]
async fn previews_are_thrown_away_by_time_and_all_at_an_erasure() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let previews = Previews::new(store, folder.path(), jiff::tz::TimeZone::UTC, Arc::new(NoEvents));
    let now = Timestamp::now();
    let kept = folder.path().join("previews");
    fs::create_dir(&kept).unwrap();
    let ids = [made(now, 8 * 24 * 60 * 60), made(now, 60)];
    for id in ids {
        for file in previews.files(id).into_iter().chain([kept.join(format!("{id}.json"))]) {
            fs::write(file, "{}").unwrap();
        }
    }
    let left = || fs::read_dir(&kept).unwrap().count();
    previews.tidy(now).await.unwrap();
    assert_eq!((left(), previews.ids().unwrap()), (3, vec![ids[1]]));
    previews.forget_all().unwrap();
    assert_eq!(left(), 0);
}
