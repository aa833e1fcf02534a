//! The files beside an SQLite log: key, public key, lock, modes; and a file that goes away.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aegis_core::Secret;

use super::backend::Backend;
use super::{LOG, event, key, settings};
use crate::keys::{key_path, public_key_path, read_public_key};
use crate::spec::AuditSpec;
use crate::store::{Filter, SqliteStore, Store, StoreError};
use crate::verify::{VerifyOptions, verify};
use crate::{Access, open_reader};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn start(backend: &Backend) -> Result<crate::Audit, String> {
    let spec = AuditSpec::default();
    let audit = spec.build(&backend.address(), None).await;
    audit.map_err(|e| e.to_string())
}

#[tokio::test]
async fn a_key_is_made_once_and_kept() {
    let backend = Backend::sqlite();
    let audit = start(&backend).await.unwrap();
    audit.append(event(0)).await.unwrap();
    let verifier = audit.verifier().clone();
    audit.close().await.unwrap();
    let file = backend.file();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&key_path(&file)), 0o600);
    assert_eq!(read_public_key(&file).unwrap(), verifier);
    let spec = AuditSpec::default();
    let found = spec.verifier(&backend.address(), None).unwrap();
    assert_eq!(found, verifier);
    let mut store = open_reader(&backend.address()).await.unwrap();
    let keys = [found];
    let options = VerifyOptions::new(&keys);
    let report = verify(&mut *store, &options, &mut |_, _| {}).await.unwrap();
    assert!(report.is_intact(), "{report}");
    fs::remove_file(public_key_path(&file)).unwrap();
    let audit = start(&backend).await.unwrap();
    assert_eq!(audit.verifier(), &verifier);
    audit.close().await.unwrap();
    assert_eq!(read_public_key(&file).unwrap(), verifier, "written again");
}

#[tokio::test]
async fn a_key_that_is_lost_open_or_another_is_a_reason_not_to_start() {
    let backend = Backend::sqlite();
    let audit = start(&backend).await.unwrap();
    audit.append(event(0)).await.unwrap();
    audit.close().await.unwrap();
    let path = key_path(&backend.file());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = start(&backend).await.unwrap_err();
    assert!(error.contains("chmod 600"), "{error}");
    let saved = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let error = start(&backend).await.unwrap_err();
    assert!(
        error.contains("signing key of this log is missing"),
        "{error}"
    );
    assert!(!path.exists(), "no other key is made for a log that exists");
    fs::write(&path, key().expose()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = start(&backend).await.unwrap_err();
    assert!(
        error.contains("does not verify with the signing key"),
        "{error}"
    );
    fs::write(&path, "nonsense").unwrap();
    let error = start(&backend).await.unwrap_err();
    assert!(error.contains("not an Ed25519 private key"), "{error}");
    fs::write(&path, saved).unwrap();
    start(&backend).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_gone_is_not_made_anew() {
    let backend = Backend::sqlite();
    let audit = backend.start().await;
    audit.append(event(0)).await.unwrap();
    let file = backend.file();
    let away = file.with_extension("away");
    fs::rename(&file, &away).unwrap();
    assert!(audit.append(event(1)).await.is_err());
    assert!(!audit.healthy());
    assert!(!file.exists());
    fs::rename(&away, &file).unwrap();
    while !audit.healthy() {
        tokio::task::yield_now().await;
    }
    audit.append(event(2)).await.unwrap();
    audit.close().await.unwrap();
    let report = backend.verify().await;
    assert!(report.is_intact(), "{report}");
    assert_eq!(report.logs[0].events, 3, "two events and the outage");
}

#[tokio::test]
async fn reading_creates_and_changes_nothing() {
    let backend = Backend::sqlite();
    assert!(open_reader(&backend.address()).await.is_err());
    assert!(!backend.file().exists());
    backend.start().await.close().await.unwrap();
    let mut store = SqliteStore::new(backend.file());
    store.open(Access::Read).await.unwrap();
    let batch = crate::Batch {
        log: LOG.into(),
        events: Vec::new(),
        checkpoint: None,
    };
    assert_eq!(store.append(&batch).await, Err(StoreError::ReadOnly));
    assert_eq!(store.query(&Filter::default()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    let backend = Backend::sqlite();
    backend.start().await.close().await.unwrap();
    backend.tamper("PRAGMA user_version = 2").await;
    let error = backend.start_with(LOG, settings()).await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[tokio::test]
async fn a_bad_place_is_named() {
    let spec = AuditSpec::default();
    let nowhere = Secret::new("sqlite:/nonexistent/audit.db");
    let error = spec.build(&nowhere, None).await.unwrap_err().to_string();
    assert!(error.contains("/nonexistent/audit.db"), "{error}");
}
