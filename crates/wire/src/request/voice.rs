//! Whose words a place holds.

use aegis_core::{Kind, Role, Trust};

/// Role, trust and kind that the segments of one place share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Voice {
    pub(super) role: Role,
    pub(super) trust: Trust,
    pub(super) kind: Kind,
}

pub(super) const SYSTEM: Voice = Voice::trusted(Role::System);
pub(super) const DEVELOPER: Voice = Voice::trusted(Role::Developer);
pub(super) const USER: Voice = Voice::new(Role::User, Kind::Text);
pub(super) const ASSISTANT: Voice = Voice::new(Role::Assistant, Kind::Text);
pub(super) const TOOL: Voice = Voice::new(Role::Tool, Kind::ToolResult);
pub(super) const DESCRIPTION: Voice = Voice::new(Role::Tool, Kind::ToolDescription);
pub(super) const DOCUMENT: Voice = Voice::new(Role::Document, Kind::Document);
pub(super) const UNPLACED: Voice = Voice::new(Role::Unknown, Kind::Unplaced);

// === impl Voice ===

impl Voice {
    const fn new(role: Role, kind: Kind) -> Self {
        Self {
            role,
            trust: Trust::Untrusted,
            kind,
        }
    }

    const fn trusted(role: Role) -> Self {
        Self {
            role,
            trust: Trust::Trusted,
            kind: Kind::Text,
        }
    }

    /// The same speaker in another kind of place.
    pub(super) const fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same speaker where not even the application's own words are trusted: names, URLs.
    pub(super) const fn untrusted(self) -> Self {
        Self {
            trust: Trust::Untrusted,
            ..self
        }
    }
}
