//! The writer's promises, on a store that fails on command and under a paused clock.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::fake::{Fail, Fake};
use super::{event, settings};
use crate::event::Event;
use crate::writer::{Audit, AuditError, Settings, Timing};

const DELAY: Duration = Duration::from_millis(100);

fn relaxed() -> Settings {
    Settings {
        timing: Timing::Relaxed(DELAY),
        ..settings()
    }
}

/// Appends in the background.
fn spawn(tasks: &mut JoinSet<Result<(), AuditError>>, audit: &Audit, count: usize) {
    for number in 0..count {
        let audit = audit.clone();
        tasks.spawn(async move { audit.append(event(number)).await });
    }
}

async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn until_healthy(audit: &Audit) {
    while !audit.healthy() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_gathers_during_a_commit_is_committed_at_once() {
    let fake = Fake::default();
    let gate = fake.gate();
    let (audit, _writer) = fake.start(settings()).await;
    let mut tasks = JoinSet::new();
    spawn(&mut tasks, &audit, 1);
    settle().await;
    spawn(&mut tasks, &audit, 1_500);
    settle().await;
    assert_eq!(audit.stats().queued, 1_501);
    gate.add_permits(3);
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!(fake.0.lock().batches, [1, 1_024, 476]);
    assert_eq!(audit.stats().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn strict_waits_for_the_store() {
    let fake = Fake::default();
    let gate = fake.gate();
    let (audit, _writer) = fake.start(settings()).await;
    let waiting = tokio::time::timeout(DELAY, audit.append(event(0))).await;
    assert!(waiting.is_err(), "not before the store has it");
    gate.add_permits(1);
    settle().await;
    assert_eq!(
        fake.types(),
        ["request.decided"],
        "a caller that left does not matter"
    );
}

#[tokio::test(start_paused = true)]
async fn relaxed_commits_within_its_delay() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(relaxed()).await;
    let start = Instant::now();
    audit.append(event(0)).await.unwrap();
    tokio::time::sleep(DELAY / 2).await;
    audit.append(event(1)).await.unwrap();
    assert_eq!(fake.types().len(), 0);
    tokio::time::sleep_until(start + DELAY + Duration::from_millis(1)).await;
    assert_eq!(fake.0.lock().batches, [2]);
    for number in 0..1_024 {
        audit.append(event(number)).await.unwrap();
    }
    settle().await;
    assert_eq!(
        fake.0.lock().batches,
        [2, 1_024],
        "a full batch does not wait"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_not_written_twice() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    fake.fail(&[Fail::After]);
    audit.append(event(0)).await.unwrap();
    audit.append(event(1)).await.unwrap();
    assert_eq!(fake.types().len(), 2);
    assert_eq!(fake.row(1).index, 1);
}

#[tokio::test(start_paused = true)]
async fn one_failure_is_made_up_for() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    fake.fail(&[Fail::Before]);
    audit.append(event(0)).await.unwrap();
    assert!(audit.healthy());
    assert_eq!(fake.types().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_is_fully_out_and_the_log_recovers() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    fake.fail(&[Fail::Before, Fail::Unreachable]);
    let refused = audit.append(event(0)).await;
    assert!(matches!(refused, Err(AuditError::Down(_))), "{refused:?}");
    assert!(!audit.healthy());
    let start = Instant::now();
    assert!(audit.append(event(1)).await.is_err());
    assert!(audit.slot().is_err());
    assert_eq!(start.elapsed(), Duration::ZERO, "while down, at once");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!audit.healthy());
    fake.set_away(false);
    until_healthy(&audit).await;
    audit.append(event(2)).await.unwrap();
    assert_eq!(fake.types(), ["audit.recovered", "request.decided"]);
    let details = fake.row(0).event.details();
    assert!(details["down_ms"].as_u64().unwrap() >= 10_000, "{details}");
    assert!(
        details["attempts"].as_u64().unwrap() >= 5,
        "back-off has an upper end: {details}"
    );
    assert_eq!(fake.row(1).event.details()["number"], 2);
    let stats = audit.stats();
    assert_eq!(
        (stats.stored, stats.failed_commits, stats.refused),
        (2, 1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_in_doubt_is_fully_in_where_the_store_has_it() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    audit.append(event(0)).await.unwrap();
    fake.fail(&[Fail::After]);
    fake.set_away(true);
    assert!(audit.append(event(1)).await.is_err());
    fake.set_away(false);
    until_healthy(&audit).await;
    audit.append(event(2)).await.unwrap();
    assert_eq!(
        fake.types(),
        [
            "request.decided",
            "request.decided",
            "audit.recovered",
            "request.decided"
        ]
    );
    let indices: Vec<_> = (0..4).map(|at| fake.row(at).index).collect();
    assert_eq!(indices, [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn acknowledged_events_outlive_an_outage_in_order() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(relaxed()).await;
    fake.fail(&[Fail::Before, Fail::Unreachable]);
    for number in 0..3 {
        audit.append(event(number)).await.unwrap();
    }
    let late = audit.slot().unwrap();
    tokio::time::sleep(DELAY * 2).await;
    assert!(!audit.healthy());
    late.keep(event(3));
    audit.keep(event(4));
    // The store comes back, and goes away once more while it is given what was kept.
    fake.set_away(false);
    fake.fail(&[Fail::After, Fail::Before, Fail::Before]);
    until_healthy(&audit).await;
    let numbers: Vec<_> = (0..fake.types().len())
        .filter_map(|at| fake.row(at).event.details()["number"].as_u64())
        .collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    assert_eq!(audit.stats().retained, 0);
    assert_eq!(audit.stats().queued, 0);
    assert_eq!(audit.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_during_an_outage_is_counted() {
    let fake = Fake::default();
    let small = Settings {
        queue_max: 2,
        ..settings()
    };
    let (audit, _writer) = fake.start(small).await;
    fake.fail(&[Fail::Before, Fail::Unreachable]);
    assert!(audit.append(event(0)).await.is_err());
    for number in 0..4 {
        audit.keep(event(number));
    }
    // The refused event has its place until it is decided that it is out.
    assert_eq!(audit.stats().unrecorded, 3);
    fake.set_away(false);
    until_healthy(&audit).await;
    assert_eq!(fake.types(), ["request.decided", "audit.recovered"]);
    let details = fake.row(1).event.details();
    assert_eq!(
        (&details["unrecorded"], &details["retained"]),
        (&3.into(), &1.into())
    );
    assert_eq!(audit.stats().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn the_queue_has_an_end() {
    let fake = Fake::default();
    let gate = fake.gate();
    let small = Settings {
        queue_max: 3,
        ..settings()
    };
    let (audit, _writer) = fake.start(small).await;
    let mut tasks = JoinSet::new();
    spawn(&mut tasks, &audit, 2);
    settle().await;
    spawn(&mut tasks, &audit, 1);
    settle().await;
    assert_eq!(audit.append(event(9)).await, Err(AuditError::QueueFull));
    assert!(audit.healthy(), "a full queue is not a failed store");
    gate.add_permits(9);
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    audit.append(event(9)).await.unwrap();
    assert_eq!(fake.types().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_noticed_and_forgiven() {
    let fake = Fake::default();
    let gate = fake.gate();
    let (audit, _writer) = fake.start(settings()).await;
    let start = Instant::now();
    assert_eq!(audit.append(event(0)).await, Err(AuditError::Slow));
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert!(!audit.healthy());
    assert_eq!(audit.append(event(1)).await, Err(AuditError::Slow));
    gate.add_permits(9);
    until_healthy(&audit).await;
    audit.append(event(2)).await.unwrap();
    assert_eq!(fake.types().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_somebody_else_changed_stays_down() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    audit.append(event(0)).await.unwrap();
    fake.0.lock().events.clear();
    fake.fail(&[Fail::Before]);
    assert!(audit.append(event(1)).await.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let Err(AuditError::Down(why)) = audit.append(event(1)).await else {
        panic!("up again");
    };
    assert!(why.contains("somebody else changed it"), "{why}");
    assert_eq!(fake.types().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn checkpoints_come_by_count_by_time_and_at_the_end() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    let sizes = || -> Vec<u64> { fake.0.lock().checkpoints.iter().map(|c| c.size).collect() };
    for number in 0..5 {
        audit.append(event(number)).await.unwrap();
    }
    assert_eq!(sizes(), [4]);
    tokio::time::sleep(Duration::from_secs(3_601)).await;
    assert_eq!(sizes(), [4, 5]);
    tokio::time::sleep(Duration::from_secs(36_000)).await;
    assert_eq!(sizes(), [4, 5], "nothing new, nothing to sign");
    audit.append(event(5)).await.unwrap();
    assert_eq!(
        sizes(),
        [4, 5, 6],
        "the first after a pause is signed with it"
    );
    audit.append(event(6)).await.unwrap();
    audit.close().await.unwrap();
    assert_eq!(sizes(), [4, 5, 6, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_in_doubt_is_not_written_twice() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(settings()).await;
    audit.append(event(0)).await.unwrap();
    fake.fail(&[Fail::After]);
    tokio::time::sleep(Duration::from_secs(3_601)).await;
    let sizes: Vec<_> = fake.0.lock().checkpoints.iter().map(|c| c.size).collect();
    assert_eq!(sizes, [1]);
    assert!(audit.healthy());
}

#[tokio::test(start_paused = true)]
async fn closing_writes_what_is_queued() {
    let fake = Fake::default();
    let (audit, mut writer) = fake.start(relaxed()).await;
    for number in 0..3 {
        audit.append(event(number)).await.unwrap();
    }
    let slot = audit.slot().unwrap();
    audit.close().await.unwrap();
    assert_eq!(fake.types().len(), 3);
    assert_eq!(audit.append(event(3)).await, Err(AuditError::Closed));
    slot.keep(event(4));
    assert_eq!(audit.stats().unrecorded, 1);
    assert_eq!(audit.close().await, Err(AuditError::Closed));
    assert!(writer.join_next().await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn dropping_every_handle_closes_too() {
    let fake = Fake::default();
    let (audit, mut writer) = fake.start(relaxed()).await;
    audit.append(event(0)).await.unwrap();
    drop(audit);
    assert!(writer.join_next().await.unwrap().is_ok());
    assert_eq!(fake.types().len(), 1);
    assert_eq!(fake.0.lock().checkpoints.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn closing_while_down_says_what_is_lost() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(relaxed()).await;
    fake.fail(&[Fail::Before, Fail::Unreachable]);
    audit.append(event(0)).await.unwrap();
    audit.append(event(1)).await.unwrap();
    tokio::time::sleep(DELAY * 2).await;
    let Err(AuditError::Down(why)) = audit.close().await else {
        panic!("nothing was written");
    };
    assert_eq!(&*why, "2 events could not be written");
    assert!(!audit.healthy());
}

#[tokio::test(start_paused = true)]
async fn closing_while_down_writes_if_the_store_is_back() {
    let fake = Fake::default();
    let (audit, _writer) = fake.start(relaxed()).await;
    fake.fail(&[Fail::Before, Fail::Unreachable]);
    audit.append(event(0)).await.unwrap();
    tokio::time::sleep(DELAY * 2).await;
    fake.set_away(false);
    audit.close().await.unwrap();
    assert_eq!(fake.types(), ["request.decided", "audit.recovered"]);
}

#[tokio::test(start_paused = true)]
async fn a_defect_of_the_store_closes_the_log() {
    let fake = Fake::default();
    let (audit, mut writer) = fake.start(settings()).await;
    fake.fail(&[Fail::Panic]);
    assert_eq!(audit.append(event(0)).await, Err(AuditError::Closed));
    assert!(writer.join_next().await.unwrap().is_err());
    assert!(!audit.healthy());
    assert_eq!(audit.append(event(1)).await, Err(AuditError::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_a_503_and_tells_the_client_nothing() {
    let down = AuditError::Down("disk full at /var/lib".into());
    let rejection = aegis_core::Rejection::from(down);
    assert_eq!(rejection.status(), http::StatusCode::SERVICE_UNAVAILABLE);
    assert!(!rejection.message().contains("disk"));
    assert!(rejection.detail().unwrap().contains("disk full"));
    let event = Event::new("e", "a");
    assert_eq!(event.actor_id(), "aegis");
}
