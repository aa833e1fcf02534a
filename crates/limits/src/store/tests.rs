//! The store at its limits, and against a naive model of the same queue.

use std::slice::from_ref;
use std::sync::Arc;
use std::time::Duration;

use aegis_core::Rate;
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Default)]
struct HandClock(Mutex<Duration>);

impl HandClock {
    fn pass(&self, nanos: u64) {
        *self.0.lock() += Duration::from_nanos(nanos);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Duration {
        *self.0.lock()
    }
}

fn store(keys_max: usize) -> (MemoryStore, Arc<HandClock>) {
    let clock = Arc::new(HandClock::default());
    (MemoryStore::sized(clock.clone(), 1, keys_max), clock)
}

fn quota(count: u64, per: Duration) -> Quota {
    Quota::new(Rate { count, per }).unwrap()
}

fn key(address: u32) -> Key {
    Key {
        per: Per::Address,
        limit: 1,
        subject: Subject::Net4(address),
    }
}

fn request(address: u32, count: u64) -> Charge {
    let amount = Amount::Request(quota(count, Duration::from_secs(1)));
    let key = key(address);
    Charge { key, amount }
}

fn tokens(quota: Quota, fits: u64, taken: u64) -> Charge {
    let amount = Amount::Tokens { quota, fits, taken };
    let key = key(0);
    Charge { key, amount }
}

fn place(address: u32, max: u32) -> Charge {
    let amount = Amount::Place { max };
    let key = key(address);
    Charge { key, amount }
}

fn passes(store: &MemoryStore, bill: &[Charge]) -> bool {
    take(store, bill).unwrap().refusal.is_none()
}

fn take(store: &MemoryStore, bill: &[Charge]) -> Result<Settlement, StoreError> {
    futures_util::FutureExt::now_or_never(store.take(bill)).expect("memory does not wait")
}

#[test]
fn a_refused_bill_takes_nothing() {
    let (store, _) = store(8);
    let narrow = request(1, 1);
    let wide = request(2, 2);
    assert!(passes(&store, &[wide.clone(), narrow.clone()]));
    for _ in 0..5 {
        let settlement = take(&store, &[wide.clone(), narrow.clone(), place(3, 1)]).unwrap();
        assert_eq!(settlement.refusal.map(|refusal| refusal.index), Some(1));
        assert_eq!(settlement.charged[0].standing.remaining, 1);
        assert_eq!(settlement.charged[2].standing.remaining, 1);
    }
    assert!(
        passes(&store, from_ref(&wide)),
        "the wide one still has one"
    );
    assert!(!passes(&store, &[wide]));
}

#[test]
fn the_longest_wait_is_told() {
    let (store, clock) = store(8);
    let fast = request(1, 10);
    let slow = request(2, 1);
    for _ in 0..10 {
        assert!(passes(&store, from_ref(&fast)));
    }
    assert!(passes(&store, from_ref(&slow)));
    let refusal = take(&store, &[slow.clone(), fast.clone()]).unwrap().refusal;
    let Some(Refusal {
        index: 0,
        shortage: Shortage::Until(wait),
    }) = refusal
    else {
        panic!("{refusal:?}");
    };
    assert_eq!(wait, Duration::from_secs(1));
    clock.pass(1_000_000_000);
    assert!(passes(&store, &[slow, fast]));
}

#[test]
fn places_are_taken_and_left() {
    let (store, _) = store(8);
    assert!(passes(&store, &[place(1, 2)]));
    assert!(passes(&store, &[place(1, 2)]));
    assert!(!passes(&store, &[place(1, 2)]));
    store.leave(&key(1));
    assert!(passes(&store, &[place(1, 2)]));
    assert!(!passes(&store, &[place(1, 2)]));
}

#[test]
fn a_full_table_refuses_new_parties_and_forgets_no_debt() {
    let (store, clock) = store(4);
    for address in 0..4 {
        assert!(passes(&store, &[request(address, 1)]), "{address}");
    }
    assert_eq!(take(&store, &[request(4, 1)]), Err(StoreError::Full));
    for address in 0..4 {
        assert!(!passes(&store, &[request(address, 1)]), "still counted");
    }
    clock.pass(1_000_000_000);
    assert!(
        passes(&store, &[request(4, 1)]),
        "those who owe nothing are forgotten"
    );
}

#[test]
fn who_holds_a_place_is_not_forgotten() {
    let (store, clock) = store(1);
    assert!(passes(&store, &[place(1, 1)]));
    clock.pass(10_000_000_000);
    assert_eq!(take(&store, &[place(2, 1)]), Err(StoreError::Full));
    store.leave(&key(1));
    clock.pass(10_000_000_000);
    assert!(passes(&store, &[place(2, 1)]));
}

#[test]
fn kinds_of_parties_do_not_crowd_each_other_out() {
    let (store, _) = store(1);
    let mut tenant = request(1, 1);
    tenant.key.per = Per::Tenant;
    assert!(passes(&store, &[request(1, 1)]));
    assert!(passes(&store, &[tenant]));
}

#[test]
fn tokens_are_settled_up_and_down() {
    let (store, _) = store(8);
    let quota = quota(100, Duration::from_secs(1));
    let remaining = |store: &MemoryStore| {
        let look = tokens(quota, u64::MAX, 0);
        take(store, &[look]).unwrap().charged[0].standing.remaining
    };
    let charge = tokens(quota, 60, 60);
    let ticket = take(&store, from_ref(&charge)).unwrap().charged[0].ticket;
    assert_eq!(remaining(&store), 40);
    store.settle(&charge, ticket, 10);
    assert_eq!(remaining(&store), 90);
    let ticket = take(&store, from_ref(&charge)).unwrap().charged[0].ticket;
    assert_eq!(remaining(&store), 30);
    store.settle(&charge, ticket, 90);
    assert_eq!(remaining(&store), 0);
    store.settle(&charge, ticket, 0);
    assert_eq!(remaining(&store), 0, "a reservation is settled once");
}

#[test]
fn what_must_fit_may_be_more_than_what_is_taken() {
    let (store, _) = store(8);
    let quota = quota(100, Duration::from_secs(1));
    assert!(passes(&store, &[tokens(quota, 100, 30)]));
    assert!(!passes(&store, &[tokens(quota, 71, 30)]));
    assert!(passes(&store, &[tokens(quota, 70, 30)]));
}

#[test]
fn open_reservations_are_bounded() {
    let (store, _) = store(8);
    let quota = quota(1_000_000, Duration::from_secs(1));
    let charge = tokens(quota, 1, 1);
    let tickets: Vec<Ticket> = (0..=OPEN_MAX)
        .map(|_| take(&store, from_ref(&charge)).unwrap().charged[0].ticket)
        .collect();
    let look = tokens(quota, u64::MAX, 0);
    let open = (OPEN_MAX + 1) as u64;
    for ticket in tickets {
        store.settle(&charge, ticket, 0);
    }
    let standing = take(&store, &[look]).unwrap().charged[0].standing;
    // All but the one beyond the bound came back.
    assert_eq!(standing.remaining, 1_000_000 - (open - OPEN_MAX as u64));
}

/// The same bucket, as a queue of ticks that drains one by one.
#[derive(Default)]
struct Naive {
    queue: Vec<(Option<Ticket>, u64)>,
}

impl Naive {
    fn level(&self) -> u64 {
        self.queue.iter().map(|(_, ticks)| ticks).sum()
    }

    fn drain(&mut self, mut ticks: u64) {
        for (_, held) in &mut self.queue {
            let drained = ticks.min(*held);
            *held -= drained;
            ticks -= drained;
        }
    }

    fn settle(&mut self, ticket: Ticket, taken: u64, used: u64) {
        let at = self
            .queue
            .iter()
            .position(|(owner, _)| *owner == Some(ticket));
        let Some(at) = at else { return };
        let (_, held) = &mut self.queue[at];
        *held -= (*held).min(taken.saturating_sub(used));
        self.queue[at].0 = None;
        self.queue.push((None, used.saturating_sub(taken)));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Take(u64),
    Settle(usize, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_u64..40).prop_map(Step::Pass),
        (1_u64..12).prop_map(Step::Take),
        (0_usize..4, 0_u64..16).prop_map(|(which, used)| Step::Settle(which, used)),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    /// A unit weighs `PER` ticks and `COUNT` ticks drain in a nanosecond.
    #[test]
    fn the_bucket_is_the_queue_it_stands_for(steps in steps()) {
        const COUNT: u64 = 10;
        const PER: u64 = 30;
        let (store, clock) = store(8);
        let quota = quota(COUNT, Duration::from_nanos(PER));
        let mut naive = Naive::default();
        let mut open: Vec<(Charge, Ticket, u64)> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(nanos) => {
                    clock.pass(nanos);
                    naive.drain(nanos * COUNT);
                }
                Step::Take(amount) => {
                    let charge = tokens(quota, amount, amount);
                    let settlement = take(&store, from_ref(&charge)).unwrap();
                    let fits = naive.level() + amount * PER <= COUNT * PER;
                    prop_assert_eq!(settlement.refusal.is_none(), fits);
                    if fits {
                        let ticket = settlement.charged[0].ticket;
                        naive.queue.push((Some(ticket), amount * PER));
                        open.push((charge, ticket, amount));
                    }
                }
                Step::Settle(which, used) if which < open.len() => {
                    let (charge, ticket, taken) = open.remove(which);
                    store.settle(&charge, ticket, used);
                    naive.settle(ticket, taken * PER, used * PER);
                }
                Step::Settle(..) => {}
            }
            let look = tokens(quota, u64::MAX, 0);
            let standing = take(&store, &[look]).unwrap().charged[0].standing;
            prop_assert_eq!(standing.remaining, (COUNT * PER).saturating_sub(naive.level()) / PER);
            prop_assert_eq!(standing.reset.as_nanos(), u128::from(naive.level().div_ceil(COUNT)));
        }
    }
}
