use proptest::prelude::*;

use super::*;
use crate::wire::{self, TcpFlags};

const V4: fn([u8; 4]) -> wire::Address = wire::Address::v4;

/// A packet of a name look-up from inside to outside.
fn look_up() -> Facts<'static> {
    Facts {
        originator: V4([10, 0, 0, 5]),
        responder: V4([192, 0, 2, 53]),
        originator_port: 40_000,
        responder_port: 53,
        protocol: 17,
        service: Some("dns"),
        is_outgoing: true,
        size: 60,
        bytes: 120,
        packets: 3,
        flags: TcpFlags(0),
        entropy: Some(4.5),
        hour: 23,
        has_failed: false,
        is_first_use: true,
    }
}

fn networks() -> Networks {
    Networks::from([("internal".to_owned(), vec!["10.0.0.0/8".parse().unwrap()])])
}

fn rule(text: &str) -> Rule {
    Rule::parse(text, &networks()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    Rule::parse(text, &networks()).unwrap_err().to_string()
}

#[test]
fn rules_read_as_they_sound() {
    let holds = [
        "service == dns and responder not in internal",
        "protocol in {udp, tcp} and outgoing",
        "source in internal and destination in {198.51.100.0/24, 192.0.2.0/24}",
        "responder_port in {22, 50..60} and originator_port > 1023",
        "size >= 60 and size <= 60 and not size < 60",
        "entropy > 4 and entropy < 4.6",
        "hour in {22..23, 0..5} and first_use",
        "failed or not failed",
        "not (failed or service == ssl)",
        "bytes < 10k and packets != 4",
        "syn or ack or outgoing and first_use",
    ];
    for text in holds {
        assert!(rule(text).holds(&look_up()), "{text}");
        assert!(!rule(&format!("not ({text})")).holds(&look_up()), "not ({text})");
    }
}

#[test]
fn source_and_destination_follow_the_packet_and_originator_and_responder_do_not() {
    let answer = Facts { is_outgoing: false, ..look_up() };
    assert!(rule("source == 192.0.2.53 and destination in internal").holds(&answer));
    assert!(rule("originator in internal and responder == 192.0.2.53").holds(&answer));
}

#[test]
fn what_a_packet_lacks_meets_no_comparison() {
    let bare = Facts { entropy: None, service: None, protocol: 200, ..look_up() };
    for text in ["entropy >= 0", "entropy < 9", "service == dns", "protocol in {tcp, udp}"] {
        assert!(!rule(text).holds(&bare), "{text}");
    }
    assert!(rule("service != dns and service == none").holds(&bare));
}

#[test]
fn an_ipv4_network_holds_no_ipv6_address_that_looks_like_it() {
    let mut bytes = [0; 16];
    bytes[0] = 10;
    let facts = Facts { originator: wire::Address::v6(bytes), ..look_up() };
    assert!(!rule("originator in internal").holds(&facts));
    assert!(rule("originator in ::/0").holds(&facts));
    assert!(!rule("originator in 0.0.0.0/0").holds(&facts), "only IPv4 is in that");
}

#[test]
fn a_network_prints_as_it_is_written() {
    for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1", "fe80::/10", "::/0", "2001:db8::1"] {
        let prefix: Prefix = text.parse().unwrap();
        assert_eq!(prefix.to_string(), text);
    }
    assert_eq!("10.1.2.3/8".parse::<Prefix>().unwrap().to_string(), "10.0.0.0/8");
    for text in ["10.0.0.0/33", "fe80::/129", "10.0.0/8", "", "/8", "10.0.0.0/-1", "10.0.0.0/"] {
        assert!(text.parse::<Prefix>().is_err(), "{text}");
    }
}

#[test]
fn a_bad_rule_says_where_and_what_was_expected() {
    let cases = [
        ("", "at byte 0: expected a field (originator,", "got the end of the rule"),
        ("servis == dns", "at byte 0: expected a field", "got `servis`"),
        ("size >", "at byte 6: expected a number", "got the end of the rule"),
        ("size > many", "at byte 7: expected a number", "got `many`"),
        ("size dns", "at byte 5: expected a comparison", "got `dns`"),
        ("(syn", "at byte 4: expected `)`", "got the end"),
        ("syn ack", "at byte 4: expected `and`, `or`", "got `ack`"),
        ("service in {dns, }", "at byte 17: expected a service's name", "got `}`"),
        ("service in {dns ssl}", "at byte 16: expected `,` or `}`", "got `ssl`"),
        ("protocol == quic", "at byte 12: expected a protocol (icmp,", "got `quic`"),
        (
            "source in dmz",
            "at byte 10: expected an address, a network (10.0.0.0/8), internal",
            "`dmz`",
        ),
        ("source == 10.0.0.0/33", "at byte 10: expected an address", "got `10.0.0.0/33`"),
        ("hour in 22..5", "at byte 8: expected a range, the smaller end first", "got `22..5`"),
        ("source not internal", "at byte 11: expected `in`", "got `internal`"),
        ("syn & ack", "at byte 4: expected `and`", "got `&`"),
        ("size > 1 and ü", "at byte 13: expected a field", "got `ü`"),
    ];
    for (text, expected, came) in cases {
        let said = refused(text);
        assert!(said.starts_with(expected) && said.contains(came), "{text}: {said}");
    }
}

#[test]
fn depth_is_bounded() {
    let deep = |levels: usize| format!("{}syn{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Rule::parse(&deep(60), &networks()).is_ok());
    assert!(refused(&deep(100_000)).contains("at most 64 levels"));
    assert!(refused(&"not ".repeat(100_000)).contains("at most 64 levels"));
}

#[test]
fn what_is_settled_by_the_connection_is_known_at_its_first_packet() {
    let could = |text: &str| rule(text).could(&look_up());
    assert_eq!(could("service == ssl and size > 100"), Could::Never);
    assert_eq!(could("service == dns or failed"), Could::Always);
    assert_eq!(could("service == dns and failed"), Could::Maybe);
    assert_eq!(could("not (originator in internal)"), Could::Never);
    assert_eq!(could("source in internal"), Could::Maybe);
}

/// Rules of every shape.
fn rules() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "syn",
        "failed",
        "outgoing",
        "first_use",
        "size > 100",
        "entropy < 5",
        "bytes in {1..200}",
        "service == dns",
        "service != ssl",
        "protocol == tcp",
        "responder in internal",
        "source in internal",
        "responder_port in {53, 80..90}",
        "hour >= 12",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|rule| format!("not ({rule})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one}) and ({two})")),
            (inner.clone(), inner).prop_map(|(one, two)| format!("({one}) or ({two})")),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[ -~ü]{0,60}") {
        let _ = Rule::parse(&text, &networks());
    }

    /// What a rule could do is never contradicted by what it does at any packet of the connection.
    #[test]
    fn could_is_right(
        text in rules(), size in 0..300_u32, flags: u8, outgoing: bool, failed: bool, first: bool,
        hour in 0..24_u8, entropy in prop::option::of(0.0_f32..8.0),
    ) {
        let rule = rule(&text);
        let packet = Facts {
            size, flags: TcpFlags(flags), is_outgoing: outgoing, has_failed: failed,
            is_first_use: first, hour, entropy, bytes: u64::from(size) * 2, ..look_up()
        };
        prop_assert!(failed || !rule.needs_failed() || !rule.holds(&packet));
        prop_assert!(outgoing || !rule.needs_outgoing() || !rule.holds(&packet));
        match rule.could(&look_up()) {
            Could::Never => prop_assert!(!rule.holds(&packet)),
            Could::Always => prop_assert!(rule.holds(&packet)),
            Could::Maybe => {}
        }
    }
}
