//! The side branch: packets and connections in the words of category rules.

use crate::bloom::{Facts, FederationKey, Geometry, Limits, Settings, Smoothing, Stage};
use crate::config::Config;
use crate::flow::{Connection, ConnectionState, Slot, Summary};
use crate::model::PacketFacts;
use crate::time::{Span, Timestamp};
use crate::wire::TcpFlags;

use super::{Sensor, federation_member};

/// Uses of services that are remembered: an endpoint's first use of one is a behaviour.
const USES: u32 = 200_000;
const USES_RATE: f64 = 0.001;
/// Windows of the counters that a use is remembered for.
const USES_WINDOWS: u64 = 168;

const HOUR: i64 = 3_600_000_000_000;

impl Sensor {
    /// The categories as they stand; `None` where behaviours are not counted.
    #[must_use]
    pub fn stage(&self) -> Option<&Stage> {
        self.behaviours.as_ref()
    }

    /// Goes on with what another stage counted. To be called before the first packet: a stage knows
    /// connections by their slots.
    pub fn set_stage(&mut self, stage: Stage) {
        self.behaviours = Some(stage);
    }

    /// A connection began with a packet.
    pub(super) fn behaviour_begins(&mut self, slot: Slot, packet: &PacketFacts, now: Timestamp) {
        let Some(stage) = &mut self.behaviours else { return };
        let Some(connection) = self.table.connection(slot) else { return };
        stage.begin(slot, &self.site_clock.facts(connection, packet, now));
    }

    /// A packet came.
    #[inline]
    pub(super) fn behaviour_goes_on(&mut self, slot: Slot, packet: &PacketFacts, now: Timestamp) {
        let Some(stage) = &mut self.behaviours else { return };
        let Some(connection) = self.table.connection(slot) else { return };
        let is_outgoing = packet.side == connection.originator();
        let is_refused = connection.state() == ConnectionState::Rej;
        if !stage.is_watching(slot, is_outgoing, is_refused) {
            return;
        }
        stage.observe(slot, now, &self.site_clock.facts(connection, packet, now));
        self.hear_behaviours();
    }

    /// A connection ended.
    pub(super) fn behaviour_ends(&mut self, summary: &Summary, now: Timestamp) {
        let Some(stage) = &mut self.behaviours else { return };
        if has_failed(summary) && stage.is_watching(summary.id.slot, true, true) {
            stage.observe(summary.id.slot, now, &self.site_clock.last_facts(summary, now));
            self.hear_behaviours();
        }
    }

    /// The time that the next reports bear, if any are due by `now`.
    pub(super) fn behaviours_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.behaviours.as_ref()?.report_due(now)
    }

    /// Packet time came to `now`.
    #[inline]
    pub(super) fn advance_behaviours(&mut self, now: Timestamp) {
        if let Some(stage) = &mut self.behaviours {
            stage.advance(now);
            self.hear_behaviours();
        }
    }

    /// The capture ended.
    pub(super) fn finish_behaviours(&mut self, now: Timestamp) {
        if let Some(stage) = &mut self.behaviours {
            stage.finish(now);
            self.hear_behaviours();
        }
    }

    pub(super) fn hear_behaviours(&mut self) {
        while let Some(heard) = self.behaviours.as_mut().and_then(Stage::poll) {
            self.events.push(heard.into());
        }
    }
}

/// What the site's clocks show.
#[derive(Clone, Copy, Debug)]
pub(super) struct SiteClock {
    /// Hours ahead of UTC.
    offset: i32,
}

impl SiteClock {
    pub(super) fn new(config: &Config) -> Self {
        Self { offset: config.bloom.utc_offset() }
    }

    fn hour(self, now: Timestamp) -> u8 {
        (now.nanos().div_euclid(HOUR) + i64::from(self.offset)).rem_euclid(24) as u8
    }

    #[inline]
    fn facts(
        self,
        connection: &Connection,
        packet: &PacketFacts,
        now: Timestamp,
    ) -> Facts<'static> {
        let (key, originator) = (connection.key(), connection.originator());
        let responder = originator.other();
        Facts {
            originator: key.address(originator),
            responder: key.address(responder),
            originator_port: key.port(originator),
            responder_port: key.port(responder),
            protocol: key.protocol,
            service: connection.service().name(),
            is_outgoing: packet.side == originator,
            size: packet.payload_len,
            bytes: connection.counters(packet.side).payload_bytes,
            packets: connection.position(),
            flags: packet.flags,
            // In 1/32 bit a byte.
            entropy: packet.entropy.map(|entropy| f32::from(entropy) / 32.0),
            hour: self.hour(now),
            has_failed: connection.state() == ConnectionState::Rej,
            is_first_use: false,
        }
    }

    /// The facts of a connection that ended unanswered.
    fn last_facts(self, summary: &Summary, now: Timestamp) -> Facts<'static> {
        let responder = summary.originator.other();
        let sent = &summary.sides[summary.originator as usize];
        Facts {
            originator: summary.key.address(summary.originator),
            responder: summary.key.address(responder),
            originator_port: summary.key.port(summary.originator),
            responder_port: summary.key.port(responder),
            protocol: summary.key.protocol,
            service: summary.service().name(),
            is_outgoing: true,
            size: 0,
            bytes: sent.payload_bytes,
            packets: summary.sides.iter().map(|side| side.packets).sum(),
            flags: TcpFlags(0),
            entropy: None,
            hour: self.hour(now),
            has_failed: true,
            is_first_use: false,
        }
    }
}

/// Whether a connection was refused or never answered.
const fn has_failed(summary: &Summary) -> bool {
    use ConnectionState::{Rej, Rstos0, S0, Sh};
    matches!(summary.state, S0 | Rej | Rstos0 | Sh)
}

/// The stage that a config asks for.
pub(super) fn stage(config: &Config) -> Option<Stage> {
    settings(config).map(Stage::new)
}

pub(super) fn settings(config: &Config) -> Option<Settings> {
    let bloom = &config.bloom;
    if !bloom.enabled() {
        return None;
    }
    let threshold = bloom.threshold().unwrap_or(bloom.weighting().threshold());
    let seed = u128::from(config.sensor.seed()).to_be_bytes();
    Some(Settings {
        categories: config.categories(),
        key: bloom.federation_key().key().unwrap_or(FederationKey::new(seed)),
        interval: bloom.interval(),
        window: bloom.window(),
        weighting: bloom.weighting(),
        smoothing: Smoothing {
            alpha: bloom.alpha(),
            idle: bloom.idle_decay(),
            floor: bloom.floor(),
        },
        limits: Limits { threshold, release: threshold * bloom.release() },
        warm_up: bloom.warm_up(),
        max_targets: bloom.max_targets(),
        uses: Geometry::new(USES, USES_RATE).ok()?,
        uses_window: Span::from_nanos(bloom.window().nanos().saturating_mul(USES_WINDOWS)),
        member: federation_member(config).ok(),
    })
}
