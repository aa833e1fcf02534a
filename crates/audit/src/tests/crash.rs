//! `kill -9` while events are written: what was acknowledged is there, and the log goes on.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use aegis_core::Secret;
use tokio::task::JoinSet;

use super::backend::{Backend, on_both_stores};
use super::{LOG, event, key, settings};
use crate::store::StoreAddress;
use crate::writer::{KeySource, Setup};

on_both_stores!(a_killed_writer_loses_nothing_acknowledged);

/// Names the store for the process that is to be killed.
const STORE: &str = "AEGIS_TEST_CRASH_STORE";
/// Acknowledged events to wait for before the kill.
const ACKNOWLEDGED_MIN: usize = 300;

/// The process that is killed: appends without end and prints what was acknowledged.
#[tokio::test]
#[ignore = "runs as a child process of the test below"]
async fn child() {
    let address = StoreAddress::parse(&Secret::new(std::env::var(STORE).unwrap())).unwrap();
    let setup = Setup {
        store: address.store().unwrap(),
        log: LOG.into(),
        key: KeySource::Given(key()),
        settings: settings(),
    };
    let audit = setup.start().await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let audit = audit.clone();
        tasks.spawn(async move {
            for number in 0.. {
                let number = task * 1_000_000 + number;
                audit.append(event(number)).await.unwrap();
                println!("acknowledged {number}");
            }
        });
    }
    tasks.join_all().await;
}

/// Runs [`child`] until it has acknowledged enough, kills it, and gives what it acknowledged.
fn run_and_kill(backend: &Backend) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["tests::crash::child", "--exact", "--ignored", "--nocapture"])
        .env(STORE, backend.address().expose())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let read = |line: String| line.strip_prefix("acknowledged ")?.parse::<u64>().ok();
    while acknowledged.len() < ACKNOWLEDGED_MIN {
        acknowledged.extend(read(lines.next().expect("the child ended").unwrap()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had printed by then was acknowledged too; the last line may be cut.
    let mut rest: Vec<_> = lines.map_while(Result::ok).collect();
    rest.pop();
    acknowledged.extend(rest.into_iter().filter_map(read));
    acknowledged
}

async fn a_killed_writer_loses_nothing_acknowledged(backend: Backend) {
    let mut acknowledged = Vec::new();
    for round in 1..=2 {
        acknowledged.extend(run_and_kill(&backend));
        let audit = backend.start().await;
        audit.close().await.unwrap();
        let report = backend.verify().await;
        assert!(report.is_intact(), "round {round}: {report}");
        let mut stored = Vec::new();
        let mut reader = backend.reader().await;
        loop {
            let rows = reader
                .events(LOG, stored.len() as u64, 1_000)
                .await
                .unwrap();
            if rows.is_empty() {
                break;
            }
            stored.extend(
                rows.iter()
                    .map(|row| row.event.details()["number"].as_u64().unwrap()),
            );
        }
        for number in &acknowledged {
            assert!(
                stored.contains(number),
                "{number} was acknowledged and is lost"
            );
        }
    }
}
