//! The model as its callers see it, and its promises about probabilities.

use super::context::CONTEXTS;
use super::tree::Path;
use super::*;
use crate::flow::{Service, Side};
use crate::model::FlagClass;
use crate::model::discretise::{self, SIDE_FLAGS, SIZES, TIMES};
use crate::time::Span;
use crate::wire::TcpFlags;

const TABLE: usize = 1 << 20;

fn origin(identity: u64, pair: u64, port: u16) -> Origin {
    Origin { service: Service { protocol: 17, port }, pair, identity, responder: Side::B, salt: 0 }
}

fn packet(side: Side, payload_len: u32, micros: u64) -> PacketFacts {
    PacketFacts {
        side,
        protocol: 17,
        flags: TcpFlags(0),
        payload_len,
        wire_len: payload_len + 42,
        window: 0,
        entropy: None,
        since: Some(Span::from_micros(micros)),
        position: 1,
    }
}

fn model() -> Adaptive {
    let mut model = Adaptive::new(TABLE);
    model.begin(Slot(0), &origin(1, 1, 53));
    model
}

/// A packet a second and its answer, some times over.
fn beat(model: &mut Adaptive, slot: Slot, times: u64) -> f32 {
    let mut bits = 0.0;
    for time in 0..times {
        // A little early, a little late.
        let period = 1_000_000 + (time * 7_919) % 2_001 - 1_000;
        for packet in [packet(Side::A, 40, period - 20_000), packet(Side::B, 200, 20_000)] {
            bits += model.score(slot, &packet).total();
            model.deadline(slot, 0.95, 0.0);
            model.step(slot, &packet, true);
        }
    }
    bits
}

/// Packets of all kinds from a small generator of numbers.
fn noise(seed: u64, count: usize) -> Vec<PacketFacts> {
    let mut state = seed;
    let mut next = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..count)
        .map(|position| PacketFacts {
            side: if next(2) == 0 { Side::A } else { Side::B },
            flags: TcpFlags(next(256) as u8),
            payload_len: (next(1 << 17) >> next(17)) as u32,
            since: (position > 0).then(|| Span::from_nanos((next(1 << 31) << 12) >> next(43))),
            position: position as u32,
            ..packet(Side::A, 0, 0)
        })
        .collect()
}

/// The probability of every symbol of a head under the standing forecast.
fn spread<const N: usize>(model: &Adaptive, head: Head, contexts: &[u64; CONTEXTS]) -> [f32; N] {
    let lines = model.learned.find_all(contexts);
    tree::spread(head, |node| model.learned.one(head, node, model.uniform.of(head)[node], &lines))
}

/// A model with a network of numbers at random.
fn with_network(cell: &str, adapt: bool) -> Adaptive {
    let tensors = network::tests::tensors(cell, 32);
    let bare = network::tests::file(&tensors);
    let file = Adaptive::untrained(TABLE, &bare).unwrap().mixer_into(&bare).unwrap();
    let mut model = Adaptive::with_network(TABLE, adapt, &file).unwrap();
    model.begin(Slot(0), &origin(1, 1, 53));
    model
}

/// The probabilities that scoring gives to all symbols of each head, as far as a packet can have them.
fn sums_of_scores(model: &Adaptive, packet: &PacketFacts) -> [f32; 3] {
    let p = |bits: f32| (-bits).exp2();
    let flags = [0_u8, 2, 18, 16, 24, 1, 4, 8];
    let side_flags = [Side::A, Side::B]
        .into_iter()
        .flat_map(|side| flags.map(|flags| PacketFacts { side, flags: TcpFlags(flags), ..*packet }))
        .map(|packet| p(model.coarse(Slot(0), &packet)[0]));
    let sizes = (0..SIZES as u8).map(|bin| {
        let packet = PacketFacts { payload_len: *discretise::sizes_of(bin).start(), ..*packet };
        p(model.coarse(Slot(0), &packet)[1])
    });
    let times = (0..TIMES as u8).map(|bin| {
        let since = Some(discretise::time_within(bin, 0.5));
        p(model.coarse(Slot(0), &PacketFacts { since, ..*packet })[2])
    });
    [side_flags.sum(), sizes.sum(), times.sum()]
}

/// What a decoder of `symbol` does: it walks the tree by the bits alone and finds out the symbol.
fn decode(model: &Adaptive, head: Head, contexts: &[u64; CONTEXTS], symbol: u8) -> (u8, f32) {
    let lines = model.learned.find_all(contexts);
    let bits = Path::to(head, symbol);
    let mut possible: Vec<u8> = match head {
        Head::SideFlags => (0..SIDE_FLAGS as u8).collect(),
        Head::Size => (0..SIZES as u8).collect(),
        _ => (0..TIMES as u8).collect(),
    };
    let mut probability = 1.0;
    for (depth, &(_, bit)) in bits.steps().iter().enumerate() {
        // The node follows from what is still possible, not from the symbol.
        let node = Path::to(head, possible[0]).steps()[depth].0;
        let prior = model.uniform.of(head)[usize::from(node)];
        let one = model.learned.mixer.one(head, usize::from(node), prior, &lines);
        probability *= if bit { one } else { 1.0 - one };
        possible.retain(|&symbol| Path::to(head, symbol).steps()[depth] == (node, bit));
    }
    assert_eq!(possible.len(), 1);
    (possible[0], probability)
}

#[test]
fn every_heads_distribution_sums_to_one_whatever_was_learned() {
    let mut model = model();
    for (number, packet) in noise(1, 500).iter().enumerate() {
        if number % 50 == 0 {
            let history = model.histories[0];
            let last = history.last();
            let now = Symbols::of(packet);
            let contexts = history.side_flags(last);
            let sums = [
                spread::<SIDE_FLAGS>(&model, Head::SideFlags, &contexts).iter().sum::<f32>(),
                spread::<SIZES>(&model, Head::Size, &history.size(last, 3)).iter().sum(),
                spread::<TIMES>(&model, Head::Time, &history.time(last, packet, now)).iter().sum(),
                spread::<TIMES>(&model, Head::Wait, &history.wait(last)).iter().sum(),
            ];
            for sum in sums {
                assert!((sum - 1.0).abs() < 1e-4, "{sums:?}");
            }
        }
        model.deadline(Slot(0), 0.95, 0.0);
        model.step(Slot(0), packet, true);
    }
}

#[test]
fn with_a_network_too_all_symbols_of_a_head_sum_to_one() {
    for (cell, adapt) in [("gru", true), ("gru", false), ("lstm", true)] {
        let mut model = with_network(cell, adapt);
        for packet in noise(5, 200) {
            if packet.position > 0 && packet.position % 20 == 0 {
                let sums = sums_of_scores(&model, &packet);
                assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-3), "{cell} {sums:?}");
                let spans = [Span::ZERO, Span::from_secs(1), Span::MAX];
                let within = model.within(Slot(0), spans);
                assert!(within.is_sorted() && (within[2] - 1.0).abs() < 1e-3, "{within:?}");
            }
            model.deadline(Slot(0), 0.95, 0.0);
            model.step(Slot(0), &packet, true);
        }
    }
}

#[test]
fn a_whole_forecast_says_what_scores_say() {
    for (cell, adapt) in [("gru", true), ("gru", false), ("lstm", true)] {
        let mut model = with_network(cell, adapt);
        let mut last = PacketFacts::NONE;
        for packet in noise(9, 120) {
            if packet.position > 0 && packet.position % 30 == 0 {
                let given = (packet.side, FlagClass::of(packet.flags));
                let read = model.forecast(Slot(0), &[], Some(given));
                let scored = model.coarse(Slot(0), &packet);
                let side_flags = read.side_flags.probability(given.0, given.1);
                assert!((-side_flags.log2() - scored[0]).abs() < 1e-3);
                assert!((read.side_flags.all().iter().sum::<f32>() - 1.0).abs() < 1e-3);
                let bin = discretise::sizes_of(discretise::size(packet.payload_len));
                let below = bin.start().checked_sub(1).map_or(0.0, |size| read.size.up_to(size));
                let size = read.size.up_to(*bin.end()) - below;
                assert!((size.log2() + scored[1]).abs() < 0.05, "{} {size}", scored[1]);
                assert!((read.size.up_to(u32::MAX) - 1.0).abs() < 1e-3);
                assert!((read.entropy.iter().sum::<f32>() - 1.0).abs() < 1e-3);
                let spans = [1, 1_000, 30_000, 2_000_000].map(Span::from_micros);
                for (is, should) in spans
                    .map(|span| read.wait.within(span))
                    .iter()
                    .zip(model.within(Slot(0), spans))
                {
                    assert!((is - should).abs() < 0.01, "{is} {should}");
                }
                let expected = model.expect(Slot(0), &[], 0.95);
                assert!((read.nothing_more - expected.nothing_more).abs() < 1e-5);
                let ratio = read.wait.quantile(0.95).secs_f64() / expected.deadline.secs_f64();
                assert!((0.9..1.1).contains(&ratio), "{ratio}");
            }
            model.deadline(Slot(0), 0.95, 0.0);
            model.step(Slot(0), &packet, true);
            last = packet;
        }
        let draw = |seed| model.sample(Slot(0), &last, &[], seed);
        assert_eq!(draw(3), draw(3));
        let drawn: Vec<PacketFacts> = (0..400).filter_map(draw).collect();
        let from_a = drawn.iter().filter(|packet| packet.side == Side::A).count();
        let read = model.forecast(Slot(0), &[], None);
        let share = from_a as f32 / drawn.len() as f32;
        assert!((share - read.side_flags.of_side(Side::A)).abs() < 0.1, "{share}");
        let more = drawn.len() as f32 / 400.0;
        assert!((more - (1.0 - read.nothing_more)).abs() < 0.1, "{more}");
    }
}

#[test]
fn the_forecast_of_a_heartbeat_is_sharp() {
    let mut model = model();
    beat(&mut model, Slot(0), 100);
    let read = model.forecast(Slot(0), &[], None);
    assert_eq!(read.given, (Side::A, FlagClass::None));
    assert_eq!(read.size.mode().0, 40);
    assert!((0.97..0.99).contains(&read.wait.mode().secs_f64()), "{:?}", read.wait.mode());
    assert!(read.wait.survival(Span::from_millis(900)) > 0.9);
    assert!(read.wait.survival(Span::from_millis(1_050)) < 0.1);
    let after = model.forecast(Slot(0), &[packet(Side::A, 40, 980_000)], None);
    assert_eq!((after.given.0, after.size.mode().0), (Side::B, 200));
}

#[test]
fn the_probability_of_entropies_sums_to_one() {
    let mut model = with_network("gru", true);
    for packet in noise(6, 30) {
        model.step(Slot(0), &packet, true);
    }
    let packet = packet(Side::A, 400, 1_000);
    let of = |entropy| model.score(Slot(0), &PacketFacts { entropy, ..packet }).entropy;
    let sum: f32 = (0..16).map(|class| (-of(Some(class * 16 + 5))).exp2()).sum();
    assert!((sum - 1.0).abs() < 1e-3, "{sum}");
    assert_eq!((of(None), of(Some(32)) == of(Some(47))), (0.0, true));
}

#[test]
fn a_network_alone_learns_nothing_and_forecasts_all_the_same() {
    let mut model = with_network("gru", false);
    let packets = noise(7, 100);
    let mut bits = || -> Vec<f32> {
        model.begin(Slot(0), &origin(1, 1, 53));
        let mut bits = Vec::new();
        for packet in &packets {
            bits.push(model.score(Slot(0), packet).total());
            model.step(Slot(0), packet, true);
        }
        model.end(Slot(0), true);
        bits
    };
    assert_eq!(bits(), bits());
    assert!(model.deadline(Slot(0), 0.95, 0.0).is_some());
    assert!(model.expect(Slot(0), &packets[..3], 0.95).deadline > Span::ZERO);
}

#[test]
fn whose_side_is_whose_does_not_depend_on_who_was_seen_first() {
    // The same connection, seen from its first packet on or from its second.
    let bits = |responder: Side, swap: bool| {
        let mut model = with_network("gru", false);
        model.begin(Slot(0), &Origin { responder, ..origin(1, 1, 53) });
        let mut bits = 0.0;
        for packet in noise(8, 50) {
            let side = if swap { packet.side.other() } else { packet.side };
            let packet = PacketFacts { side, ..packet };
            bits += model.score(Slot(0), &packet).total();
            model.step(Slot(0), &packet, true);
        }
        bits
    };
    assert_eq!(bits(Side::B, false), bits(Side::A, true));
    assert_ne!(bits(Side::B, false), bits(Side::A, false));
}

#[test]
fn a_mixer_in_training_learns_to_believe_contexts_that_know() {
    let before = with_network("gru", true);
    let mut model = with_network("gru", true);
    model.learned = Learned::untrained(TABLE);
    for identity in 0..20 {
        model.forget();
        model.begin(Slot(0), &origin(identity, 1, 53));
        beat(&mut model, Slot(0), 40);
    }
    let bare = network::tests::file(&network::tests::tensors("gru", 32));
    let file = model.mixer_into(&bare).unwrap();
    assert_eq!(file, model.mixer_into(&file).unwrap(), "an old mixer gives way");
    let mut trained = Adaptive::with_network(TABLE, true, &file).unwrap();
    let mut fresh = before;
    let cost = |model: &mut Adaptive| {
        model.begin(Slot(0), &origin(1, 1, 53));
        beat(model, Slot(0), 40)
    };
    let (fresh, trained) = (cost(&mut fresh), cost(&mut trained));
    assert!(trained < 0.8 * fresh, "{trained} {fresh}");
}

#[test]
fn a_file_that_holds_something_else_is_refused() {
    let tensors = network::tests::tensors("gru", 32);
    let bare = network::tests::file(&tensors);
    let said = |result: Result<Adaptive, FileError>| result.err().unwrap().to_string();
    let no_mixer = said(Adaptive::with_network(TABLE, true, &bare));
    assert!(no_mixer.starts_with("its `mixer` is nothing, but "), "{no_mixer}");
    let no_network = said(Adaptive::with_network(TABLE, true, MIXER_ONLY));
    assert_eq!(no_network, "it has no tensor gru.weight_hh_l0 of [96, 32]");
    let too_much = said(Adaptive::read(TABLE, &bare));
    assert!(too_much.ends_with("belongs to no part of a model"), "{too_much}");
    let mut stranger = tensors;
    stranger.push(("odd".to_owned(), vec![1], vec![0.0]));
    let odd = said(Adaptive::with_network(TABLE, false, &network::tests::file(&stranger)));
    assert_eq!(odd, "tensor odd belongs to no part of a model");
}

#[test]
fn the_score_is_what_an_encoder_pays_and_a_decoder_can_follow() {
    let mut encoder = model();
    let mut decoder = encoder.clone();
    for packet in noise(2, 300) {
        let surprise = encoder.coarse(Slot(0), &packet);
        let now = Symbols::of(&packet);
        let history = decoder.histories[0];
        let last = history.last();
        // The decoder makes each head's contexts from what it has decoded so far.
        let (side_flags, first) =
            decode(&decoder, Head::SideFlags, &history.side_flags(last), now.side_flags);
        let (size, second) =
            decode(&decoder, Head::Size, &history.size(last, side_flags), now.size);
        assert_eq!((side_flags, size), (now.side_flags, now.size));
        assert_eq!(surprise[..2], [-log2(first), -log2(second)]);
        if let Some(bin) = now.time {
            let exact = PacketFacts { payload_len: packet.payload_len, ..PacketFacts::NONE };
            let known = Symbols { side_flags, size, time: None };
            let contexts = history.time(last, &exact, known);
            let (time, third) = decode(&decoder, Head::Time, &contexts, bin);
            assert_eq!((time, surprise[2]), (bin, -log2(third)));
        }
        encoder.step(Slot(0), &packet, true);
        decoder.step(Slot(0), &packet, true);
    }
}

#[test]
fn equal_packets_give_equal_answers_whether_or_not_they_are_scored_first() {
    let (mut one, mut other) = (model(), model());
    for packet in noise(3, 400) {
        one.score(Slot(0), &packet);
        one.score(Slot(0), &PacketFacts { payload_len: 1, ..packet });
        one.step(Slot(0), &packet, true);
        other.step(Slot(0), &packet, true);
        let next = PacketFacts { payload_len: packet.payload_len / 2, ..packet };
        assert_eq!(one.score(Slot(0), &next), other.score(Slot(0), &next));
    }
}

#[test]
fn scores_do_not_depend_on_whether_anybody_asks_for_deadlines() {
    let (mut asked, mut alone) = (model(), model());
    for packet in noise(4, 600) {
        asked.deadline(Slot(0), 0.95, 0.0);
        assert_eq!(asked.score(Slot(0), &packet), alone.score(Slot(0), &packet));
        asked.step(Slot(0), &packet, true);
        alone.step(Slot(0), &packet, true);
    }
}

#[test]
fn a_score_tells_lengths_times_and_flags_apart_and_their_sum_is_the_symbols() {
    let mut model = model();
    model
        .begin(Slot(0), &Origin { service: Service { protocol: 6, port: 80 }, ..origin(1, 1, 80) });
    let p = |bits: f32| (-bits).exp2();
    for packet in noise(6, 300) {
        let packet = PacketFacts { protocol: 6, ..packet };
        model.step(Slot(0), &packet, true);
    }
    let since = Some(Span::from_micros(200));
    let flags = TcpFlags(TcpFlags::RST.0);
    let any = PacketFacts { protocol: 6, payload_len: 70, since, flags, ..packet(Side::B, 0, 0) };
    let [side_flags, size, time] = model.coarse(Slot(0), &any).map(p);
    let all = |packets: &mut dyn Iterator<Item = PacketFacts>, part: fn(&Surprise) -> f32| {
        packets.map(|packet| p(part(&model.score(Slot(0), &packet)))).sum::<f32>()
    };
    let mut resets = (0..=u8::MAX).filter(|flags| flags & 4 != 0).map(TcpFlags);
    let resets = &mut resets.by_ref().map(|flags| PacketFacts { flags, ..any });
    let sizes = &mut (64..128).map(|payload_len| PacketFacts { payload_len, ..any });
    let times = &mut (128..256).map(|us| PacketFacts { since: Some(Span::from_micros(us)), ..any });
    for (sum, symbol) in [
        (all(resets, |surprise| surprise.side_flags), side_flags),
        (all(sizes, |surprise| surprise.size), size),
        (all(times, |surprise| surprise.time), time),
    ] {
        assert!((sum / symbol - 1.0).abs() < 1e-3, "{sum} {symbol}");
    }
    let entropies = &mut (0..16).map(|class| PacketFacts { entropy: Some(class << 4), ..any });
    assert!((all(entropies, |surprise| surprise.entropy) - 1.0).abs() < 1e-3);
}

#[test]
fn memory_does_not_grow_with_what_was_seen() {
    let mut model = model();
    let before = model.memory();
    assert!(before.per_connection <= 112 && before.total < TABLE + 100_000);
    for seed in 0..20 {
        model.begin(Slot(0), &origin(seed, seed, seed as u16));
        for packet in noise(seed, 500) {
            model.step(Slot(0), &packet, true);
        }
        model.end(Slot(0), true);
    }
    assert_eq!(model.memory(), before);
}

#[test]
fn a_step_without_learning_leaves_the_scores_as_they_were() {
    let mut model = model();
    beat(&mut model, Slot(0), 20);
    model.begin(Slot(1), &origin(2, 2, 99));
    let (next, odd) = (packet(Side::A, 40, 980_000), packet(Side::B, 9, 1));
    let before = [model.score(Slot(0), &next), model.score(Slot(0), &odd)];
    let due = model.deadline(Slot(0), 0.95, 0.0);
    for packet in noise(4, 200) {
        model.step(Slot(1), &packet, false);
    }
    model.end(Slot(1), false);
    assert_eq!(before, [model.score(Slot(0), &next), model.score(Slot(0), &odd)]);
    assert_eq!(due, model.deadline(Slot(0), 0.95, 0.0));
}

#[test]
fn what_always_came_surprises_little_and_what_never_came_much() {
    let mut model = model();
    beat(&mut model, Slot(0), 200);
    let usual = model.score(Slot(0), &packet(Side::A, 40, 980_000)).total();
    let odd = model.score(Slot(0), &packet(Side::B, 1_400, 1)).total();
    // Its time is one cell of some 256 in the octave, and there is a little jitter.
    assert!(usual < 2.5 && odd > 25.0, "{usual} {odd}");
}

#[test]
fn a_heartbeat_has_a_deadline_within_a_few_per_cent_of_its_period() {
    for period in [1_000_000, 30_000_000, 61_234_567] {
        let mut model = model();
        for time in 0..60 {
            let jitter = (time * 7_919) % (period / 500);
            let packet = packet(Side::A, 48, period + jitter - period / 1_000);
            model.deadline(Slot(0), 0.95, 0.0);
            model.step(Slot(0), &packet, true);
        }
        let deadline = model.deadline(Slot(0), 0.95, 0.0).unwrap();
        let ratio = deadline.after.micros() as f64 / period as f64;
        assert!((0.99..1.04).contains(&ratio), "{period}: {ratio}");
        assert!(deadline.confidence > 0.9, "{period}: {}", deadline.confidence);
        let expected = model.expect(Slot(0), &[], 0.95);
        let median = expected.time.median.micros() as f64 / period as f64;
        assert!((0.99..1.01).contains(&median), "{period}: {median}");
        assert_eq!((expected.size.low, expected.size.mode, expected.size.high), (48, 48, 48));
        assert_eq!((expected.side, expected.deadline), (Side::A, deadline.after));
        assert!(expected.side_flags_probability > 0.9);
    }
}

#[test]
fn nothing_is_due_where_nothing_is_known() {
    let mut model = model();
    assert_eq!(model.deadline(Slot(0), 0.95, 0.0), None);
    let expected = model.expect(Slot(0), &[], 0.95);
    assert!(expected.confidence < 0.5 && expected.size.low <= expected.size.mode);
    beat(&mut model, Slot(0), 20);
    assert!(model.deadline(Slot(0), 0.95, 0.0).is_some());
}

#[test]
fn imagined_packets_move_the_expectation_on() {
    let mut model = model();
    beat(&mut model, Slot(0), 100);
    let first = model.expect(Slot(0), &[], 0.95);
    assert_eq!((first.side, first.size.mode), (Side::A, 40));
    let second = model.expect(Slot(0), &[packet(Side::A, 40, 980_000)], 0.95);
    assert_eq!((second.side, second.size.mode), (Side::B, 200));
    assert!(second.time.median < Span::from_millis(21));
    assert_eq!(model.expect(Slot(0), &[], 0.95), first);
}

#[test]
fn a_returning_pair_starts_warmer_than_a_strange_one_of_the_service() {
    let start = |model: &mut Adaptive, origin: &Origin| {
        model.begin(Slot(1), origin);
        model.score(Slot(1), &PacketFacts { since: None, ..packet(Side::A, 40, 0) }).total()
            + beat(model, Slot(1), 3)
    };
    let mut model = model();
    let cold = start(&mut model.clone(), &origin(7, 7, 53));
    // The pair beats in its way; others of the service do as they like.
    for round in 0..6_u64 {
        model.begin(Slot(0), &origin(100 + round, 1, 53));
        beat(&mut model, Slot(0), 5);
        model.begin(Slot(0), &origin(200 + round, 50 + round, 53));
        for packet in noise(round, 10) {
            model.step(Slot(0), &packet, true);
        }
    }
    let known = start(&mut model.clone(), &origin(300, 1, 53));
    let strange = start(&mut model.clone(), &origin(301, 99, 53));
    let elsewhere = start(&mut model.clone(), &origin(302, 98, 4_444));
    assert!(
        known < strange && strange < elsewhere && elsewhere < cold,
        "{known} {strange} {elsewhere} {cold}"
    );
}

#[test]
fn connections_that_always_end_here_expect_nothing_more() {
    let mut model = model();
    let mut last = 0.0;
    for identity in 0..200 {
        model.begin(Slot(0), &origin(identity, identity, 53));
        for packet in [packet(Side::A, 40, 0), packet(Side::B, 200, 20_000)] {
            model.step(Slot(0), &packet, true);
            last = model.expect(Slot(0), &[], 0.95).nothing_more;
        }
        model.end(Slot(0), true);
    }
    assert!(last > 0.8, "{last}");
}

#[test]
fn the_strangest_packets_are_scored_with_finite_bits() {
    let mut model = model();
    let wild = PacketFacts {
        payload_len: u32::MAX,
        since: Some(Span::MAX),
        position: u32::MAX,
        flags: TcpFlags(255),
        ..PacketFacts::NONE
    };
    for _ in 0..100 {
        assert!(model.score(Slot(0), &wild).total().is_finite());
        model.deadline(Slot(0), 1.0, 0.0);
        model.step(Slot(0), &wild, true);
    }
    let expected = model.expect(Slot(0), &[wild; 4], 0.0);
    assert!(expected.size.high <= *discretise::sizes_of(SIZES as u8 - 1).end());
}
