//! Notes in the outbound folder: each once, whatever becomes of the folder meanwhile.

use super::*;
use crate::crm::FoundNote;
use crate::domain::note::FileNote;

const MARKER: &str = "tidegate-01890a5d-ac96-774b-bcce-b302099a8057";

fn note() -> FileNote {
    FileNote {
        note_type: "General".to_owned(),
        note_subtype: None,
        subject: "A plan".to_owned(),
        body: "Two lines,\nin truth.".to_owned(),
        media_type: "text/plain".to_owned(),
        filed_against: vec![ExternalId("7".to_owned()), ExternalId("C-8".to_owned())],
    }
}

fn outbound(exports: &Exports) -> std::path::PathBuf {
    exports.folder.path().join("outbound")
}

async fn found(exports: &Exports) -> Vec<FoundNote> {
    exports.files.find_notes(&ExternalId("C-8".to_owned())).await.unwrap()
}

#[tokio::test]
async fn a_note_is_a_folder_with_its_text_and_documents_and_is_written_once() {
    let exports = Exports::new(&[]);
    assert!(found(&exports).await.is_empty());
    let id = exports.files.create_note(&note(), MARKER).await.unwrap();
    let again = exports.files.create_note(&note(), MARKER).await.unwrap();
    assert_eq!((id.as_str(), &again), (MARKER, &id));
    let folder = outbound(&exports).join(MARKER);
    assert_eq!(fs::read_to_string(folder.join("note.txt")).unwrap(), note().body);
    let written: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("note.json")).unwrap()).unwrap();
    assert_eq!((&written["subject"], &written["filed_against"]), (&"A plan".into(), &serde_json::json!(["7", "C-8"])));

    let pdf = exports.files.attach(&id, "A plan: final?.pdf", "application/pdf", b"%PDF-1").await.unwrap();
    let same = exports.files.attach(&id, "A plan: final?.pdf", "application/pdf", b"%PDF-1").await.unwrap();
    let other = exports.files.attach(&id, "A plan: final?.pdf", "application/pdf", b"%PDF-2").await.unwrap();
    assert_eq!((pdf.as_str(), &same, other.as_str()), ("A plan_ final_.pdf", &pdf, "A plan_ final_ (2).pdf"));
    assert_eq!(fs::read(folder.join("A plan_ final_.pdf")).unwrap(), b"%PDF-1");
    let listed = exports.files.attachments_of(&id).await.unwrap();
    assert_eq!(
        listed.iter().map(|one| (one.id.as_str(), one.size)).collect::<Vec<_>>(),
        [("A plan_ final_ (2).pdf", Some(6)), ("A plan_ final_.pdf", Some(6)),]
    );
    for (name, expected) in
        [("../../escape.pdf", "_.._escape.pdf"), ("note.json", "document note.json"), ("..", "document")]
    {
        let id = exports.files.attach(&id, name, "application/pdf", b"x").await.unwrap();
        assert_eq!(id.as_str(), expected);
    }
    assert_eq!(found(&exports).await.len(), 1);
    assert_eq!(exports.files.filed_against(&id).await.unwrap(), Some(note().filed_against));
}

#[tokio::test]
async fn a_note_that_was_fetched_is_still_known() {
    let exports = Exports::new(&[]);
    let id = exports.files.create_note(&note(), MARKER).await.unwrap();
    let folder = outbound(&exports).join(MARKER);
    // Moved by the CRM's system, then thrown away.
    fs::create_dir(outbound(&exports).join("done")).unwrap();
    fs::rename(&folder, outbound(&exports).join("done").join(MARKER)).unwrap();
    assert_eq!(found(&exports).await.len(), 1);
    exports.files.attach(&id, "one.pdf", "application/pdf", b"%PDF-1").await.unwrap();
    assert!(outbound(&exports).join("done").join(MARKER).join("one.pdf").is_file());
    fs::remove_dir_all(outbound(&exports).join("done")).unwrap();
    assert_eq!(
        (found(&exports).await.len(), exports.files.create_note(&note(), MARKER).await.unwrap()),
        (1, id.clone())
    );
    assert!(!folder.exists(), "it was written again");
    exports.files.attach(&id, "two.pdf", "application/pdf", b"%PDF-2").await.unwrap();
    assert!(outbound(&exports).join(format!("{MARKER}.documents")).join("two.pdf").is_file());
    assert_eq!(exports.files.attachments_of(&id).await.unwrap().len(), 2);
    // Without receipts, what is in the folders is known.
    let other = Exports::new(&[]);
    other.files.create_note(&note(), MARKER).await.unwrap();
    fs::remove_dir_all(outbound(&other).join(".tidegate")).unwrap();
    assert_eq!(found(&other).await[0].document_id.as_str(), MARKER);
}

#[tokio::test]
async fn a_note_whose_writing_was_cut_is_written_once() {
    let exports = Exports::new(&[]);
    exports.files.create_note(&note(), MARKER).await.unwrap();
    let (there, receipts) = (outbound(&exports).join(MARKER), outbound(&exports).join(".tidegate"));
    let making = receipts.join(format!("{MARKER}.part"));
    // Before the last step: whole, with its receipt, and not yet where the CRM's system looks.
    fs::rename(&there, &making).unwrap();
    assert!(found(&exports).await.is_empty());
    exports.files.create_note(&note(), MARKER).await.unwrap();
    assert!(there.join("note.json").is_file() && !making.exists());
    // Before its receipt: half of it.
    fs::rename(&there, &making).unwrap();
    fs::remove_file(making.join("note.json")).unwrap();
    fs::remove_dir_all(receipts.join(MARKER)).unwrap();
    assert!(found(&exports).await.is_empty());
    exports.files.create_note(&note(), MARKER).await.unwrap();
    assert!(there.join("note.json").is_file() && found(&exports).await.len() == 1);
}

#[tokio::test]
async fn a_folder_that_is_missing_passes_and_one_that_may_not_be_written_is_told() {
    let exports = Exports::new(&[]);
    let apart = TempDir::new().unwrap();
    let outbound = apart.path().join("mounted").join("notes");
    let files = Files::new(&spec(exports.folder.path(), &[("outbound", outbound.to_str().unwrap())]));
    let missing = files.create_note(&note(), MARKER).await.unwrap_err();
    assert!(matches!(missing, CrmError::NotReady { .. }) && missing.to_string().contains("mounted"), "{missing}");
    fs::create_dir(apart.path().join("mounted")).unwrap();
    files.create_note(&note(), MARKER).await.unwrap();
    fs::set_permissions(&outbound, fs::Permissions::from_mode(0o500)).unwrap();
    // Whoever may do everything is refused nothing.
    if fs::write(outbound.join("probe"), "").is_err() {
        let refused = files.create_note(&note(), "tidegate-other").await.unwrap_err();
        assert!(matches!(refused, CrmError::NotReady { .. }), "{refused}");
    }
    fs::set_permissions(&outbound, fs::Permissions::from_mode(0o700)).unwrap();
    let odd = files.create_note(&note(), "../escape").await.unwrap_err();
    assert!(matches!(odd, CrmError::Protocol { .. }), "{odd}");
}

#[tokio::test]
async fn whatever_is_in_the_way_of_the_outbound_folder_waits_for_somebody_to_see_to_it() {
    let exports = Exports::new(&[]);
    fs::write(outbound(&exports), "a file").unwrap();
    let error = exports.files.create_note(&note(), MARKER).await.unwrap_err();
    assert!(matches!(error, CrmError::NotReady { .. }), "{error}");
    assert!(error.to_string().contains("is no folder") && !error.to_string().contains("os error"), "{error}");
    fs::remove_file(outbound(&exports)).unwrap();
    symlink(exports.folder.path(), outbound(&exports)).unwrap();
    let error = exports.files.create_note(&note(), MARKER).await.unwrap_err();
    assert!(matches!(error, CrmError::NotReady { .. }) && error.to_string().contains("is a link"), "{error}");
    fs::remove_file(outbound(&exports)).unwrap();
    exports.files.create_note(&note(), MARKER).await.unwrap();
}

#[tokio::test]
async fn others_may_read_what_they_are_to_fetch_as_the_umask_of_the_start_says() {
    let exports = Exports::new(&[]);
    crate::crm::rights::give_by(0o027);
    let id = exports.files.create_note(&note(), MARKER).await.unwrap();
    exports.files.attach(&id, "one.pdf", "application/pdf", b"%PDF-1").await.unwrap();
    let folder = outbound(&exports).join(MARKER);
    let mode = |path: std::path::PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(outbound(&exports)), mode(folder.clone())], [0o750, 0o750]);
    assert_eq!(["note.json", "note.txt", "one.pdf"].map(|name| mode(folder.join(name))), [0o640; 3]);
    crate::crm::rights::give_by(0o077);
    // Somebody who may write there put links in the way: nothing is written through them.
    let secret = exports.folder.path().join("secret");
    fs::write(&secret, "s").unwrap();
    symlink(&secret, folder.join("two.pdf.part")).unwrap();
    exports.files.attach(&id, "two.pdf", "application/pdf", b"%PDF-1").await.unwrap();
    assert_eq!(fs::read_to_string(&secret).unwrap(), "s");
    assert!(!fs::symlink_metadata(folder.join("two.pdf")).unwrap().is_symlink());
}
