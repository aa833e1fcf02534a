//! The two stores as the suite sees them.

use std::path::PathBuf;

use aegis_core::Secret;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use super::{LOG, TempDir, key, settings, verifier};
use crate::store::{Store, StoreAddress, open_reader};
use crate::verify::{Report, VerifyOptions, verify};
use crate::writer::{Audit, KeySource, Settings, Setup, StartError};

/// A fresh database.
#[derive(Debug)]
pub(super) enum Backend {
    Sqlite(TempDir),
    Postgres(String),
}

/// The throwaway server that the test command starts.
fn server() -> String {
    std::env::var("AEGIS_TEST_POSTGRES")
        .expect("AEGIS_TEST_POSTGRES is not set: run through cargo xtask test")
}

/// `url` with another database name.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = base.rsplit_once('/').unwrap();
    format!("{server}/{name}?{query}")
}

async fn postgres(url: &str, sql: &str) -> Result<(), String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let done = client.batch_execute(sql).await;
    done.map_err(|e| e.as_db_error().map_or(e.to_string(), ToString::to_string))
}

impl Backend {
    pub(super) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new())
    }

    pub(super) async fn postgres() -> Self {
        let (server, name) = (server(), format!("a{}", uuid::Uuid::now_v7().simple()));
        postgres(&server, &format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        Self::Postgres(with_database(&server, &name))
    }

    pub(super) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(directory) => directory.path().join("audit #1?.db"),
            Self::Postgres(_) => panic!("not a file"),
        }
    }

    pub(super) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub(super) fn address(&self) -> Secret {
        match self {
            Self::Sqlite(_) => Secret::new(format!("sqlite:{}", self.file().display())),
            Self::Postgres(url) => Secret::new(url.as_str()),
        }
    }

    pub(super) fn store(&self) -> Box<dyn Store> {
        StoreAddress::parse(&self.address())
            .unwrap()
            .store()
            .unwrap()
    }

    pub(super) async fn start_with(
        &self,
        log: &str,
        settings: Settings,
    ) -> Result<Audit, StartError> {
        let setup = Setup {
            store: self.store(),
            log: log.into(),
            key: KeySource::Given(key()),
            settings,
        };
        setup.start().await
    }

    pub(super) async fn start(&self) -> Audit {
        self.start_with(LOG, settings()).await.unwrap()
    }

    pub(super) async fn reader(&self) -> Box<dyn Store> {
        open_reader(&self.address()).await.unwrap()
    }

    pub(super) async fn verify_with(&self, saved: Option<&str>) -> Report {
        let keys = [verifier(LOG)];
        let options = VerifyOptions {
            saved,
            uncovered_max: 4,
            ..VerifyOptions::new(&keys)
        };
        let mut store = self.reader().await;
        verify(&mut *store, &options, &mut |_, _| {}).await.unwrap()
    }

    pub(super) async fn verify(&self) -> Report {
        self.verify_with(None).await
    }

    /// Runs SQL over a connection of its own; `{e}` and `{c}` stand for the tables' names.
    pub(super) async fn sql(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(_) => {
                let connection = rusqlite::Connection::open(self.file()).unwrap();
                let sql = sql.replace("{e}", "events").replace("{c}", "checkpoints");
                connection.execute_batch(&sql).map_err(|e| e.to_string())
            }
            Self::Postgres(url) => {
                let sql = sql
                    .replace("{e}", "audit.events")
                    .replace("{c}", "audit.checkpoints");
                postgres(url, &sql).await
            }
        }
    }

    /// What the tables' owner can do: takes the triggers away.
    pub(super) async fn drop_triggers(&self) {
        let sql = if self.is_postgres() {
            "DROP TRIGGER prevent_audit_modification ON audit.events;
             DROP TRIGGER prevent_checkpoint_modification ON audit.checkpoints"
        } else {
            "DROP TRIGGER prevent_audit_modification; DROP TRIGGER prevent_audit_deletion;
             DROP TRIGGER prevent_audit_replacement; DROP TRIGGER prevent_checkpoint_modification;
             DROP TRIGGER prevent_checkpoint_deletion; DROP TRIGGER prevent_checkpoint_replacement"
        };
        self.sql(sql).await.unwrap();
    }

    /// Changes the tables as [`Self::sql`], which must work.
    pub(super) async fn tamper(&self, sql: &str) {
        self.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

/// Makes each async function of the parent that takes a backend a test on both stores.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::tests::backend::Backend::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::tests::backend::Backend::postgres().await).await;
            })+
        }
    };
}
pub(super) use on_both_stores;
