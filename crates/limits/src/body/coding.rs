//! `Content-Encoding`: one of the registered codings, decoded up to a cap (RFC 9110 section 8.4).
//!
//! A body coded twice, in an unknown coding, cut short or with bytes after its end is refused: what
//! the gateway inspects must be all there is.

use std::io::{self, Read};

use aegis_core::{Reason, Rejection};
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, HeapAlloc, HuffmanCode};
use bytes::Bytes;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use super::too_large;

/// Windows above 8 MiB must not be used with HTTP (RFC 9659).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

const BROTLI_CHUNK_BYTES: usize = 16 * 1024;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The coding that `headers` declare; `None` for none.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<Coding>, Rejection> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return Err(unsupported()),
    };
    let named = |name: &str| value.trim().eq_ignore_ascii_case(name);
    if named("identity") {
        Ok(None)
    } else if named("gzip") || named("x-gzip") {
        Ok(Some(Coding::Gzip))
    } else if named("deflate") {
        Ok(Some(Coding::Deflate))
    } else if named("br") {
        Ok(Some(Coding::Brotli))
    } else if named("zstd") {
        Ok(Some(Coding::Zstd))
    } else {
        Err(unsupported())
    }
}

/// Decodes `raw`, to at most `cap` bytes.
pub(super) fn decode(coding: Coding, raw: &[u8], cap: usize) -> Result<Bytes, Rejection> {
    let decoded = match coding {
        Coding::Gzip => drain(MultiGzDecoder::new(raw), cap),
        Coding::Deflate => decode_zlib(raw, cap),
        Coding::Brotli => decode_brotli(raw, cap),
        Coding::Zstd => decode_zstd(raw, cap),
    };
    let decoded = decoded.map_err(|error| {
        let message = "The body does not decode as its Content-Encoding says.";
        Rejection::new(Reason::InvalidRequest, message).with_detail(error)
    })?;
    if decoded.len() > cap {
        return Err(too_large("The decoded body", cap));
    }
    Ok(decoded.into())
}

/// Reads at most one byte more than `cap`; the buffer grows with what really comes out.
fn drain(reader: impl Read, cap: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    reader.take(cap as u64 + 1).read_to_end(&mut out)?;
    Ok(out)
}

fn decode_zlib(raw: &[u8], cap: usize) -> io::Result<Vec<u8>> {
    let mut decoder = ZlibDecoder::new(raw);
    let out = drain(&mut decoder, cap)?;
    nothing_left(decoder.get_ref(), out, cap)
}

fn decode_brotli(raw: &[u8], cap: usize) -> io::Result<Vec<u8>> {
    // Strict: no "large window", a format of its own whose windows reach 1 GiB.
    let mut state = BrotliState::new_strict(
        HeapAlloc::new(0),
        HeapAlloc::new(0),
        HeapAlloc::new(HuffmanCode::default()),
    );
    let mut chunk = vec![0; BROTLI_CHUNK_BYTES];
    let (mut left, mut read, mut total, mut out) = (raw.len(), 0, 0, Vec::new());
    loop {
        let (mut room, mut written) = (chunk.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            raw,
            &mut room,
            &mut written,
            &mut chunk,
            &mut total,
            &mut state,
        );
        out.extend_from_slice(chunk.get(..written).unwrap_or_default());
        match result {
            BrotliResult::NeedsMoreOutput if out.len() <= cap => {}
            BrotliResult::NeedsMoreOutput => return Ok(out),
            BrotliResult::ResultSuccess => {
                return nothing_left(raw.get(read..).unwrap_or_default(), out, cap);
            }
            BrotliResult::NeedsMoreInput => return Err(io::ErrorKind::UnexpectedEof.into()),
            BrotliResult::ResultFailure => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

fn decode_zstd(raw: &[u8], cap: usize) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    drain(decoder, cap)
}

/// Refuses bytes behind the end of a coding that has one end only.
fn nothing_left(rest: &[u8], out: Vec<u8>, cap: usize) -> io::Result<Vec<u8>> {
    if rest.is_empty() || out.len() > cap {
        return Ok(out);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "bytes after the end",
    ))
}

fn unsupported() -> Rejection {
    Rejection::new(
        Reason::UnsupportedMediaType,
        "Content-Encoding must be one of gzip, deflate, br, zstd or identity, applied once.",
    )
}
