//! Everything that the tables' owner can do to a log is found, and named.

use super::backend::{Backend, on_both_stores};
use super::{LOG, event, settings, verifier};
use crate::canonical;
use crate::checkpoint::Checkpoint;
use crate::merkle::{Tree, leaf_hash};
use crate::verify::{Defect, Finding, VerifyOptions, verify};

on_both_stores!(
    every_changed_column_is_found,
    a_moved_event_is_missing_where_it_was,
    deletions_are_found,
    reordering_is_found,
    insertions_are_found,
    a_change_with_its_hash_is_found_at_the_checkpoint,
    truncation_is_found,
    forged_checkpoints_are_found,
    a_rollback_is_found_with_a_saved_checkpoint,
    a_log_without_checkpoints_is_not_intact,
    a_missing_log_or_key_is_found,
    a_changed_log_does_not_start,
);

/// A closed log of ten events with checkpoints at 4, 8 and 10, its triggers gone.
async fn log_of_ten(backend: &Backend) {
    let audit = backend.start().await;
    for number in 0..10 {
        audit.append(event(number)).await.unwrap();
    }
    audit.close().await.unwrap();
    let report = backend.verify().await;
    assert!(report.is_intact(), "{report}");
    assert_eq!(report.logs[0].checkpoints, 3);
    backend.drop_triggers().await;
}

async fn id_of(backend: &Backend, index: u64) -> String {
    let rows = backend.reader().await.events(LOG, index, 1).await.unwrap();
    rows[0].event.id.clone()
}

async fn found(backend: &Backend) -> Finding {
    let report = backend.verify().await;
    assert!(!report.is_intact());
    report.logs[0].finding.clone().unwrap()
}

/// What every verification of the changed log must say, the start of a gateway included.
async fn expect(backend: &Backend, defect: Defect, index: u64) -> Finding {
    let finding = found(backend).await;
    assert_eq!(
        (finding.defect, finding.index),
        (defect, Some(index)),
        "{finding}"
    );
    finding
}

/// Column and new value; every one differs from what [`event`] makes.
const CHANGES: [(&str, &str); 17] = [
    ("id", "'01890000-0000-7000-8000-000000000000'"),
    ("event_type", "'request.decideD'"),
    ("actor_type", "'agent'"),
    ("actor_id", "'anonymouS'"),
    ("resource_type", "NULL"),
    ("resource_type", "'route'"),
    ("resource_id", "''"),
    ("action", "'block'"),
    ("details", "'{}'"),
    ("details", "NULL"),
    ("details", "'null'"),
    ("details", r#"'{"number":5,"request_id":"R","score":0.93}'"#),
    // The same double, written with more digits.
    (
        "details",
        r#"'{"number":5,"request_id":"r","score":0.930000000000000000001}'"#,
    ),
    ("ip_address", "'192.0.2.8'"),
    ("ip_address", "NULL"),
    ("created_at", "'2026-01-01T00:00:00.000000Z'"),
    ("created_at", "NULL"),
];

async fn every_changed_column_is_found(backend: Backend) {
    log_of_ten(&backend).await;
    let hash = if backend.is_postgres() {
        "sha256('x')"
    } else {
        "zeroblob(32)"
    };
    let id = id_of(&backend, 5).await;
    backend
        .tamper("CREATE TABLE saved AS SELECT * FROM {e}")
        .await;
    for (column, value) in CHANGES.into_iter().chain([("leaf_hash", hash)]) {
        let sql = format!("UPDATE {{e}} SET {column} = {value} WHERE leaf_index = 5");
        backend.tamper(&sql).await;
        let finding = expect(&backend, Defect::EventChanged, 5).await;
        if column != "id" {
            let place = format!("at event 5 (id {id})");
            assert!(finding.to_string().starts_with(&place), "{finding}");
        }
        let saved = format!("(SELECT {column} FROM saved WHERE leaf_index = 5)");
        let sql = format!("UPDATE {{e}} SET {column} = {saved} WHERE leaf_index = 5");
        backend.tamper(&sql).await;
        let report = backend.verify().await;
        assert!(report.is_intact(), "{column}: {report}");
    }
}

async fn a_moved_event_is_missing_where_it_was(backend: Backend) {
    log_of_ten(&backend).await;
    let id = id_of(&backend, 5).await;
    for change in ["leaf_index = 50", "log_id = 'elsewhere'"] {
        backend
            .tamper(&format!("UPDATE {{e}} SET {change} WHERE leaf_index = 5"))
            .await;
        let report = backend.verify().await;
        let ours = report.logs.into_iter().find(|log| log.log == LOG);
        let finding = ours.unwrap().finding.unwrap();
        let found = (finding.defect, finding.index);
        assert_eq!(found, (Defect::EventMissing, Some(5)), "{finding}");
        let sql = format!("UPDATE {{e}} SET leaf_index = 5, log_id = '{LOG}' WHERE id = '{id}'");
        backend.tamper(&sql).await;
        assert!(backend.verify().await.is_intact());
    }
}

async fn deletions_are_found(backend: Backend) {
    log_of_ten(&backend).await;
    let next = id_of(&backend, 8).await;
    backend.tamper("DELETE FROM {e} WHERE leaf_index = 7").await;
    let finding = expect(&backend, Defect::EventMissing, 7).await;
    assert_eq!(finding.id, Some(next));
    backend.tamper("DELETE FROM {e} WHERE leaf_index = 0").await;
    expect(&backend, Defect::EventMissing, 0).await;
    backend.tamper("DELETE FROM {e}").await;
    expect(&backend, Defect::LogTruncated, 0).await;
    backend.tamper("DELETE FROM {c}").await;
    let report = backend.verify().await;
    assert_eq!(
        report.logs[0].finding.as_ref().unwrap().defect,
        Defect::LogMissing
    );
}

async fn reordering_is_found(backend: Backend) {
    log_of_ten(&backend).await;
    backend
        .tamper(
            "UPDATE {e} SET leaf_index = 99 WHERE leaf_index = 2;
             UPDATE {e} SET leaf_index = 2 WHERE leaf_index = 6;
             UPDATE {e} SET leaf_index = 6 WHERE leaf_index = 99",
        )
        .await;
    expect(&backend, Defect::EventChanged, 2).await;
}

async fn insertions_are_found(backend: Backend) {
    log_of_ten(&backend).await;
    let copy = |index: &str| {
        let id = "'01890000-0000-7000-8000-000000000000'";
        let id = if backend.is_postgres() {
            format!("{id}::uuid")
        } else {
            id.to_owned()
        };
        format!(
            "INSERT INTO {{e}} SELECT {id}, event_type, actor_type, actor_id, resource_type,
             resource_id, action, details, ip_address, created_at, log_id, {index}, leaf_hash
             FROM {{e}} WHERE leaf_index = 3"
        )
    };
    let undo = "DELETE FROM {e} WHERE id = '01890000-0000-7000-8000-000000000000'";
    backend.tamper(&copy("10")).await;
    expect(&backend, Defect::EventChanged, 10).await;
    backend.tamper(undo).await;
    backend.tamper(&copy("12")).await;
    expect(&backend, Defect::EventMissing, 10).await;
    backend.tamper(undo).await;
    // Where constraints are in the way the owner removes them.
    if backend.is_postgres() {
        backend
            .tamper(
                "ALTER TABLE {e} DROP CONSTRAINT events_log_id_leaf_index_key;
                 ALTER TABLE {e} DROP CONSTRAINT events_leaf_index_check",
            )
            .await;
        backend.tamper(&copy("3")).await;
        // Which of the two rows comes first is up to the server.
        let finding = found(&backend).await;
        assert_eq!(finding.index, Some(3), "{finding}");
        assert!(matches!(
            finding.defect,
            Defect::EventInserted | Defect::EventChanged
        ));
        backend.tamper(undo).await;
        backend.tamper(&copy("-1")).await;
        expect(&backend, Defect::EventInserted, 0).await;
        backend.tamper(undo).await;
    }
    assert!(backend.verify().await.is_intact());
}

async fn a_change_with_its_hash_is_found_at_the_checkpoint(backend: Backend) {
    log_of_ten(&backend).await;
    let first = id_of(&backend, 4).await;
    let mut rows = backend.reader().await.events(LOG, 5, 1).await.unwrap();
    rows[0].event.action = "block".into();
    let leaf = canonical::leaf(LOG, 5, &rows[0].event);
    let hash = leaf_hash(&leaf).to_string();
    let hash = if backend.is_postgres() {
        format!("'\\x{hash}'")
    } else {
        format!("x'{hash}'")
    };
    backend
        .tamper(&format!(
            "UPDATE {{e}} SET action = 'block', leaf_hash = {hash} WHERE leaf_index = 5"
        ))
        .await;
    let finding = expect(&backend, Defect::HistoryRewritten, 4).await;
    assert_eq!((finding.through, finding.id), (Some(7), Some(first)));
    // Without the checkpoint at 8 the next one finds it.
    backend.tamper("DELETE FROM {c} WHERE tree_size = 8").await;
    let finding = expect(&backend, Defect::HistoryRewritten, 4).await;
    assert_eq!(finding.through, Some(9));
}

async fn truncation_is_found(backend: Backend) {
    log_of_ten(&backend).await;
    backend
        .tamper("DELETE FROM {e} WHERE leaf_index >= 7")
        .await;
    let finding = expect(&backend, Defect::LogTruncated, 7).await;
    assert!(
        finding
            .to_string()
            .contains("a signed checkpoint covers 8 events")
    );
    backend
        .tamper("DELETE FROM {e} WHERE leaf_index >= 4")
        .await;
    expect(&backend, Defect::LogTruncated, 4).await;
}

async fn forged_checkpoints_are_found(backend: Backend) {
    log_of_ten(&backend).await;
    let notes = backend
        .reader()
        .await
        .checkpoints(LOG, 0, 10)
        .await
        .unwrap();
    let eight = notes[1].note.clone();
    let forger = crate::note::SigningKey::generate(LOG).unwrap().0;
    let mut tree = Tree::default();
    tree.push(leaf_hash(b"other"));
    for (note, why) in [
        (eight.replace("\n8\n", "\n9\n"), "does not verify"),
        (Checkpoint::sign(&tree, &forger), "no signature by key"),
        ("nonsense".to_owned(), "not a signed note"),
        (notes[0].note.clone(), "filed under another size"),
    ] {
        backend
            .tamper(&format!(
                "UPDATE {{c}} SET note = '{note}' WHERE tree_size = 8"
            ))
            .await;
        let finding = found(&backend).await;
        assert_eq!(finding.defect, Defect::CheckpointInvalid);
        assert!(finding.detail.contains(why), "{finding}");
    }
    backend
        .tamper(&format!(
            "UPDATE {{c}} SET note = '{eight}' WHERE tree_size = 8"
        ))
        .await;
    backend
        .tamper("UPDATE {c} SET tree_size = 900 WHERE tree_size = 10")
        .await;
    assert_eq!(found(&backend).await.defect, Defect::CheckpointInvalid);
}

async fn a_rollback_is_found_with_a_saved_checkpoint(backend: Backend) {
    log_of_ten(&backend).await;
    let notes = backend
        .reader()
        .await
        .checkpoints(LOG, 0, 10)
        .await
        .unwrap();
    for stored in &notes {
        let report = backend.verify_with(Some(&stored.note)).await;
        assert!(report.is_intact(), "{report}");
        assert_eq!(report.logs[0].saved, Some(stored.size));
    }
    let broken = notes[2].note.replace("\n10\n", "\n9\n");
    for (saved, defect) in [
        (broken.as_str(), Defect::SavedCheckpointInvalid),
        ("", Defect::SavedCheckpointInvalid),
        ("nonsense", Defect::LogMissing),
    ] {
        let report = backend.verify_with(Some(saved)).await;
        let finding = report.logs.iter().find_map(|log| log.finding.as_ref());
        assert_eq!(finding.unwrap().defect, defect, "{saved}");
    }
    // Back to the state of checkpoint 8: in itself a log without fault.
    backend
        .tamper("DELETE FROM {e} WHERE leaf_index >= 8; DELETE FROM {c} WHERE tree_size > 8")
        .await;
    assert!(backend.verify().await.is_intact());
    let report = backend.verify_with(Some(&notes[2].note)).await;
    let finding = report.logs[0].finding.as_ref().unwrap();
    assert_eq!(
        (finding.defect, finding.index),
        (Defect::RolledBack, Some(8))
    );
    // The gateway goes on from there: another history of the same length.
    let audit = backend.start().await;
    audit.append(event(88)).await.unwrap();
    audit.append(event(99)).await.unwrap();
    audit.close().await.unwrap();
    assert!(backend.verify().await.is_intact());
    let report = backend.verify_with(Some(&notes[2].note)).await;
    assert_eq!(
        report.logs[0].finding.as_ref().unwrap().defect,
        Defect::Forked
    );
    assert!(backend.verify_with(Some(&notes[1].note)).await.is_intact());
}

async fn a_log_without_checkpoints_is_not_intact(backend: Backend) {
    log_of_ten(&backend).await;
    backend.tamper("DELETE FROM {c} WHERE tree_size > 4").await;
    let finding = expect(&backend, Defect::Uncovered, 4).await;
    assert!(finding.to_string().contains("last 6 events"), "{finding}");
    backend
        .tamper("DELETE FROM {e} WHERE leaf_index = 9; DELETE FROM {e} WHERE leaf_index = 8")
        .await;
    assert!(
        backend.verify().await.is_intact(),
        "four events may be uncovered"
    );
}

async fn a_missing_log_or_key_is_found(backend: Backend) {
    log_of_ten(&backend).await;
    let mut store = backend.reader().await;
    let none = VerifyOptions::new(&[]);
    let report = verify(&mut *store, &none, &mut |_, _| {}).await.unwrap();
    assert_eq!(
        report.logs[0].finding.as_ref().unwrap().defect,
        Defect::KeyMissing
    );
    let keys = [verifier(LOG), verifier("gateway-9")];
    let two = VerifyOptions::new(&keys);
    let report = verify(&mut *store, &two, &mut |_, _| {}).await.unwrap();
    assert!(report.logs[0].finding.is_none());
    assert_eq!(report.logs[1].log, "gateway-9");
    assert!(
        report.to_string().contains("log gateway-9: BROKEN"),
        "{report}"
    );
    assert!(!report.is_intact());
}

async fn a_changed_log_does_not_start(backend: Backend) {
    log_of_ten(&backend).await;
    backend
        .tamper("CREATE TABLE saved AS SELECT * FROM {e}")
        .await;
    let refused = async || {
        // The triggers come back with every start.
        let error = backend.start_with(LOG, settings()).await.err();
        backend.drop_triggers().await;
        error.map(|e| e.to_string()).unwrap_or_default()
    };
    backend
        .tamper("UPDATE {e} SET action = 'block' WHERE leaf_index = 5")
        .await;
    let error = refused().await;
    assert!(error.contains("changed at event 5: its columns"), "{error}");
    backend
        .tamper("UPDATE {e} SET action = 'allow' WHERE leaf_index = 5")
        .await;
    backend.tamper("DELETE FROM {e} WHERE leaf_index = 9").await;
    let error = refused().await;
    assert!(
        error.contains("event 9: events that a checkpoint covers"),
        "{error}"
    );
    backend.tamper("DELETE FROM {e} WHERE leaf_index = 3").await;
    let error = refused().await;
    assert!(error.contains("event 3: it is missing"), "{error}");
    backend
        .tamper("DELETE FROM {e}; INSERT INTO {e} SELECT * FROM saved")
        .await;
    backend
        .tamper("UPDATE {c} SET note = 'x' WHERE tree_size = 10")
        .await;
    let error = refused().await;
    assert!(
        error.contains("does not verify with the signing key"),
        "{error}"
    );
    backend.tamper("DELETE FROM {c} WHERE tree_size = 10").await;
    let audit = backend.start().await;
    audit.close().await.unwrap();
}
