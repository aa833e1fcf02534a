//! A conversation that sends its whole history again on every turn.

use std::sync::Arc;
use std::time::Instant;

use aegis_armor::InputContext;
use aegis_core::Operation;
use aegis_wire::request::read_request;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::lengths::armor;
use crate::setup::Models;
use crate::texts::Texts;
use crate::{cpu_nanos, millis};

const TURNS: usize = 30;
const TALKS: usize = 20;
const WORDS: usize = 64;
/// The turns that are shown.
const SHOWN: [usize; 7] = [1, 2, 5, 10, 15, 20, 30];

/// Prints what each turn costs, as the mean of some conversations.
pub(crate) fn run(models: &Models, runtime: &Runtime) -> Result<(), String> {
    let armor = armor(models)?;
    let mut nanos = [0_u64; TURNS];
    let mut walls = [std::time::Duration::ZERO; TURNS];
    for talk in 0..TALKS {
        let mut texts = Texts::new(1_000 + talk as u64);
        let mut messages: Vec<Value> = Vec::new();
        for (nanos, wall) in nanos.iter_mut().zip(&mut walls) {
            messages.push(json!({"role": "user", "content": texts.next(WORDS)}));
            let body = json!({"model": "m", "messages": messages}).to_string();
            let operation = Operation::ChatCompletions;
            let document = read_request(operation, None, body.into()).map_err(|e| e.to_string())?;
            let document = Arc::new(document);
            let context = InputContext::new(operation);
            let began = Instant::now();
            let (used, result) =
                cpu_nanos(|| runtime.block_on(armor.guard().validate_input(&document, &context)))?;
            std::hint::black_box(result);
            *wall += began.elapsed();
            *nanos += used;
            messages.push(json!({"role": "assistant", "content": texts.next(WORDS)}));
        }
    }
    println!(
        "## A conversation of {TURNS} turns, two new texts of {WORDS} tokens a turn, all checks\n"
    );
    println!("| turn | texts in the request | CPU ms | ms |");
    println!("|---|---|---|---|");
    for turn in SHOWN {
        let (Some(nanos), Some(wall)) = (nanos.get(turn - 1), walls.get(turn - 1)) else {
            continue;
        };
        println!(
            "| {turn} | {} | {:.2} | {} |",
            2 * turn - 1,
            *nanos as f64 / 1e6 / TALKS as f64,
            millis(*wall / TALKS as u32),
        );
    }
    println!();
    Ok(())
}
