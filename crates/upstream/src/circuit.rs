//! A circuit breaker per provider: a provider that is down is asked rarely, and clients learn at
//! once instead of waiting.
//!
//! 1. Closed: requests pass. `failures` failures within `window`, with no success between them,
//!    open it. That they must come in a row keeps a client whose own requests time out from
//!    closing the provider to everybody else.
//! 2. Open: requests are refused for `open`.
//! 3. Half-open: one request passes as a probe, others are refused. Its success closes the circuit,
//!    its failure opens it again; if its client leaves first, the next request is the probe.
//!
//! Failures are connection errors, time-outs and 5xx. Answers to requests that were sent before the
//! circuit last changed do not count. The clock is the caller's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use aegis_core::Span;

/// The largest `failures` a policy may ask for.
pub const FAILURES_MAX: usize = 1_000;

/// What a request waits that meets a probe under way.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// When a provider is taken for down (`circuit` of a provider).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CircuitSpec {
    /// Failures in a row that open the circuit, 1 to 1000.
    pub failures: usize,
    /// The time within which they must happen.
    pub window: Span,
    /// The time for which requests are then refused before one is let through to try.
    pub open: Span,
}

/// A provider's circuit.
#[derive(Debug)]
pub(crate) struct Circuit {
    spec: CircuitSpec,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Counts changes of phase, so that late answers can be told from current ones.
    era: u64,
}

#[derive(Debug)]
enum Phase {
    Closed { failed_at: VecDeque<Instant> },
    Open { until: Instant },
    HalfOpen,
}

/// Leave to send one request; says how it went, or, dropped, that nobody knows.
#[derive(Debug)]
pub(crate) struct Permit {
    circuit: Arc<Circuit>,
    era: u64,
    probe: bool,
    told: bool,
}

// === impl CircuitSpec ===

impl Default for CircuitSpec {
    fn default() -> Self {
        Self {
            failures: 5,
            window: Span(Duration::from_secs(30)),
            open: Span(Duration::from_secs(10)),
        }
    }
}

// === impl Circuit ===

impl Circuit {
    pub(crate) fn new(spec: CircuitSpec) -> Arc<Self> {
        let state = State {
            phase: Phase::closed(),
            era: 0,
        };
        Arc::new(Self {
            spec,
            state: Mutex::new(state),
        })
    }

    /// Leave to send a request, or how long to wait.
    pub(crate) fn enter(self: &Arc<Self>, now: Instant) -> Result<Permit, Duration> {
        let mut state = self.state.lock();
        let probe = match &state.phase {
            Phase::Closed { .. } => false,
            Phase::Open { until } if now < *until => return Err(*until - now),
            Phase::Open { .. } => {
                state.change(Phase::HalfOpen);
                true
            }
            Phase::HalfOpen => return Err(PROBE_WAIT),
        };
        Ok(Permit {
            circuit: self.clone(),
            era: state.era,
            probe,
            told: false,
        })
    }

    /// A failure after a success was told: a reply that broke off.
    pub(crate) fn broke_off(&self, now: Instant) {
        self.fail(&mut self.state.lock(), now);
    }

    fn fail(&self, state: &mut State, now: Instant) {
        match &mut state.phase {
            Phase::Closed { failed_at } => {
                while failed_at
                    .front()
                    .is_some_and(|at| now.duration_since(*at) > self.spec.window.0)
                {
                    failed_at.pop_front();
                }
                failed_at.push_back(now);
                if failed_at.len() >= self.spec.failures {
                    self.open(state, now);
                }
            }
            Phase::HalfOpen => self.open(state, now),
            Phase::Open { .. } => {}
        }
    }

    fn open(&self, state: &mut State, now: Instant) {
        let until = now + self.spec.open.0;
        state.change(Phase::Open { until });
    }
}

// === impl State ===

impl State {
    fn change(&mut self, phase: Phase) {
        self.phase = phase;
        self.era += 1;
    }
}

// === impl Phase ===

impl Phase {
    const fn closed() -> Self {
        Self::Closed {
            failed_at: VecDeque::new(),
        }
    }
}

// === impl Permit ===

impl Permit {
    /// The provider answered.
    pub(crate) fn succeeded(mut self) {
        self.told = true;
        let mut state = self.circuit.state.lock();
        if state.era != self.era {
            return;
        }
        match &mut state.phase {
            Phase::Closed { failed_at } => failed_at.clear(),
            Phase::HalfOpen => state.change(Phase::closed()),
            Phase::Open { .. } => {}
        }
    }

    /// The provider failed.
    pub(crate) fn failed(mut self, now: Instant) {
        self.told = true;
        let mut state = self.circuit.state.lock();
        if state.era == self.era {
            self.circuit.fail(&mut state, now);
        }
    }

    /// The circuit it belongs to.
    pub(crate) const fn circuit(&self) -> &Arc<Circuit> {
        &self.circuit
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.told || !self.probe {
            return;
        }
        let mut state = self.circuit.state.lock();
        if state.era == self.era {
            // Open, with the wait already over: the next request is the probe.
            let until = Instant::now();
            state.change(Phase::Open { until });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn circuit() -> (Arc<Circuit>, Instant) {
        let spec = CircuitSpec {
            failures: 3,
            window: Span(30 * SECOND),
            open: Span(10 * SECOND),
        };
        (Circuit::new(spec), Instant::now())
    }

    fn fail(circuit: &Arc<Circuit>, now: Instant) {
        circuit.enter(now).unwrap().failed(now);
    }

    #[test]
    fn failures_in_a_row_open_it_for_its_time() {
        let (circuit, start) = circuit();
        fail(&circuit, start);
        fail(&circuit, start);
        assert!(circuit.enter(start).is_ok(), "two are not three");
        fail(&circuit, start);
        assert_eq!(circuit.enter(start).unwrap_err(), 10 * SECOND);
        let almost = start + 10 * SECOND - Duration::from_nanos(1);
        assert!(circuit.enter(almost).is_err());
        assert!(circuit.enter(start + 10 * SECOND).is_ok());
    }

    #[test]
    fn a_success_starts_the_count_anew() {
        let (circuit, now) = circuit();
        fail(&circuit, now);
        fail(&circuit, now);
        circuit.enter(now).unwrap().succeeded();
        fail(&circuit, now);
        fail(&circuit, now);
        assert!(circuit.enter(now).is_ok());
    }

    #[test]
    fn failures_outside_the_window_do_not_count() {
        let (circuit, start) = circuit();
        fail(&circuit, start);
        fail(&circuit, start + 15 * SECOND);
        fail(&circuit, start + 31 * SECOND);
        assert!(circuit.enter(start + 31 * SECOND).is_ok());
        fail(&circuit, start + 45 * SECOND);
        assert!(circuit.enter(start + 45 * SECOND).is_err(), "15, 31 and 45");
    }

    #[test]
    fn one_probe_decides() {
        let (circuit, start) = circuit();
        (0..3).for_each(|_| fail(&circuit, start));
        let later = start + 10 * SECOND;
        let probe = circuit.enter(later).unwrap();
        assert_eq!(circuit.enter(later).unwrap_err(), PROBE_WAIT);
        probe.failed(later);
        assert_eq!(circuit.enter(later).unwrap_err(), 10 * SECOND);
        let probe = circuit.enter(later + 10 * SECOND).unwrap();
        probe.succeeded();
        fail(&circuit, later);
        assert!(
            circuit.enter(later).is_ok(),
            "closed, and counting from zero"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_whose_client_left_makes_room_for_another() {
        let (circuit, start) = circuit();
        (0..3).for_each(|_| fail(&circuit, start));
        tokio::time::advance(10 * SECOND).await;
        drop(circuit.enter(Instant::now()).unwrap());
        let probe = circuit.enter(Instant::now()).unwrap();
        assert!(probe.probe);
        assert!(circuit.enter(Instant::now()).is_err());
    }

    #[test]
    fn late_answers_change_nothing() {
        let (circuit, start) = circuit();
        let slow_success = circuit.enter(start).unwrap();
        let slow_failure = circuit.enter(start).unwrap();
        (0..3).for_each(|_| fail(&circuit, start));
        slow_success.succeeded();
        assert!(circuit.enter(start).is_err());
        let later = start + 10 * SECOND;
        circuit.enter(later).unwrap().succeeded();
        slow_failure.failed(later);
        fail(&circuit, later);
        fail(&circuit, later);
        assert!(circuit.enter(later).is_ok());
    }
}
