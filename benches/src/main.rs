//! The ladder: AEGIS next to nginx as a plain reverse proxy, in one run, as ratios.
//!
//! Targets take turns within every round, so that what else the machine does falls on all of them
//! alike; the figure of a cell is the median over the rounds. Every answer is checked: a target
//! that is fast because it is wrong fails the run. `cargo xtask bench --help` lists the options.

#![forbid(unsafe_code)]

mod cpu;
mod load;
mod report;
mod target;
mod upstream;
mod workload;

use std::process::ExitCode;

use report::Report;
use target::Target;
use workload::Workload;

const HELP: &str = "\
aegis-bench [--rounds N] [--requests N] [--connections N]
  --rounds       rounds in which every target takes its turn (5)
  --requests     requests of a target in a round; a tenth of it for streams (2000)
  --connections  connections at once (8)
";

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    rounds: usize,
    requests: usize,
    connections: usize,
}

fn plan() -> Result<Option<Plan>, String> {
    let mut plan = Plan {
        rounds: 5,
        requests: 2_000,
        connections: 8,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let field = match word.as_str() {
            "--rounds" => &mut plan.rounds,
            "--requests" => &mut plan.requests,
            "--connections" => &mut plan.connections,
            "--help" => return Ok(None),
            _ => return Err(format!("unknown option {word}\n{HELP}")),
        };
        let value = words
            .next()
            .and_then(|value| value.parse().ok())
            .filter(|value| *value > 0);
        *field = value.ok_or_else(|| format!("{word} takes a number from 1\n{HELP}"))?;
    }
    Ok(Some(plan))
}

fn main() -> ExitCode {
    let done = plan().and_then(|plan| match plan {
        None => {
            print!("{HELP}");
            Ok(())
        }
        Some(plan) => measure(plan),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(plan: Plan) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    let upstream = upstream::start()?;
    runtime.block_on(async {
        let directory = std::env::temp_dir().join(format!("aegis-bench-{}", std::process::id()));
        std::fs::create_dir_all(&directory).map_err(|e| e.to_string())?;
        let targets = Target::all(upstream, &directory).await?;
        let mut report = Report::new(plan);
        for workload in Workload::ALL {
            for target in &targets {
                // Pools, caches and allocators settle before anything is counted.
                load::run(
                    target,
                    workload,
                    plan.requests.div_ceil(10),
                    plan.connections,
                )
                .await?;
            }
            for round in 0..plan.rounds {
                for target in &targets {
                    eprintln!(
                        "{} · round {}/{} · {}",
                        workload.name(),
                        round + 1,
                        plan.rounds,
                        target.name
                    );
                    report.add(
                        target.name,
                        workload,
                        measured(target, workload, plan).await?,
                    );
                }
            }
        }
        drop(targets);
        std::fs::remove_dir_all(&directory).ok();
        print!("{}", report.render());
        Ok(())
    })
}

/// One target's turn: CPU under load, then latency on one connection.
async fn measured(
    target: &Target,
    workload: Workload,
    plan: Plan,
) -> Result<report::Sample, String> {
    let requests = workload.share(plan.requests);
    let before = cpu::nanos(&target.pids())?;
    load::run(target, workload, requests, plan.connections).await?;
    let cpu_ns = (cpu::nanos(&target.pids())? - before) / requests as u64;
    let latency = load::run(target, workload, requests.div_ceil(10), 1).await?;
    Ok(report::Sample {
        cpu_ns,
        p50_ns: load::median(latency.iter().map(|timing| timing.whole)),
        first_chunk_ns: load::median(latency.iter().map(|timing| timing.first_chunk)),
        rss_kib: cpu::rss_kib(&target.pids())?,
    })
}
