//! Where a run's packets come from: captures or an interface, filtered.

use std::path::PathBuf;

use crate::sensor;
use crate::source::{Merged, Packet, Source, SourceError};

use super::Failure;
use super::args::RunArgs;
use super::signals::Stop;
use crate::config::Config;
use crate::flow::HostHint;
use crate::time::Timestamp;

/// Packets to run over.
pub(super) struct Input {
    from: From,
    #[cfg(feature = "live")]
    filter: Option<crate::source::Filter>,
    skipped: u64,
}

enum From {
    Files(Box<Merged>),
    #[cfg(feature = "live")]
    Interface {
        live: Box<crate::source::Live>,
        poll: std::time::Duration,
    },
}

/// What is read: captures, or an interface, and which packets of it.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// Captures, merged by time.
    pub(super) read: &'a [PathBuf],
    /// An interface in their place.
    pub(super) interface: Option<&'a str>,
    /// Only packets that match, in libpcap's language.
    pub(super) filter: Option<&'a str>,
}

impl<'a> Origin<'a> {
    /// What the arguments of a run name.
    pub(super) fn of(args: &'a RunArgs) -> Self {
        Self {
            read: &args.read,
            interface: args.interface.as_deref(),
            filter: args.filter.as_deref(),
        }
    }
}

/// What an input has to say.
pub(super) enum Next<'a> {
    /// A packet to push.
    Packet(Packet<'a>),
    /// A packet that is not to be pushed: filtered out, or one that we made ourselves.
    Skipped,
    /// No packet for a while; packet time has come to here.
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "only an interface idles"))]
    Idle(Timestamp),
    /// The captures are read.
    End,
}

impl Input {
    /// Opens the origin. Captures that can't be opened are among [`Input::errors`].
    pub(super) fn open(origin: Origin<'_>, config: &Config, stop: &Stop) -> Result<Self, Failure> {
        #[cfg(feature = "live")]
        {
            let from = match origin.interface {
                Some(interface) => live(interface, origin, config)?,
                None => From::Files(Box::new(Merged::open_until(origin.read, stop.flag()))),
            };
            // The kernel filters for an interface.
            let filter = match (origin.filter, origin.interface) {
                (Some(text), None) => {
                    Some(crate::source::Filter::new(text).map_err(|error| usage(&error))?)
                }
                _ => None,
            };
            Ok(Self { from, filter, skipped: 0 })
        }
        #[cfg(not(feature = "live"))]
        {
            let _ = config;
            for (option, given) in
                [("--interface", origin.interface.is_some()), ("--filter", origin.filter.is_some())]
            {
                if given {
                    return Err(Failure::Usage(format!(
                        "{option} needs libpcap, but this foreshadow was built without the feature \"live\""
                    )));
                }
            }
            Ok(Self {
                from: From::Files(Box::new(Merged::open_until(origin.read, stop.flag()))),
                skipped: 0,
            })
        }
    }

    /// The next packet, silence or end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Next<'_>, Failure> {
        let packet = match &mut self.from {
            From::Files(files) => match files.next().map_err(|error| usage(&error))? {
                Some(packet) => packet,
                None => return Ok(Next::End),
            },
            #[cfg(feature = "live")]
            From::Interface { live, poll } => {
                return match live.poll(*poll).map_err(|error| usage(&error))? {
                    crate::source::Poll::Packet(packet) => Ok(Next::Packet(packet)),
                    crate::source::Poll::Idle(now) => Ok(Next::Idle(now)),
                };
            }
        };
        if packet.synthetic {
            self.skipped += 1;
            return Ok(Next::Skipped);
        }
        #[cfg(feature = "live")]
        if let Some(filter) = &mut self.filter
            && !filter.accepts(&packet).map_err(|error| usage(&error))?
        {
            return Ok(Next::Skipped);
        }
        Ok(Next::Packet(packet))
    }

    /// Bytes read of the input.
    pub(super) fn position(&self) -> Option<u64> {
        Some(self.extent()?.0)
    }

    /// Bytes of the input in all, if that is known.
    pub(super) fn total(&self) -> Option<u64> {
        Some(self.extent()?.1)
    }

    fn extent(&self) -> Option<(u64, u64)> {
        match &self.from {
            From::Files(files) => files.position(),
            #[cfg(feature = "live")]
            From::Interface { .. } => None,
        }
    }

    /// Whether no capture has a packet left to read.
    pub(super) fn is_at_end(&self) -> bool {
        match &self.from {
            From::Files(files) => files.is_at_end(),
            #[cfg(feature = "live")]
            From::Interface { .. } => false,
        }
    }

    /// What is wrong with the captures, so far.
    pub(super) fn errors(&self) -> &[SourceError] {
        match &self.from {
            From::Files(files) => files.errors(),
            #[cfg(feature = "live")]
            From::Interface { .. } => &[],
        }
    }

    /// Packets that we made ourselves and that were therefore not fed again.
    pub(super) fn synthetic_skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether packets come as they happen.
    pub(super) fn is_live(&self) -> bool {
        !matches!(self.from, From::Files(_))
    }

    /// Packets the kernel or the interface lost, if somebody counts them.
    pub(super) fn dropped(&mut self) -> Option<u64> {
        match &mut self.from {
            From::Files(_) => None,
            #[cfg(feature = "live")]
            From::Interface { live, .. } => {
                live.drops().ok().map(|drops| drops.dropped + drops.dropped_by_interface)
            }
        }
    }
}

#[cfg(feature = "live")]
fn live(interface: &str, origin: Origin<'_>, config: &Config) -> Result<From, Failure> {
    let options = crate::source::LiveOptions {
        interface: interface.to_owned(),
        snaplen: config.live.snaplen(),
        promiscuous: config.live.promiscuous(),
        buffer: config.live.buffer_mib() << 20,
        filter: origin.filter.map(String::from),
    };
    let live = crate::source::Live::open(&options).map_err(|error| usage(&error))?;
    let poll = std::time::Duration::from_nanos(config.live.poll().nanos());
    Ok(From::Interface { live: Box::new(live), poll })
}

fn usage(error: &SourceError) -> Failure {
    Failure::Usage(error.to_string())
}

/// A packet as a sensor takes it.
#[inline]
pub(super) fn for_sensor<'a>(packet: &Packet<'a>) -> sensor::Packet<'a> {
    sensor::Packet {
        time: packet.time,
        link: packet.link,
        data: packet.data,
        wire_len: packet.wire_len,
        host: HostHint::default(),
    }
}
