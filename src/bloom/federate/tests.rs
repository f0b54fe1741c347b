use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::bloom::{
    Category, DecodeError, Element, Facts, FederationKey, Flagged, Geometry, Heard, Limits, Name,
    Networks, Part, Role, Rule, Settings, Smoothing, Stage, Weighting,
};
use crate::flow::Slot;
use crate::time::{Span, Timestamp};
use crate::wire::{Address, TcpFlags};

const KEY: FederationKey = FederationKey::new([6; 16]);
const SCANNER: [u8; 4] = [10, 0, 0, 66];

fn category(name: &str, rule: &str, at_least: u32, capacity: u32) -> Category {
    Category {
        name: Name::new(name),
        why: String::new(),
        rule: Rule::parse(rule, &Networks::from([("internal".to_owned(), Vec::new())])).unwrap(),
        count: vec![Part::Address(Role::Originator), Part::Address(Role::Responder)],
        target: Role::Originator,
        at_least,
        geometry: Geometry::new(capacity, 0.001).unwrap(),
        weight: 1.0,
    }
}

fn settings(sensor: &str) -> Settings {
    Settings {
        categories: vec![
            category("fan-out", "outgoing", 20, 2_000),
            category("shell", "responder_port == 22", 20, 500),
            category("look-ups", "responder_port == 53", 1, 500),
        ],
        key: KEY,
        interval: Span::from_secs(10),
        window: Span::from_secs(100),
        weighting: Weighting::Share,
        smoothing: Smoothing { alpha: 0.5, idle: 0.5, floor: 0.01 },
        limits: Limits { threshold: 0.5, release: 0.3 },
        warm_up: 3,
        max_targets: 1_000,
        uses: Geometry::new(1_000, 0.001).unwrap(),
        uses_window: Span::from_secs(1_000),
        member: Some((Name::new(sensor), Caps::default())),
    }
}

fn terms() -> Terms {
    Terms::new(&settings("any"), Caps::default())
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_nanos(secs * 1_000_000_000)
}

/// A connection of one packet.
fn connect(stage: &mut Stage, secs: i64, from: [u8; 4], to: [u8; 4], port: u16) {
    let facts = Facts {
        originator: Address::v4(from),
        responder: Address::v4(to),
        originator_port: 40_000,
        responder_port: port,
        protocol: 6,
        service: None,
        is_outgoing: true,
        size: 100,
        bytes: 100,
        packets: 1,
        flags: TcpFlags(0),
        entropy: None,
        hour: 12,
        has_failed: false,
        is_first_use: false,
    };
    stage.advance(at(secs));
    stage.begin(Slot(0), &facts);
    stage.observe(Slot(0), at(secs), &facts);
}

/// A minute of look-ups of twenty hosts, and of a scan as far as it comes by this sensor: of its 45
/// victims those whose number leaves `part` of `parts`. Gives out blobs after each interval.
fn minute(name: &str, parts: u8, part: u8) -> (Stage, Vec<Vec<u8>>) {
    let mut stage = Stage::new(settings(name));
    let mut blobs = Vec::new();
    for second in 0..60_u8 {
        let now = i64::from(second) + 1_000;
        connect(&mut stage, now, [10, 0, part, second], [10, 0, 9, 53], 53);
        if (10..55).contains(&second) && second % parts == part {
            connect(&mut stage, now, SCANNER, [10, 1, 0, second], 22);
        }
        blobs.extend(stage.export());
    }
    stage.advance(at(1_060));
    blobs.extend(stage.export());
    (stage, blobs)
}

fn told(stage: &mut Stage) -> Vec<Flagged> {
    let only = |heard| if let Heard::Target(flagged) = heard { Some(flagged) } else { None };
    std::iter::from_fn(|| stage.poll()).filter_map(only).collect()
}

fn aggregate(blobs: &[Vec<u8>]) -> Aggregator {
    let mut aggregator = Aggregator::new(terms());
    for blob in blobs {
        aggregator.take(blob, None, None).unwrap();
    }
    aggregator.finish();
    aggregator
}

#[test]
fn a_scan_that_three_sensors_see_in_parts_is_a_target_of_the_network_and_of_none_alone() {
    let mut blobs = Vec::new();
    let mut sensors = Vec::new();
    for (part, name) in ["north", "south", "west"].into_iter().enumerate() {
        let (mut stage, own) = minute(name, 3, part as u8);
        assert!(told(&mut stage).is_empty(), "{name} sees too little of it");
        blobs.extend(own);
        sensors.push(stage);
    }
    let aggregator = aggregate(&blobs);
    let view = aggregator.view().unwrap();
    let [target] = view.targets[..] else { panic!("one target, got {:?}", view.targets) };
    assert_eq!(target.id, KEY.element(Address::v4(SCANNER).bytes()));
    assert_eq!((target.sensors, target.categories & 0b10), (3, 0b10));
    // What is merged is what one that sees all would have counted, to the last bit.
    let (whole, _) = minute("all", 1, 0);
    for number in [1, 2] {
        let merged = view.categories[number].distinct;
        let own = whole.counter(number).unwrap().distinct();
        // The look-ups of each part come from other hosts.
        assert_eq!(merged, if number == 1 { own } else { merged }, "category {number}");
    }
    // Each sensor says it, once, under the address that only it knows.
    let blob = view.encode(&terms());
    for stage in &mut sensors {
        assert_eq!(stage.import(&blob, at(1_060)), Ok(true));
        assert_eq!(stage.import(&blob, at(1_061)), Ok(false), "the same view again");
        let said = told(stage);
        let [flagged] = said[..] else { panic!("once, got {said:?}") };
        assert_eq!(flagged.target.address, Address::v4(SCANNER));
        assert_eq!(flagged.sensors, 3);
        assert!(flagged.heaviest.contains(&Some(Name::new("shell"))));
    }
}

#[test]
fn a_lost_blob_is_made_good_by_the_next_and_a_doubled_one_changes_nothing() {
    let (_, blobs) = minute("north", 1, 0);
    let whole = aggregate(&blobs);
    let doubled: Vec<Vec<u8>> = blobs.iter().chain(&blobs).cloned().collect();
    assert_eq!(aggregate(&doubled).view(), whole.view());
    for lost in 0..blobs.len() - 1 {
        let mut fewer = blobs.clone();
        fewer.remove(lost);
        assert_eq!(aggregate(&fewer).view(), whole.view(), "without blob {lost}");
    }
}

#[test]
fn one_sensor_makes_no_target_of_the_network() {
    let (mut stage, blobs) = minute("north", 1, 0);
    assert_eq!(told(&mut stage).len(), 1, "it is a target of its own");
    assert!(aggregate(&blobs).view().unwrap().targets.is_empty());
}

#[test]
fn a_sensor_that_was_started_anew_in_the_middle_costs_nothing_and_counts_nothing_twice() {
    let (_, blobs) = minute("north", 1, 0);
    let whole = aggregate(&blobs);
    // It reads its capture again from the beginning, after it was killed.
    let again: Vec<Vec<u8>> = blobs[..3].iter().chain(&blobs).cloned().collect();
    assert_eq!(aggregate(&again).view(), whole.view());
}

#[test]
fn no_sensor_counts_more_than_all_others_and_one_that_overfills_is_left_out() {
    let loud = |sensor: &str, hosts: u32| {
        let mut stage = Stage::new(settings(sensor));
        for number in 0..hosts {
            let to = number.to_be_bytes();
            connect(&mut stage, 1_000, [10, 0, 3, 3], [10, to[1], to[2], to[3]], 22);
        }
        stage.advance(at(1_010));
        stage.export()
    };
    let (quiet, many) = (loud("quiet", 100), loud("loud", 400));
    let view = aggregate(&[quiet.clone(), many].concat()).view().cloned().unwrap();
    // A hundred are the same; the others count as many as the quiet one's own.
    assert!((120..=240).contains(&view.categories[1].activity), "{:?}", view.categories);
    let aggregator = aggregate(&[quiet, loud("broken", 5_000)].concat());
    assert!(aggregator.tally().left_out > 0);
    assert!((90.0..110.0).contains(&aggregator.view().unwrap().categories[1].distinct));
}

#[test]
fn rounds_that_have_not_come_and_windows_that_are_over_are_refused() {
    let (_, blobs) = minute("north", 1, 0);
    let mut aggregator = Aggregator::new(terms());
    assert_eq!(aggregator.take(&blobs[5], None, Some(at(1_000))), Err(Refusal::Early));
    assert_eq!(aggregator.take(&blobs[5], None, Some(at(1_050))).unwrap().1, 105);
    assert!(aggregator.advance(at(1_050)).is_some(), "rounds that it told of before");
    assert_eq!(aggregator.view().unwrap().round, 102, "an interval waits for what comes late");
    assert_eq!(aggregator.advance(at(1_090)).unwrap().round, 105);
    assert!(aggregator.advance(at(1_090)).is_none(), "nothing new");
    assert!(aggregator.take(&blobs[2], None, Some(at(1_090))).is_ok(), "late, but in its window");
    let mut later = Stage::new(settings("north"));
    connect(&mut later, 1_500, SCANNER, [10, 0, 0, 1], 22);
    later.advance(at(1_510));
    for blob in later.export() {
        aggregator.take(&blob, None, Some(at(1_510))).unwrap();
    }
    aggregator.advance(at(1_600));
    assert_eq!(aggregator.take(&blobs[2], None, Some(at(1_600))), Err(Refusal::Late));
    let counted: Vec<(&str, u64)> =
        aggregator.tally().refused.iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, [("early", 1), ("late", 1)]);
}

#[test]
fn what_does_not_fit_is_named() {
    let (_, blobs) = minute("north", 1, 0);
    let blob = &blobs[3];
    let terms = terms();
    let decode = |bytes: &[u8]| Contribution::decode(bytes, &terms).map(drop);
    assert_eq!(decode(blob), Ok(()));
    assert_eq!(decode(&[]), Err(Refusal::Length));
    assert_eq!(decode(&[b'x'; 100]), Err(Refusal::Magic));
    let mut newer = blob.clone();
    newer[4] = 9;
    assert_eq!(decode(&newer), Err(Refusal::Version(9)));
    let mut changed = blob.clone();
    changed[60] ^= 1;
    assert_eq!(decode(&changed), Err(Refusal::Seal));
    let short = Caps { blob: blob.len() - 1, ..Caps::default() };
    let small = Terms { caps: short, ..terms.clone() };
    assert_eq!(Contribution::decode(blob, &small).map(drop), Err(Refusal::Length));
    let mut other = settings("north");
    other.categories[0].at_least = 21;
    let other = Terms::new(&other, Caps::default());
    assert_eq!(Contribution::decode(blob, &other).map(drop), Err(Refusal::Terms));
    let foreign = Terms { seal: FederationKey::new([7; 16]).seal_key(), ..terms.clone() };
    assert_eq!(Contribution::decode(blob, &foreign).map(drop), Err(Refusal::Key(KEY.id())));
    let few = Terms { caps: Caps { targets: 2, ..Caps::default() }, ..terms.clone() };
    assert_eq!(Contribution::decode(blob, &few).map(drop), Err(Refusal::Targets));
    let mut aggregator =
        Aggregator::new(Terms { caps: Caps { sensors: 1, ..Caps::default() }, ..terms.clone() });
    assert_eq!(aggregator.take(blob, Some("south"), None), Err(Refusal::Sender));
    assert!(aggregator.take(blob, Some("north"), None).is_ok());
    let (_, second) = minute("south", 1, 0);
    assert_eq!(aggregator.take(&second[0], None, None), Err(Refusal::Sensors));
}

#[test]
fn a_sealed_blob_out_of_bounds_is_named_too() {
    let (_, blobs) = minute("north", 1, 0);
    let terms = terms();
    let sound = Contribution::decode(&blobs[3], &terms).unwrap();
    let refused = |change: &dyn Fn(&mut Contribution)| {
        let mut changed = sound.clone();
        change(&mut changed);
        let blobs = changed.encode(&terms);
        Contribution::decode(&blobs[0], &terms).map(drop)
    };
    let content = |what| Err(Refusal::Content(what));
    assert_eq!(refused(&|_| {}), Ok(()));
    assert_eq!(refused(&|it| it.sensor = Name::new("a b")), content("sensor"));
    assert_eq!(refused(&|it| it.epoch += 9), content("epoch"));
    assert_eq!(refused(&|it| it.rounds[0].0 += 9), content("rounds"));
    assert_eq!(refused(&|it| it.rounds[0].1[1] = 1 << 40), content("activity"));
    assert_eq!(refused(&|it| it.weights[0] = 1.5), content("weights"));
    assert_eq!(refused(&|it| it.weights[0] = f64::NAN), content("weights"));
    assert_eq!(refused(&|it| it.counters[0].0 = 7), content("category"));
    assert_eq!(refused(&|it| it.counters[1] = it.counters[0].clone()), content("category"));
    assert_eq!(refused(&|it| it.targets[0].masks[0] = 8), content("mask"));
    let twice = |it: &mut Contribution| {
        it.targets[0].sketches = vec![(0, Default::default()), (0, Default::default())];
    };
    assert_eq!(refused(&twice), content("sketches"));
    let other = |it: &mut Contribution| {
        let mut settings = settings("north");
        settings.categories[0].geometry = Geometry::new(77, 0.1).unwrap();
        it.counters[0].1 = Stage::new(settings).counter(0).unwrap().clone();
    };
    let geometry = DecodeError::Geometry { capacity: 77, rate: 0.1 };
    assert_eq!(refused(&other), Err(Refusal::Counter(geometry)));
}

#[test]
fn a_large_contribution_is_cut_into_blobs_that_come_in_any_order() {
    let mut stage = Stage::new(Settings {
        categories: (0..8).map(|n| category(&format!("c{n}"), "outgoing", 1, 100_000)).collect(),
        ..settings("north")
    });
    for number in 0..30_000_u32 {
        let to = number.to_be_bytes();
        connect(&mut stage, 1_000, [10, 0, to[2], to[3]], [10, to[1], to[2], to[3]], 22);
    }
    stage.advance(at(1_010));
    let contribution = stage.contribute().unwrap();
    let terms = stage.terms().unwrap();
    let blobs = contribution.encode(terms);
    assert!(blobs.len() > 1 && blobs.iter().all(|blob| blob.len() < 1 << 20));
    let mut ledger = Ledger::default();
    for blob in blobs.iter().rev() {
        ledger.merge(Contribution::decode(blob, terms).unwrap().into());
    }
    assert_eq!(ledger, contribution.into());
}

/// What a sensor may have seen: which hosts reached how many others, and after which second it speaks.
fn contribution() -> impl Strategy<Value = Contribution> {
    let seen = vec((0..5_u8, 0..40_u8, 0..230_i64), 0..40);
    (0..3_usize, seen, 1..25_i64).prop_map(|(sensor, mut seen, rounds)| {
        seen.sort_by_key(|(_, _, second)| *second);
        let mut stage = Stage::new(settings(["north", "south", "west"][sensor]));
        stage.advance(at(1_000));
        for (from, to, second) in seen {
            if second < rounds * 10 {
                connect(&mut stage, 1_000 + second, [10, 0, 0, from], [10, 1, 0, to], 22);
            }
        }
        stage.advance(at(1_000 + rounds * 10));
        stage.contribute().unwrap()
    })
}

fn ledger(contributions: &[Contribution]) -> Ledger {
    let mut ledger = Ledger::default();
    contributions.iter().for_each(|it| ledger.merge(it.clone().into()));
    ledger
}

fn merged(one: &Ledger, other: &Ledger) -> Ledger {
    let mut merged = one.clone();
    merged.merge(other.clone());
    merged
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_is_commutative_associative_and_idempotent(
        a in vec(contribution(), 0..3), b in vec(contribution(), 0..3), c in vec(contribution(), 0..3),
    ) {
        let [a, b, c] = [a, b, c].map(|it| ledger(&it));
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &a), a);
    }

    #[test]
    fn whatever_order_blobs_come_in_and_however_often_the_network_is_the_same(
        said in vec(contribution(), 1..6), order in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let terms = terms();
        let blobs: Vec<Vec<u8>> = said.iter().flat_map(|it| it.encode(&terms)).collect();
        let mut shuffled = blobs.clone();
        for at in &order {
            let blob = shuffled.remove(at.index(shuffled.len()));
            shuffled.push(blob);
            shuffled.push(blobs[at.index(blobs.len())].clone());
        }
        let (one, other) = (aggregate(&blobs), aggregate(&shuffled));
        prop_assert_eq!(one.view(), other.view());
    }

    #[test]
    fn what_a_sensor_says_comes_back_as_it_was(said in contribution()) {
        let terms = terms();
        let blobs = said.encode(&terms);
        prop_assert_eq!(blobs.len(), 1);
        prop_assert_eq!(Contribution::decode(&blobs[0], &terms), Ok(said));
    }

    #[test]
    fn no_bytes_make_the_decoders_panic(bytes in vec(any::<u8>(), 0..300)) {
        let terms = terms();
        prop_assert!(Contribution::decode(&bytes, &terms).is_err());
        prop_assert!(View::decode(&bytes, &terms).is_err());
        let mut head = b"FSFC\x01".to_vec();
        head.extend(terms.seal.id().to_le_bytes());
        head.extend(terms.digest().to_le_bytes());
        head.extend(&bytes);
        let _ = Contribution::decode(&contribution::sealed(head.clone(), &terms.seal), &terms);
        head[3] = b'V';
        let _ = View::decode(&contribution::sealed(head, &terms.seal), &terms);
    }

    #[test]
    fn a_view_comes_back_as_it_was(
        round in any::<u64>(), sensors in any::<u32>(), ids in vec(any::<u128>(), 0..5), weight in 0.0..1.0,
    ) {
        let merged = Merged { activity: 7, weight, distinct: 9.5, ..Merged::default() };
        let target = |id: &u128| NetworkTarget {
            id: Element(*id), score: weight, categories: 5, sensors, since: round,
        };
        let targets = ids.iter().map(target).collect();
        let view = View { round, sensors, categories: vec![merged; 3], targets };
        prop_assert_eq!(View::decode(&view.encode(&terms()), &terms()), Ok(view));
    }
}
