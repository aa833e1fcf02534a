//! Prometheus metrics. Label values are names of enums and of the policy, never of a request.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use aegis_armor::SemanticCounters;
use aegis_core::{Ending, Exchange};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Bounds of the duration histogram, in seconds: a refusal takes under a millisecond, a long
/// stream minutes.
const DURATION_BOUNDS_S: [f64; 12] = [
    0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0,
];

/// All metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    duration: Family<RouteLabels, Histogram, fn() -> Histogram>,
    threats: Family<ThreatLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    /// Connections open now.
    pub connections: Gauge,
    /// Connections that ended by an error before or outside a request.
    pub connection_errors: Counter,
    /// Policy reloads by outcome.
    pub reloads: Family<ReloadLabels, Counter>,
    /// 1 while the audit store takes events.
    pub audit_healthy: Gauge,
    in_flight: Gauge,
    ready: Gauge<f64, AtomicU64>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    verdict: &'static str,
    reason: &'static str,
    ending: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ThreatLabels {
    category: &'static str,
    check: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    direction: &'static str,
}

/// The outcome of a reload.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ReloadLabels {
    /// `loaded` or `refused`.
    pub outcome: &'static str,
}

/// What the semantic check counts by itself.
#[derive(Debug)]
struct SemanticMetrics(Arc<SemanticCounters>);

// === impl Metrics ===

impl Metrics {
    /// All at zero; `semantic` is counted elsewhere.
    #[must_use]
    pub fn new(semantic: Arc<SemanticCounters>) -> Self {
        let duration: fn() -> Histogram = || Histogram::new(DURATION_BOUNDS_S);
        let mut metrics = Self {
            registry: Registry::with_prefix("aegis"),
            requests: Family::default(),
            duration: Family::new_with_constructor(duration),
            threats: Family::default(),
            tokens: Family::default(),
            connections: Gauge::default(),
            connection_errors: Counter::default(),
            reloads: Family::default(),
            audit_healthy: Gauge::default(),
            in_flight: Gauge::default(),
            ready: Gauge::default(),
        };
        metrics.register();
        let semantic = Box::new(SemanticMetrics(semantic));
        metrics.registry.register_collector(semantic);
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "requests",
            "Requests by route, verdict, reason and ending",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from the request's head to the reply's end",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register("threats", "Findings of the checks", self.threats.clone());
        registry.register(
            "tokens",
            "Tokens as the providers count them",
            self.tokens.clone(),
        );
        registry.register(
            "connections",
            "Client connections open now",
            self.connections.clone(),
        );
        registry.register(
            "connection_errors",
            "Client connections that ended by an error",
            self.connection_errors.clone(),
        );
        registry.register("policy_reloads", "Policy reloads", self.reloads.clone());
        registry.register(
            "audit_healthy",
            "1 while the audit store takes events",
            self.audit_healthy.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests being served now",
            self.in_flight.clone(),
        );
        registry.register(
            "ready",
            "1 while the gateway takes requests",
            self.ready.clone(),
        );
    }

    /// Says whether the gateway takes requests.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(f64::from(u8::from(ready)));
    }

    /// Counts a request that begins.
    pub fn begin(&self) {
        self.in_flight.inc();
    }

    /// Counts a request that ended.
    pub fn end(&self, exchange: &Exchange) {
        self.in_flight.dec();
        let trail = exchange.trail();
        let route = exchange
            .route
            .as_ref()
            .map_or_else(|| "none".to_owned(), |route| route.name.to_string());
        self.requests
            .get_or_create(&RequestLabels {
                route: route.clone(),
                verdict: trail.verdict.as_str(),
                reason: trail.reason.map_or("none", aegis_core::Reason::as_str),
                ending: trail.ending.map_or("unknown", Ending::as_str),
            })
            .inc();
        self.duration
            .get_or_create(&RouteLabels { route })
            .observe(exchange.started.elapsed().as_secs_f64());
        for threat in &trail.threats {
            let labels = ThreatLabels {
                category: threat.category.as_str(),
                check: threat.check.as_str(),
            };
            self.threats.get_or_create(&labels).inc();
        }
        for (direction, count) in [
            ("input", trail.usage.input_tokens),
            ("output", trail.usage.output_tokens),
        ] {
            self.tokens
                .get_or_create(&TokenLabels { direction })
                .inc_by(count.unwrap_or(0));
        }
    }

    /// The metrics in OpenMetrics text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}

// === impl SemanticMetrics ===

impl Collector for SemanticMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.0.read();
        for (name, help, count) in [
            (
                "semantic_texts",
                "Texts that the semantic check was asked about",
                counts.texts,
            ),
            (
                "semantic_cache_hits",
                "Those whose scores were known",
                counts.cached,
            ),
            (
                "semantic_windows",
                "Windows of text given to the larger model",
                counts.windows,
            ),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count).encode(metric)?;
        }
        let help = "Requests that the semantic check could not judge";
        let name = "semantic_unavailable";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (cause, count) in counts.unavailable {
            ConstCounter::new(count).encode(metric.encode_family(&[("cause", cause)])?)?;
        }
        Ok(())
    }
}
