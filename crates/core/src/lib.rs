//! The words every stage shares.
//!
//! A request passes through the stages as a chain of types, each of which can only be made from
//! the one before it: [`Received`] → [`Authenticated`] → [`Admitted`] → [`Cleared`] →
//! [`Recorded`] → [`Reply`] → [`Released`]. A stage that refuses returns a [`Rejection`]; what
//! happened on the way is noted on the [`Exchange`], from which the audit record is written.
//!
//! This crate does no I/O and knows neither tokio nor hyper.

#![forbid(unsafe_code)]

mod actor;
mod body;
mod build_error;
mod catalog;
mod digest;
mod document;
mod exchange;
mod rejection;
mod route;
mod scores;
mod secret;
mod stage;
mod threat;
mod units;
mod usage;
mod verdict;

pub use actor::{ActorType, Principal};
pub use body::{Body, BoxError, BrokenOff, ReadError, empty_body, full_body, read_capped};
pub use build_error::BuildError;
pub use catalog::{Catalog, Model, Target};
pub use digest::{DigestKey, PieceDigest, TextDigest};
pub use document::{
    Document, Edit, Kind, Media, MediaKind, Number, Role, Segment, Text, Trust, splice,
};
pub use exchange::{Ending, Exchange, Peer, Trail};
pub use rejection::{Fault, Reason, Rejection};
pub use route::{Api, GenericFields, Operation, Route};
pub use scores::Scores;
pub use secret::Secret;
pub use stage::{
    Admitted, Authenticated, AwaitedVerdict, Cleared, Guards, Received, Recorded, Released, Reply,
};
pub use threat::{Category, Check, Threat, UNSAFE_SCORE};
pub use units::{ByteSize, Rate, Span};
pub use usage::Usage;
pub use verdict::{Action, OnError, ValidationResult, Verdict};
