//! The figures, as ratios to nginx.

use std::fmt::Write;

use crate::Plan;
use crate::workload::Workload;

/// One target's turn in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) cpu_ns: u64,
    pub(crate) p50_ns: u64,
    pub(crate) first_chunk_ns: u64,
    pub(crate) rss_kib: u64,
}

/// A figure of a sample.
type Field = fn(&Sample) -> u64;

/// All samples.
#[derive(Debug)]
pub(crate) struct Report {
    plan: Plan,
    samples: Vec<(&'static str, Workload, Sample)>,
}

impl Report {
    pub(crate) const fn new(plan: Plan) -> Self {
        Self {
            plan,
            samples: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, target: &'static str, workload: Workload, sample: Sample) {
        self.samples.push((target, workload, sample));
    }

    fn median(&self, target: &str, workload: Workload, field: Field) -> u64 {
        let mut values: Vec<u64> = self
            .samples
            .iter()
            .filter(|(name, kind, _)| *name == target && *kind == workload)
            .map(|(_, _, sample)| field(sample))
            .collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    }

    pub(crate) fn render(&self) -> String {
        let mut targets: Vec<&str> = Vec::new();
        for (name, _, _) in &self.samples {
            if !targets.contains(name) {
                targets.push(name);
            }
        }
        let Plan {
            rounds,
            requests,
            connections,
        } = self.plan;
        let mut out = format!(
            "\nmedian of {rounds} rounds, {requests} requests a round, {connections} connections; nginx = 1\n"
        );
        for workload in Workload::ALL {
            let floor = |field| self.median("nginx", workload, field).max(1) as f64;
            // Writing to a String can't fail.
            writeln!(
                out,
                "\n{:<22} {:>10} {:>8} {:>12} {:>12} {:>10}",
                workload.name(),
                "CPU µs/req",
                "× nginx",
                "p50 added ms",
                "first chunk×",
                "RSS MiB"
            )
            .ok();
            for target in &targets {
                let of = |field| self.median(target, workload, field);
                let fields: [Field; 3] = [|s| s.cpu_ns, |s| s.p50_ns, |s| s.first_chunk_ns];
                let [cpu, p50, first] = fields;
                writeln!(
                    out,
                    "{target:<22} {:>10.1} {:>8.2} {:>12.3} {:>12.2} {:>10.1}",
                    of(cpu) as f64 / 1e3,
                    of(cpu) as f64 / floor(cpu),
                    (of(p50) as f64 - floor(p50)) / 1e6,
                    of(first) as f64 / floor(first),
                    of(|s| s.rss_kib) as f64 / 1024.0,
                )
                .ok();
            }
        }
        out
    }
}
