//! JSON lines in, JSON lines out.

use std::io::{BufRead, BufWriter, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CommandError;

/// A line may be this many bytes long.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Turns each line of stdin into a line of stdout. A line that can't be read ends it, named by
/// its number.
pub(super) fn map<In, Out>(
    mut each: impl FnMut(In) -> Result<Out, CommandError>,
) -> Result<(), CommandError>
where
    In: DeserializeOwned,
    Out: Serialize,
{
    let mut input = std::io::stdin().lock();
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if (&mut input)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?
            == 0
        {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let value = serde_json::from_slice(&line).map_err(|e| format!("line {number}: {e}"))?;
        serde_json::to_writer(&mut output, &each(value)?)?;
        output.write_all(b"\n")?;
        // A program on the other end may wait for each answer.
        output.flush()?;
    }
    Ok(())
}
