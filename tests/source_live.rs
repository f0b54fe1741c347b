//! Capture from the loopback interface; needs root or CAP_NET_RAW, and is off unless
//! `FORESHADOW_LIVE` is set.
#![cfg(all(feature = "live", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use std::io::Write;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use foreshadow::source::{Live, LiveOptions, Poll, SourceError};
use foreshadow::wire::LinkType;

/// Whether to go on; says so past the test harness if not.
fn enabled() -> bool {
    let enabled = std::env::var_os("FORESHADOW_LIVE").is_some();
    if !enabled {
        std::io::stderr().write_all(b"SKIPPED: FORESHADOW_LIVE is not set\n").unwrap();
    }
    enabled
}

#[test]
fn root_only_packets_come_as_they_pass_and_an_idle_link_gives_the_time() {
    if !enabled() {
        return;
    }
    let (sender, receiver) = (UdpSocket::bind("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0"));
    let (sender, receiver) = (sender.unwrap(), receiver.unwrap());
    let port = receiver.local_addr().unwrap().port();
    let options = LiveOptions {
        filter: Some(format!("udp dst port {port}")),
        snaplen: 60,
        ..LiveOptions::new("lo")
    };
    let mut live = Live::open(&options).unwrap();
    assert_eq!(live.link(), LinkType::ETHERNET);

    let begun = Instant::now();
    let Poll::Idle(idle) = live.poll(Duration::from_millis(50)).unwrap() else { panic!() };
    assert!((50..1_000).contains(&begun.elapsed().as_millis()));

    for number in 0..100u8 {
        sender.send_to(&[number; 200], receiver.local_addr().unwrap()).unwrap();
    }
    let mut last = idle;
    for number in 0..100u8 {
        let polled = live.poll(Duration::from_secs(5)).unwrap();
        let Poll::Packet(packet) = polled else { panic!("packet {number} did not come") };
        // The kernel's ring may cut a few bytes more than it was told.
        assert!((50..=60).contains(&packet.data.len()), "{}", packet.data.len());
        assert_eq!((packet.wire_len, packet.data.last()), (242, Some(&number)));
        // Within a second of the clock, which also shows that the unit of time is right.
        assert!(packet.time >= last && packet.time.since(idle).secs_f64() < 1.0);
        last = packet.time;
    }
    assert!(matches!(live.poll(Duration::ZERO), Ok(Poll::Idle(now)) if now >= last));
    let drops = live.drops().unwrap();
    assert!(drops.received >= 100 && drops.dropped == 0, "{drops:?}");
    assert_eq!(live.drops().unwrap(), drops);
}

#[test]
fn root_only_a_filter_that_is_none_is_told_before_capturing() {
    if !enabled() {
        return;
    }
    let options = LiveOptions { filter: Some("udp prot 5".to_owned()), ..LiveOptions::new("lo") };
    assert!(matches!(Live::open(&options).err(), Some(SourceError::Filter { .. })));
}
