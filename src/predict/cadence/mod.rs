//! Missing heartbeats: what came regularly and no longer does.
//!
//! Two kinds of sequences are watched: the packets that each side of a connection sends, known by
//! addresses and ports, so that they outlive the time-out of a UDP flow; and the connections that one
//! endpoint begins to another on one service, for who polls with a connection each time. Where a
//! sequence has a cadence (`rhythm` says what that takes), its next beats have a deadline. When it
//! passes, one [`Heartbeat`] says so; another one says when the beats come back.
//!
//! # What is no missing heartbeat
//!
//! - A connection ended by FIN or RST; its endpoints may still have a cadence of connections.
//! - Packets that go on in another connection of the same endpoints on the same service.
//! - The answers, when the stop of the questions has been told, and the other way round: one event for
//!   two endpoints on a service.
//! - Beats that could not be seen: when nothing at all came since the first one was due, the capture
//!   itself may have stopped. That is told once ([`Change::Silence`]), of a single cadence on a quiet link
//!   only after three times the wait; everybody gets a new deadline with the first packet that comes.
//! - A cadence that came back twice of late: it pauses by itself. After each return it is believed again
//!   only once its beats have been even for a while.
//! - What ends with the capture.
//!
//! Memory is bounded by the number of sequences, the least valuable gives way; a packet costs a look
//! at its sequence, and only a beat more. When the clock is set back everything starts anew.

mod heartbeat;
mod rhythm;
mod streams;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

pub use heartbeat::{Beats, Change, Heartbeat};
pub use rhythm::Steadiness;

use crate::flow::{Connection, Service, Side, Slot};
use crate::time::wheel::TimingWheel;
use crate::time::{Span, Timestamp};

use rhythm::{Arrival, Rhythm};
use streams::{AsItIs, Key, State, Stream, Streams};

/// No sequence.
const NONE: u32 = u32::MAX;
/// Packets a connection must have had before its sides are sequences of their own.
const FEW_PACKETS: u64 = 3;

/// All sequences and their deadlines.
pub struct Heartbeats {
    rule: Steadiness,
    enabled: bool,
    streams: Streams,
    wheel: TimingWheel,
    /// By slot, the sequences of side A and side B.
    sides: Vec<[u32; 2]>,
    /// Stops told of, by endpoints and service.
    told: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    /// Sequences whose deadline passed in a silence of everything.
    suspended: Vec<u32>,
    /// The endpoints and the service of the first of them.
    first_silent: u64,
    /// Whether others fell silent as well, so that it is nobody's own.
    outage: bool,
    /// Whether the silence was told.
    silence_told: bool,
    /// The last packet of all.
    alive: Timestamp,
    held: u32,
}

impl Heartbeats {
    /// Watches at most `capacity` sequences; with 0 none at all. `seed` makes their table's hash.
    #[must_use]
    pub fn new(capacity: usize, rule: Steadiness, seed: u64) -> Self {
        Self {
            rule,
            enabled: capacity > 0,
            streams: Streams::new(capacity, seed | 1),
            wheel: TimingWheel::new(Timestamp::MIN),
            sides: Vec::new(),
            told: HashMap::default(),
            suspended: Vec::new(),
            first_silent: 0,
            outage: false,
            silence_told: false,
            alive: Timestamp::MIN,
            held: 0,
        }
    }

    /// A packet of any kind came: the capture is alive.
    #[inline]
    pub fn saw(&mut self, now: Timestamp) {
        self.alive = now;
        if !self.suspended.is_empty() {
            self.wake(now);
        }
    }

    /// A connection began in `slot`; answers with a cadence of connections that is back.
    pub fn begin(
        &mut self,
        slot: Slot,
        connection: &Connection,
        now: Timestamp,
    ) -> Option<Heartbeat> {
        if !self.enabled {
            return None;
        }
        if slot.index() >= self.sides.len() {
            self.sides.resize(slot.index() + 1, [NONE; 2]);
        }
        self.end(slot);
        let service = connection.service();
        let key = connections_key(connection, service.port);
        if let Some(number) = self.streams.find(&key) {
            return self.arrive(number, now);
        }
        self.add(key, service.port, true, None, now);
        None
    }

    /// A packet of `side` came on the connection in `slot`; answers with a cadence that is back.
    #[inline]
    pub fn packet(
        &mut self,
        slot: Slot,
        side: Side,
        connection: &Connection,
        now: Timestamp,
    ) -> Option<Heartbeat> {
        let number = self.sides.get(slot.index())?[side as usize];
        if number != NONE {
            return self.arrive(number, now);
        }
        if connection.position() < FEW_PACKETS || connection.is_ended() {
            return None;
        }
        self.take_up(slot, side, connection, now)
    }

    /// A side of the connection in `slot` said goodbye or hung up: silence is what is expected.
    pub fn goodbye(&mut self, slot: Slot) {
        for number in self.sides.get(slot.index()).copied().unwrap_or([NONE; 2]) {
            if number != NONE {
                self.remove(number);
            }
        }
    }

    /// The connection in `slot` is closed; its sequences may go on in another one.
    pub fn end(&mut self, slot: Slot) {
        let Some(sides) = self.sides.get_mut(slot.index()) else { return };
        for number in std::mem::replace(sides, [NONE; 2]) {
            if let Some(stream) = self.streams.get_mut(number) {
                stream.of = None;
            }
        }
    }

    /// The clock was set to `now`: no beat is known any more.
    pub fn clear(&mut self, now: Timestamp) {
        self.streams.clear();
        self.wheel.clear(now);
        self.sides.iter_mut().for_each(|sides| *sides = [NONE; 2]);
        self.told.clear();
        self.suspended.clear();
        self.outage = false;
        self.alive = now;
        self.held = 0;
    }

    /// The earliest deadline that is not after `now`; whether it is an event is for [`Self::miss`]
    /// to say, once everything else that was due before it has happened.
    #[inline]
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(u32, Timestamp)> {
        self.wheel.pop_due(now)
    }

    /// The sequence `number` should have had a beat by `due`. Answers what is to be said of that,
    /// and the connection it was on, if that still lives.
    pub fn miss(&mut self, number: u32, due: Timestamp) -> Option<(Heartbeat, Option<Slot>)> {
        let stream = self.streams.get(number)?;
        let rhythm = stream.rhythm;
        // A long burst keeps a beat alive.
        let wait = rhythm.wait(&self.rule);
        let patience = Span::from_nanos(wait.nanos().saturating_sub(rhythm.period().nanos()));
        let later = rhythm.last().after(patience);
        if later > due {
            self.wheel.arm(number, later);
            return None;
        }
        let first_missed = rhythm.beat().after(rhythm.period()).after(rhythm.jitter());
        if self.alive <= first_missed {
            let group = self.streams.group(stream);
            let again = stream.state == State::Suspended;
            if self.suspended.is_empty() {
                (self.first_silent, self.outage, self.silence_told) = (group, false, false);
            }
            if !again {
                self.suspended.push(number);
                self.set(number, State::Suspended);
            }
            if group == self.first_silent && !self.outage && !again {
                // Alone it is looked at again: a quiet link has pauses.
                self.wheel.arm(number, due.after(Span::from_nanos(wait.nanos().saturating_mul(2))));
                return None;
            }
            self.outage |= group != self.first_silent;
            if std::mem::replace(&mut self.silence_told, true) {
                return None;
            }
            let silent = self.suspended.len() as u32;
            return self.tell(number, due, Change::Silence, silent);
        }
        let slot = stream.of.map(|(slot, _)| slot);
        if self.moved(stream) {
            self.remove(number);
            return None;
        }
        let group = self.streams.group(stream);
        let told = self.told.entry(group).or_insert(0);
        if *told > 0 {
            self.set(number, State::StoppedToo);
            return None;
        }
        *told += 1;
        let said = self.tell(number, due, Change::Stopped, 0);
        self.set(number, State::Stopped);
        said.map(|(heartbeat, _)| (heartbeat, slot))
    }

    /// The cadences that are believed, as each would be told of if it stopped at `now`.
    pub fn watched(&self, now: Timestamp) -> impl Iterator<Item = Heartbeat> {
        let held = self.streams.numbers().filter(|number| {
            self.streams.get(*number).is_some_and(|stream| stream.state.is_held())
        });
        held.filter_map(move |number| Some(self.tell(number, now, Change::Stopped, 0)?.0))
    }

    /// How many cadences are believed now.
    #[must_use]
    pub const fn cadences(&self) -> u32 {
        self.held
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.streams.memory()
            + self.wheel.memory()
            + self.sides.capacity() * size_of::<[u32; 2]>()
            + self.told.capacity() * size_of::<(u64, u32)>()
            + self.suspended.capacity() * size_of::<u32>()
    }

    /// Finds the sequence that a side's packets belong to, or begins it.
    fn take_up(
        &mut self,
        slot: Slot,
        side: Side,
        connection: &Connection,
        now: Timestamp,
    ) -> Option<Heartbeat> {
        let key = packets_key(connection, side);
        if let Some(number) = self.streams.find(&key) {
            self.link(number, slot, side);
            return self.arrive(number, now);
        }
        let outbound = side == connection.originator();
        let number = self.add(key, connection.service().port, outbound, Some((slot, side)), now);
        self.link(number, slot, side);
        None
    }

    fn link(&mut self, number: u32, slot: Slot, side: Side) {
        if let Some(stream) = self.streams.get_mut(number) {
            stream.of = Some((slot, side));
        }
        if let Some(sides) = self.sides.get_mut(slot.index()) {
            sides[side as usize] = number;
        }
    }

    fn add(
        &mut self,
        key: Key,
        service: u16,
        outbound: bool,
        of: Option<(Slot, Side)>,
        now: Timestamp,
    ) -> u32 {
        if let Some(number) = self.streams.in_the_way() {
            self.remove(number);
        }
        let rhythm = Rhythm::new(now, &self.rule);
        self.streams.add(Stream { key, service, outbound, state: State::Learning, of, rhythm })
    }

    fn remove(&mut self, number: u32) {
        self.set(number, State::Learning);
        let Some(stream) = self.streams.remove(number) else { return };
        if let Some((slot, side)) = stream.of
            && let Some(sides) = self.sides.get_mut(slot.index())
        {
            sides[side as usize] = NONE;
        }
    }

    #[inline]
    fn arrive(&mut self, number: u32, now: Timestamp) -> Option<Heartbeat> {
        let stream = self.streams.get_mut(number)?;
        if matches!(stream.state, State::Learning | State::Held) {
            if stream.rhythm.arrive(now, &self.rule) != Arrival::Same {
                self.settle(number);
            }
            return None;
        }
        self.come_back(number, now)
    }

    /// A sequence whose deadline passed goes on.
    #[cold]
    fn come_back(&mut self, number: u32, now: Timestamp) -> Option<Heartbeat> {
        let state = self.streams.get(number)?.state;
        let said = match state {
            State::Stopped => self.tell(number, now, Change::Resumed, 0),
            _ => None,
        };
        self.set(number, State::Learning);
        let was_stop = matches!(state, State::Stopped | State::StoppedToo | State::Paused);
        let stream = self.streams.get_mut(number)?;
        stream.rhythm.come_back(now, was_stop);
        self.settle(number);
        said.map(|(mut heartbeat, _)| {
            // The one that came is not missing.
            heartbeat.missed = heartbeat.missed.saturating_sub(1);
            heartbeat
        })
    }

    /// After a beat: is it a cadence, and when is the next one overdue?
    fn settle(&mut self, number: u32) {
        let Some(stream) = self.streams.get(number) else { return };
        if stream.rhythm.is_held(&self.rule) {
            let due = stream.rhythm.beat().after(stream.rhythm.wait(&self.rule));
            self.wheel.arm(number, due);
            self.set(number, State::Held);
        } else {
            self.set(number, State::Learning);
        }
    }

    /// Changes a sequence's state and what is counted of it.
    fn set(&mut self, number: u32, state: State) {
        let Some(stream) = self.streams.get_mut(number) else { return };
        let before = std::mem::replace(&mut stream.state, state);
        if before == state {
            return;
        }
        self.held = self.held + u32::from(state.is_held()) - u32::from(before.is_held());
        if state == State::Learning {
            self.wheel.cancel(number);
        }
        match before {
            State::Suspended => self.suspended.retain(|other| *other != number),
            State::Stopped => {
                let Some(stream) = self.streams.get(number) else { return };
                let group = self.streams.group(stream);
                if let Some(told) = self.told.get_mut(&group) {
                    *told -= 1;
                    if *told == 0 {
                        self.told.remove(&group);
                    }
                }
            }
            _ => {}
        }
    }

    /// The first packet after a silence of everything: whoever is still there has to show it anew.
    #[cold]
    fn wake(&mut self, now: Timestamp) {
        for number in std::mem::take(&mut self.suspended) {
            let Some(stream) = self.streams.get_mut(number) else { continue };
            let wait = stream.rhythm.wait(&self.rule);
            stream.state = if self.outage { State::Awaited } else { State::Paused };
            self.held += 1;
            self.wheel.arm(number, now.after(wait));
        }
    }

    /// Whether the packets of a stream that fell silent go on in a later connection.
    fn moved(&self, stream: &Stream) -> bool {
        if stream.key.beats != Beats::Packets {
            return false;
        }
        let Key { source, destination, protocol, domain, .. } = stream.key;
        let (source, destination) =
            if stream.outbound { (source, destination) } else { (destination, source) };
        let connections = Key {
            source,
            destination,
            source_port: 0,
            destination_port: stream.service,
            protocol,
            domain,
            beats: Beats::Connections,
        };
        let number = self.streams.find(&connections);
        let begun = number.and_then(|number| self.streams.get(number));
        begun.is_some_and(|begun| begun.rhythm.last() > stream.rhythm.last())
    }

    /// `more` cadences are counted besides those held.
    fn tell(
        &self,
        number: u32,
        time: Timestamp,
        change: Change,
        more: u32,
    ) -> Option<(Heartbeat, Option<Slot>)> {
        let Stream { key, service, rhythm, of, .. } = self.streams.get(number)?;
        let heartbeat = Heartbeat {
            time,
            change,
            beats: key.beats,
            source: key.source,
            source_port: key.source_port,
            destination: key.destination,
            destination_port: key.destination_port,
            service: Service { protocol: key.protocol, port: *service },
            uid: None,
            period: rhythm.period(),
            jitter: rhythm.jitter(),
            count: rhythm.beats(),
            last: rhythm.beat(),
            wait: rhythm.wait(&self.rule),
            missed: rhythm.missed_by(time),
            cadences: self.held + more,
        };
        Some((heartbeat, of.map(|(slot, _)| slot)))
    }
}

fn packets_key(connection: &Connection, side: Side) -> Key {
    let key = connection.key();
    Key {
        source: key.address(side),
        destination: key.address(side.other()),
        source_port: key.port(side),
        destination_port: key.port(side.other()),
        protocol: key.protocol,
        domain: key.domain,
        beats: Beats::Packets,
    }
}

fn connections_key(connection: &Connection, service: u16) -> Key {
    let key = connection.key();
    let originator = connection.originator();
    Key {
        source: key.address(originator),
        destination: key.address(originator.other()),
        source_port: 0,
        destination_port: service,
        protocol: key.protocol,
        domain: key.domain,
        beats: Beats::Connections,
    }
}
