//! What both stores must do alike.

use std::time::{Duration, SystemTime};

use aegis_core::{ActorType, Principal};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::backend::{Backend, on_both_stores};
use super::{LOG, event, settings, verifier};
use crate::canonical::Details;
use crate::event::Event;
use crate::export::export;
use crate::merkle::leaf_hash;
use crate::store::{Filter, StoreError};
use crate::verify::{Defect, VerifyOptions, verify};
use crate::writer::{Settings, StartError, Timing};

on_both_stores!(
    awkward_values_read_back_as_hashed,
    triggers_refuse_changes,
    concurrent_appends_are_all_there,
    a_log_goes_on_where_it_ended,
    events_behind_the_last_checkpoint_extend_the_log,
    two_writers_of_one_log_are_refused,
    two_logs_lie_side_by_side,
    query_filters_and_limits,
    export_can_be_verified_by_others,
    a_failing_store_refuses_and_recovers,
    swallowed_rows_are_not_acknowledged,
    relaxed_appends_are_on_disk_soon,
    checkpoints_are_signed_while_nothing_happens,
);

fn principal(id: &str) -> Principal {
    Principal {
        actor_type: ActorType::Agent,
        id: id.into(),
        issuer: "zitadel".into(),
        tenant: None,
        roles: Vec::new(),
        amr: Vec::new(),
        acr: None,
        credential_id: None,
        expires_at: SystemTime::now(),
    }
}

async fn awkward_values_read_back_as_hashed(backend: Backend) {
    let long = "ü".repeat(101);
    let details = json!({
        "nul\0key": "nul\0value", "tiny": 5e-324, "huge": 1.797_693_134_862_315_7e308,
        "exact": 0.1, "big": 9_007_199_254_740_993_u64, "max": u64::MAX, "negative": -1.5e-7,
        "zero": -0.0, "e21": 1e21, "hundred": 100.0, "\u{10000}": 1, "\u{e000}": 2, "é\"\\\u{1}\u{7f}": "\u{2028}</script>",
        "nested": [[], {}, [null, true, false, ""]],
    });
    let audit = backend.start().await;
    for id in [
        "",
        "a",
        "nul\0",
        "'; DROP TABLE audit.events; --",
        long.get(..200).unwrap(),
        &long,
    ] {
        let event = Event::new("custom.event", "allow")
            .by(Some(&principal(id)))
            .on("model", id)
            .with_details(Details::new(details.clone()));
        audit.append(event).await.unwrap();
    }
    for address in ["::1", "::ffff:192.0.2.1", "2001:db8::", "255.255.255.255"] {
        let event = Event::new("e", "a").from_address(Some(address.parse().unwrap()));
        audit.append(event).await.unwrap();
    }
    audit.close().await.unwrap();
    let report = backend.verify().await;
    assert!(report.is_intact(), "{report}");
    let rows = backend.reader().await.events(LOG, 0, 100).await.unwrap();
    assert_eq!(rows.len(), 10);
    let names: Vec<_> = rows.iter().map(|row| row.event.actor_id.clone()).collect();
    assert_eq!(names[2], "nul\u{fffd}");
    assert_eq!(names[4].chars().count(), 100);
    assert_eq!(names[5].chars().count(), 100);
    assert!(names[5].contains('~') && !names[4].contains('~'));
}

async fn triggers_refuse_changes(backend: Backend) {
    let audit = backend.start().await;
    audit.append(event(0)).await.unwrap();
    audit.close().await.unwrap();
    let mut refused = vec![
        "UPDATE {e} SET action = 'block'",
        "UPDATE {c} SET note = 'x'",
        "DELETE FROM {e}",
        "DELETE FROM {c}",
    ];
    if backend.is_postgres() {
        refused.extend(["TRUNCATE {e}", "TRUNCATE {c}"]);
        refused
            .push("INSERT INTO {e} SELECT * FROM {e} ON CONFLICT (id) DO UPDATE SET action = 'x'");
    } else {
        refused.push("INSERT OR REPLACE INTO {e} SELECT * FROM {e}");
        refused.push("REPLACE INTO {c} SELECT log_id, tree_size, 'x' FROM {c}");
    }
    for sql in refused {
        let error = backend.sql(sql).await.expect_err(sql);
        assert!(error.contains("cannot be"), "{sql}: {error}");
    }
    assert!(backend.verify().await.is_intact());
}

async fn concurrent_appends_are_all_there(backend: Backend) {
    let audit = backend
        .start_with(
            LOG,
            Settings {
                checkpoint_events: 256,
                ..settings()
            },
        )
        .await;
    let audit = audit.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let audit = audit.clone();
        tasks.spawn(async move {
            for number in 0..40 {
                audit.append(event(task * 100 + number)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(audit.stats().stored, 640);
    assert_eq!(audit.stats().queued, 0);
    audit.close().await.unwrap();
    let report = backend.verify().await;
    assert!(report.is_intact(), "{report}");
    assert_eq!((report.logs[0].events, report.logs[0].covered), (640, 640));
    let rows = backend.reader().await.events(LOG, 0, 1_000).await.unwrap();
    let mut numbers: Vec<u64> = rows
        .iter()
        .map(|row| row.event.details()["number"].as_u64().unwrap())
        .collect();
    for task in 0..16 {
        let own: Vec<_> = numbers
            .iter()
            .filter(|number| *number / 100 == task)
            .collect();
        assert!(own.is_sorted(), "one caller's events keep their order");
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 640);
}

async fn a_log_goes_on_where_it_ended(backend: Backend) {
    for round in 0..3 {
        let audit = backend.start().await;
        assert!(audit.healthy());
        for number in 0..5 {
            audit.append(event(round * 5 + number)).await.unwrap();
        }
        audit.close().await.unwrap();
        assert!(!audit.healthy());
        assert!(audit.append(event(0)).await.is_err());
        let report = backend.verify().await;
        assert!(report.is_intact(), "{report}");
        assert_eq!(report.logs[0].events, (round as u64 + 1) * 5);
        assert_eq!(report.logs[0].covered, report.logs[0].events);
    }
}

async fn events_behind_the_last_checkpoint_extend_the_log(backend: Backend) {
    let audit = backend.start().await;
    for number in 0..6 {
        audit.append(event(number)).await.unwrap();
    }
    audit.close().await.unwrap();
    // As after a kill: the last two events have no checkpoint.
    backend.drop_triggers().await;
    backend.tamper("DELETE FROM {c} WHERE tree_size = 6").await;
    let report = backend.verify().await;
    assert!(report.is_intact(), "{report}");
    assert_eq!((report.logs[0].events, report.logs[0].covered), (6, 4));
    assert!(
        report.to_string().contains("the last 2 not yet covered"),
        "{report}"
    );
    let audit = backend.start().await;
    audit.append(event(6)).await.unwrap();
    audit.close().await.unwrap();
    let report = backend.verify().await;
    assert_eq!((report.logs[0].events, report.logs[0].covered), (7, 7));
    assert!(report.is_intact());
}

async fn two_writers_of_one_log_are_refused(backend: Backend) {
    let audit = backend.start().await;
    let second = backend.start_with(LOG, settings()).await;
    let Err(StartError::Store(StoreError::Locked { log })) = second else {
        panic!("{second:?}");
    };
    assert_eq!(log, LOG);
    audit.append(event(0)).await.unwrap();
    audit.close().await.unwrap();
    let audit = backend.start().await;
    audit.append(event(1)).await.unwrap();
    audit.close().await.unwrap();
    assert!(backend.verify().await.is_intact());
}

async fn two_logs_lie_side_by_side(backend: Backend) {
    for log in [LOG, "gateway-2"] {
        let audit = backend.start_with(log, settings()).await.unwrap();
        audit.append(event(0)).await.unwrap();
        audit.append(event(1)).await.unwrap();
        audit.close().await.unwrap();
    }
    let report = backend.verify().await;
    assert!(report.is_intact(), "{report}");
    let names: Vec<_> = report.logs.iter().map(|log| log.log.as_str()).collect();
    assert_eq!(names, [LOG, "gateway-2"]);
    // An event moved from one log to the other fits neither.
    backend.drop_triggers().await;
    backend
        .tamper("UPDATE {e} SET log_id = 'gateway-3' WHERE log_id = 'gateway-2' AND leaf_index = 1")
        .await;
    let report = backend.verify().await;
    let defects: Vec<_> = report
        .logs
        .iter()
        .map(|log| {
            (
                log.log.as_str(),
                log.finding.as_ref().map(|f| (f.defect, f.index)),
            )
        })
        .collect();
    assert_eq!(
        defects,
        [
            (LOG, None),
            ("gateway-2", Some((Defect::LogTruncated, Some(1)))),
            ("gateway-3", Some((Defect::EventMissing, Some(0)))),
        ]
    );
    let keys = [verifier(LOG)];
    let one = VerifyOptions {
        log: Some(LOG),
        ..VerifyOptions::new(&keys)
    };
    let mut store = backend.reader().await;
    let report = verify(&mut *store, &one, &mut |_, _| {}).await.unwrap();
    assert!(report.is_intact(), "{report}");
}

async fn query_filters_and_limits(backend: Backend) {
    let audit = backend.start().await;
    for number in 0..3 {
        audit.append(event(number)).await.unwrap();
    }
    let by_agent = Event::new("request.refused", "block").by(Some(&principal("agent-7")));
    audit.append(by_agent).await.unwrap();
    let between = SystemTime::now();
    tokio::time::sleep(Duration::from_millis(2)).await;
    audit
        .system_event("gateway.stopped", "stop", Value::Null)
        .await
        .unwrap();
    audit.close().await.unwrap();
    let mut store = backend.reader().await;
    let mut found = async |change: fn(&mut Filter)| -> Vec<u64> {
        let mut filter = Filter::default();
        change(&mut filter);
        let rows = store.query(&filter).await.unwrap();
        rows.iter().map(|row| row.index).collect()
    };
    assert_eq!(found(|_| ()).await, [4, 3, 2, 1, 0]);
    assert_eq!(found(|f| f.limit = 2).await, [4, 3]);
    assert_eq!(found(|f| f.limit = 0).await, [0_u64; 0]);
    assert_eq!(found(|f| f.actor = Some("agent-7".into())).await, [3]);
    let decided = found(|f| f.event_type = Some("request.decided".into())).await;
    assert_eq!(decided, [2, 1, 0]);
    assert_eq!(found(|f| f.log = Some("other".into())).await, [0_u64; 0]);
    let mut at = async |since: Option<SystemTime>, until: Option<SystemTime>| -> Vec<u64> {
        let filter = Filter {
            since,
            until,
            ..Filter::default()
        };
        let rows = store.query(&filter).await.unwrap();
        rows.iter().map(|row| row.index).collect()
    };
    assert_eq!(at(Some(between), None).await, [4]);
    assert_eq!(at(None, Some(between)).await, [3, 2, 1, 0]);
    let rows = store
        .query(&Filter {
            limit: 1,
            ..Filter::default()
        })
        .await
        .unwrap();
    let line: Value = serde_json::from_str(&rows[0].to_json()).unwrap();
    assert_eq!(line["event_type"], "gateway.stopped");
    assert_eq!(line["actor_type"], "system");
    assert_eq!(line["actor_id"], "aegis");
}

async fn export_can_be_verified_by_others(backend: Backend) {
    let audit = backend.start().await;
    for number in 0..9 {
        audit.append(event(number)).await.unwrap();
    }
    audit.close().await.unwrap();
    let mut out = Vec::new();
    let mut store = backend.reader().await;
    assert_eq!(export(&mut *store, None, &mut out).await.unwrap(), 9);
    let lines: Vec<Value> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: String = lines
        .iter()
        .filter_map(|line| line["type"].as_str()?.get(..1))
        .collect();
    assert_eq!(kinds, "eeeeceeeecec");
    for line in lines.iter().filter(|line| line["type"] == "event") {
        let canonical = serde_json_canonicalizer::to_vec(&line["leaf"]).unwrap();
        assert_eq!(line["leaf_hash"], leaf_hash(&canonical).to_string());
    }
}

async fn a_failing_store_refuses_and_recovers(backend: Backend) {
    let audit = backend.start().await;
    audit.append(event(0)).await.unwrap();
    // Any reason will do that makes the next INSERT fail.
    backend.tamper("ALTER TABLE {e} RENAME TO hidden").await;
    assert!(audit.append(event(1)).await.is_err());
    assert!(!audit.healthy());
    assert!(audit.append(event(2)).await.is_err());
    let slot = audit.slot();
    assert!(slot.is_err(), "no new request is let in");
    let back = if backend.is_postgres() {
        // The gateway may have made the table anew meanwhile, as for an empty database.
        "DROP TABLE IF EXISTS audit.events; ALTER TABLE audit.hidden RENAME TO events"
    } else {
        "DROP TABLE IF EXISTS events; ALTER TABLE hidden RENAME TO events"
    };
    backend.tamper(back).await;
    while !audit.healthy() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    audit.append(event(3)).await.unwrap();
    audit.close().await.unwrap();
    let rows = backend.reader().await.events(LOG, 0, 10).await.unwrap();
    let types: Vec<_> = rows.iter().map(|row| row.event.event_type()).collect();
    assert_eq!(
        types,
        ["request.decided", "audit.recovered", "request.decided"]
    );
    assert_eq!(rows[2].event.details()["number"], 3);
    let report = backend.verify().await;
    assert!(report.is_intact(), "{report}");
}

async fn swallowed_rows_are_not_acknowledged(backend: Backend) {
    let audit = backend.start().await;
    audit.append(event(0)).await.unwrap();
    let sql = if backend.is_postgres() {
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER swallow BEFORE INSERT ON {e} FOR EACH ROW EXECUTE FUNCTION swallow()"
    } else {
        "CREATE TRIGGER swallow BEFORE INSERT ON {e} BEGIN SELECT RAISE(IGNORE); END"
    };
    backend.tamper(sql).await;
    assert!(audit.append(event(1)).await.is_err());
    let sql = if backend.is_postgres() {
        "DROP TRIGGER swallow ON {e}"
    } else {
        "DROP TRIGGER swallow"
    };
    backend.tamper(sql).await;
    audit.close().await.unwrap();
    let report = backend.verify().await;
    assert!(report.is_intact(), "{report}");
}

async fn relaxed_appends_are_on_disk_soon(backend: Backend) {
    let delay = Duration::from_millis(20);
    let relaxed = Settings {
        timing: Timing::Relaxed(delay),
        ..settings()
    };
    let audit = backend.start_with(LOG, relaxed).await.unwrap();
    for number in 0..10 {
        audit.append(event(number)).await.unwrap();
    }
    while audit.stats().stored < 10 {
        tokio::time::sleep(delay).await;
    }
    let rows = backend.reader().await.events(LOG, 0, 100).await.unwrap();
    assert_eq!(rows.len(), 10);
    audit.close().await.unwrap();
    assert!(backend.verify().await.is_intact());
}

async fn checkpoints_are_signed_while_nothing_happens(backend: Backend) {
    let often = Settings {
        checkpoint_every: Duration::from_millis(30),
        ..settings()
    };
    let audit = backend.start_with(LOG, often).await.unwrap();
    audit.append(event(0)).await.unwrap();
    while audit.stats().checkpointed < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let report = backend.verify().await;
    assert_eq!((report.logs[0].events, report.logs[0].covered), (1, 1));
    audit.close().await.unwrap();
}
