//! The binary `aegis`.

use std::process::ExitCode;

use aegis_gateway::cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
