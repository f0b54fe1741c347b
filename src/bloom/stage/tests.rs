use super::*;
use crate::bloom::{Name, Networks, Part, Role, Rule};
use crate::wire::{Address, TcpFlags};

fn networks() -> Networks {
    Networks::from([("internal".to_owned(), vec!["10.0.0.0/8".parse().unwrap()])])
}

fn category(name: &str, rule: &str, count: &[Part], at_least: u32) -> Category {
    Category {
        name: Name::new(name),
        why: String::new(),
        rule: Rule::parse(rule, &networks()).unwrap(),
        count: count.to_vec(),
        target: Role::Originator,
        at_least,
        geometry: Geometry::new(10_000, 0.001).unwrap(),
        weight: 1.0,
    }
}

const DESTINATION: Part = Part::Address(Role::Responder);

fn stage() -> Stage {
    Stage::new(Settings {
        categories: vec![
            category("fan-out", "outgoing", &[DESTINATION], 20),
            category("external", "not responder in internal", &[DESTINATION], 1),
            category("large", "bytes > 1M", &[DESTINATION, Part::Service], 1),
            category("new-use", "first_use", &[Part::Service], 1),
        ],
        key: FederationKey::new([5; 16]),
        interval: Span::from_secs(10),
        window: Span::from_secs(100),
        weighting: Weighting::Rarity,
        smoothing: Smoothing { alpha: 0.5, idle: 0.5, floor: 0.01 },
        limits: Limits { threshold: 1.2, release: 0.8 },
        warm_up: 2,
        max_targets: 100,
        uses: Geometry::new(1_000, 0.001).unwrap(),
        uses_window: Span::from_secs(1_000),
        member: None,
    })
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_nanos(secs * 1_000_000_000)
}

fn facts(from: u8, to: [u8; 4]) -> Facts<'static> {
    Facts {
        originator: Address::v4([10, 0, 0, from]),
        responder: Address::v4(to),
        originator_port: 40_000,
        responder_port: 443,
        protocol: 6,
        service: Some("ssl"),
        is_outgoing: true,
        size: 100,
        bytes: 100,
        packets: 1,
        flags: TcpFlags(0),
        entropy: None,
        hour: 12,
        has_failed: false,
        is_first_use: false,
    }
}

/// A connection of one packet.
fn connect(stage: &mut Stage, secs: i64, facts: &Facts<'_>) {
    stage.advance(at(secs));
    stage.begin(Slot(0), facts);
    stage.observe(Slot(0), at(secs), facts);
}

fn reports(stage: &mut Stage) -> Vec<Report> {
    let heard = std::iter::from_fn(|| stage.poll());
    heard
        .filter_map(|heard| match heard {
            Heard::Category(report) => Some(report),
            Heard::Target(_) => None,
        })
        .collect()
}

fn flagged(stage: &mut Stage) -> Vec<Target> {
    let heard = std::iter::from_fn(|| stage.poll());
    heard
        .filter_map(|heard| match heard {
            Heard::Target(flagged) => Some(flagged.target),
            Heard::Category(_) => None,
        })
        .collect()
}

#[test]
fn a_connection_is_counted_once_in_a_window_and_again_in_the_next() {
    let mut stage = stage();
    let facts = facts(1, [192, 0, 2, 1]);
    connect(&mut stage, 0, &facts);
    for secs in 1..10 {
        stage.observe(Slot(0), at(secs), &facts);
    }
    stage.advance(at(10));
    let activity: Vec<u64> = reports(&mut stage).iter().map(|report| report.activity).collect();
    assert_eq!(activity, [1, 1, 0, 0]);
    stage.advance(at(150));
    assert!(stage.is_watching(Slot(0), true, false), "a new window stands open");
    stage.observe(Slot(0), at(150), &facts);
    assert_eq!(stage.counter(1).map(|it| it.distinct().round()), Some(1.0));
}

#[test]
fn a_connection_that_can_be_nothing_more_is_not_watched() {
    let mut stage = stage();
    let inside = Facts { is_outgoing: false, ..facts(1, [10, 0, 0, 9]) };
    stage.advance(at(0));
    stage.begin(Slot(0), &inside);
    assert_eq!(stage.watches[0].possible, 0b1101, "it is not external whatever comes");
    let large = Facts { bytes: 2_000_000, is_outgoing: true, ..inside };
    stage.observe(Slot(0), at(0), &large);
    assert_eq!(stage.watches[0].open, 0b1000);
}

#[test]
fn a_scanner_appears_in_fan_out_once_it_reached_enough() {
    let mut stage = stage();
    for host in 0..40 {
        connect(&mut stage, 0, &facts(2, [10, 0, 1, host]));
    }
    connect(&mut stage, 5, &facts(3, [192, 0, 2, 9]));
    // Idle intervals, in which the scanner's category becomes as rare as the other.
    for secs in (10..90).step_by(10) {
        stage.advance(at(secs));
    }
    assert_eq!(flagged(&mut stage), [], "one category is not enough");
    connect(&mut stage, 91, &facts(2, [192, 0, 2, 200]));
    let [target] = flagged(&mut stage)[..] else { panic!("expected one target") };
    assert_eq!(target.address, Address::v4([10, 0, 0, 2]));
    assert_eq!(target.categories, 0b11);
    assert_eq!((target.first, target.last), (at(0), at(91)));
}

#[test]
fn a_first_use_is_one_only_once_the_stage_knows_the_others() {
    let mut stage = stage();
    connect(&mut stage, 0, &facts(1, [10, 0, 0, 9]));
    stage.advance(at(10));
    stage.advance(at(20));
    reports(&mut stage);
    connect(&mut stage, 25, &facts(1, [10, 0, 0, 9]));
    connect(&mut stage, 26, &Facts { service: Some("ssh"), ..facts(1, [10, 0, 0, 9]) });
    connect(&mut stage, 27, &Facts { service: Some("ssh"), ..facts(1, [10, 0, 0, 9]) });
    stage.advance(at(30));
    assert_eq!(reports(&mut stage)[3].activity, 1);
}

#[test]
fn a_week_of_silence_is_one_report_and_forgets_everything() {
    let mut stage = stage();
    connect(&mut stage, 0, &facts(1, [192, 0, 2, 1]));
    stage.advance(at(7 * 86_400));
    assert_eq!(reports(&mut stage).len(), 4);
    assert_eq!(stage.counter(1).map(BloomCounter::distinct), Some(0.0));
    assert_eq!(stage.targets.len(), 0);
}
