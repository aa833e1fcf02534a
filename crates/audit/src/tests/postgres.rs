//! What only PostgreSQL can do to a log.

use aegis_core::Secret;
use tokio::task::JoinSet;

use super::backend::Backend;
use super::{LOG, event, settings};
use crate::store::{Access, PostgresStore, Store as _, StoreError};
use crate::writer::Settings;

#[tokio::test]
async fn a_server_that_ends_the_session_loses_and_doubles_nothing() {
    let backend = Backend::postgres().await;
    let many = Settings {
        checkpoint_events: 256,
        ..settings()
    };
    let audit = backend.start_with(LOG, many).await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let audit = audit.clone();
        tasks.spawn(async move {
            let mut stored = Vec::new();
            for number in 0..100 {
                let number = task * 1_000 + number;
                if audit.append(event(number)).await.is_ok() {
                    stored.push(number as u64);
                }
            }
            stored
        });
    }
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE application_name = 'aegis-audit' AND datname = current_database()";
    for _ in 0..10 {
        backend.tamper(end).await;
        tokio::task::yield_now().await;
    }
    let mut acknowledged = tasks.join_all().await.concat();
    audit.close().await.unwrap();
    let rows = backend.reader().await.events(LOG, 0, 1_000).await.unwrap();
    let mut stored: Vec<u64> = rows
        .iter()
        .filter_map(|row| row.event.details()["number"].as_u64())
        .collect();
    let count = stored.len();
    stored.sort_unstable();
    stored.dedup();
    assert_eq!(stored.len(), count, "no event twice");
    acknowledged.sort_unstable();
    acknowledged.retain(|number| stored.binary_search(number).is_err());
    assert_eq!(acknowledged, [0_u64; 0], "acknowledged and lost");
    let report = backend.verify().await;
    assert!(report.is_intact(), "{report}");
}

#[tokio::test]
async fn a_role_without_durability_gets_it() {
    let backend = Backend::postgres().await;
    backend
        .tamper(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',
               current_database()); END $$",
        )
        .await;
    let mut store = PostgresStore::new(&backend.address()).unwrap();
    for access in [Access::Read, Access::Write(LOG.into())] {
        store.open(access).await.unwrap();
        let setting = store.setting("synchronous_commit").await.unwrap();
        assert_eq!(setting.as_deref(), Some("on"));
    }
}

#[tokio::test]
async fn a_disabled_trigger_is_enabled_at_the_start() {
    let backend = Backend::postgres().await;
    backend.start().await.close().await.unwrap();
    let disable = "ALTER TABLE {e} DISABLE TRIGGER prevent_audit_modification";
    backend.tamper(disable).await;
    let audit = backend.start().await;
    audit.append(event(0)).await.unwrap();
    let error = backend.sql("DELETE FROM {e}").await.unwrap_err();
    assert!(error.contains("cannot be changed"), "{error}");
    audit.close().await.unwrap();
}

#[tokio::test]
async fn a_role_that_may_only_read_and_insert_is_enough() {
    let backend = Backend::postgres().await;
    backend.start().await.close().await.unwrap();
    let role = format!("r{}", uuid::Uuid::now_v7().simple());
    backend
        .tamper(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'p%/?#'; GRANT USAGE ON SCHEMA audit TO {role};
             GRANT SELECT, INSERT ON audit.events, audit.checkpoints TO {role}"
        ))
        .await;
    let Backend::Postgres(url) = &backend else {
        panic!("not PostgreSQL");
    };
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let limited = Backend::Postgres(format!("{scheme}://{role}:p%25%2F%3F%23@{host}"));
    let audit = limited.start().await;
    audit.append(event(0)).await.unwrap();
    audit.close().await.unwrap();
    assert!(limited.verify().await.is_intact());
    let error = limited.sql("DELETE FROM {e}").await.unwrap_err();
    assert!(error.contains("permission denied"), "{error}");
    backend
        .tamper("DROP TRIGGER prevent_audit_modification ON audit.events")
        .await;
    let error = limited
        .start_with(LOG, settings())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("as the database's owner"), "{error}");
    backend
        .tamper(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_plain_text() {
    let backend = Backend::postgres().await;
    let url = format!("{}&sslmode=require", backend.address().expose());
    let mut store = PostgresStore::new(&Secret::new(url)).unwrap();
    let opened = store.open(Access::Read).await;
    let Err(StoreError::Unavailable(why)) = opened else {
        panic!("{opened:?}");
    };
    assert!(why.to_lowercase().contains("tls"), "{why}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_without_the_password() {
    let url = "postgres://aegis:hunter2@127.0.0.1:1/audit?connect_timeout=1";
    let mut store = PostgresStore::new(&Secret::new(url)).unwrap();
    let opened = store.open(Access::Read).await;
    let why = opened.unwrap_err().to_string();
    assert!(why.contains("connect") && !why.contains("hunter2"), "{why}");
    assert!(!format!("{store:?}").contains("hunter2"));
}
