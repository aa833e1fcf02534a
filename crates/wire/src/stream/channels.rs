//! The channels of a stream: which there are, what half characters they hold, which have ended.

use bytes::Bytes;
use smallvec::SmallVec;

use super::shape::{Scene, Shape};
use super::{Channel, Delta};
use crate::WireError;
use crate::fragment::join_surrogates;
use crate::json::Value;
use crate::reply::finds::Ends;
use crate::reply::place::Place;
use crate::reply::stem::SUB_SLOT;

/// The most channels of one stream.
pub(super) const CHANNELS_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Channels {
    open: Vec<Open>,
    /// Choices, blocks and items that have ended.
    ended: Vec<u32>,
    all_ended: bool,
}

#[derive(Debug)]
struct Open {
    channel: Channel,
    shape: Shape,
    /// The first half of a character whose second half is to come.
    high: Option<u16>,
    ended: bool,
}

// === impl Channels ===

impl Channels {
    /// Takes a piece of a channel's text.
    pub(super) fn delta(
        &mut self,
        channel: Channel,
        value: Value<'_>,
        place: &Place<'_>,
        scene: &Scene<'_>,
    ) -> Result<Delta, WireError> {
        let at = value.range().start;
        if self.all_ended || self.ended.contains(&channel.index) {
            return Err(goes_on(at));
        }
        let open = self.open(channel, place, scene, at)?;
        if open.ended {
            return Err(goes_on(at));
        }
        let text = value.as_str().unwrap_or_default();
        let (low, high) = value.halves();
        let joined = match (open.high.take(), low) {
            (None, None) => None,
            (Some(first), Some(second)) => join_surrogates(first, second),
            (Some(_), None) | (None, Some(_)) => return Err(unpaired(at)),
        };
        open.high = high;
        Ok(Delta {
            channel,
            literal: value.range(),
            text: match joined {
                Some(character) => format!("{character}{text}"),
                None => text.into_owned(),
            },
            altered: joined.is_some() || high.is_some(),
        })
    }

    fn open(
        &mut self,
        channel: Channel,
        place: &Place<'_>,
        scene: &Scene<'_>,
        at: usize,
    ) -> Result<&mut Open, WireError> {
        let known = self.open.iter().position(|open| open.channel == channel);
        let position = known.unwrap_or(self.open.len());
        if known.is_none() {
            if position == CHANNELS_MAX {
                return Err(WireError::too_large("the stream has too many texts", at));
            }
            self.open.push(Open {
                channel,
                shape: scene.shape(channel.index, place),
                high: None,
                ended: false,
            });
        }
        let open = self.open.get_mut(position);
        let open = open.ok_or_else(|| WireError::invalid("a text was lost", at))?;
        if !open.shape.is_of(place) {
            open.shape = scene.shape(channel.index, place);
        }
        Ok(open)
    }

    /// Ends channels and notes which.
    pub(super) fn end(
        &mut self,
        ends: &Ends,
        out: &mut SmallVec<[Channel; 1]>,
    ) -> Result<(), WireError> {
        if let Ends::Index(index) = ends
            && !self.ended.contains(index)
        {
            if self.ended.len() == CHANNELS_MAX {
                return Err(WireError::too_large("the stream has too many parts", 0));
            }
            self.ended.push(*index);
        }
        for open in self.open.iter_mut().filter(|open| !open.ended) {
            let Channel { index, sub, .. } = open.channel;
            let meant = match ends {
                Ends::Index(ended) => *ended == index,
                Ends::Part {
                    index: ended,
                    part,
                    stem,
                } => *ended == index && *part == sub % SUB_SLOT && open.shape.has_stem(stem),
            };
            if meant {
                open.end()?;
                out.push(open.channel);
            }
        }
        Ok(())
    }

    /// Ends all channels for good.
    pub(super) fn end_all(&mut self) -> Result<(), WireError> {
        self.all_ended = true;
        self.open.iter_mut().try_for_each(Open::end)
    }

    pub(super) fn closing(&self, channel: Channel, text: &str, sequence: Option<u64>) -> Bytes {
        let open = self.open.iter().find(|open| open.channel == channel);
        open.map_or_else(Bytes::new, |open| open.shape.write(text, sequence))
    }
}

// === impl Open ===

impl Open {
    fn end(&mut self) -> Result<(), WireError> {
        self.ended = true;
        match self.high {
            Some(_) => Err(unpaired(0)),
            None => Ok(()),
        }
    }
}

fn goes_on(at: usize) -> WireError {
    WireError::invalid("a text goes on after its end", at)
}

pub(super) fn unpaired(at: usize) -> WireError {
    WireError::invalid("half of a surrogate pair stands alone", at)
}
