//! Any bytes, under any link type, are read without a panic and without claiming what is not there.
//!
//! Input: link type (two bytes, little endian), what the wire had beyond the capture (one byte,
//! in units of 16), the frame. `fuzz/seed` makes such inputs from the bundled captures.

#![no_main]

use foreshadow::wire::{LinkType, Tunnels, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [low, high, cut, frame @ ..] = input else { return };
    let link = LinkType(u16::from_le_bytes([*low, *high]));
    let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX) + u32::from(*cut) * 16;
    for tunnels in [Tunnels::ALL, Tunnels::NONE] {
        let view = parse(link, frame, wire_len, tunnels);
        assert_eq!(view.captured as usize, frame.len());
        assert_eq!(view.wire_len, wire_len);
        assert!(view.payload.len() <= view.payload_len as usize, "more captured than was sent");
        let frame = frame.as_ptr_range();
        let payload = view.payload.as_ptr_range();
        assert!(
            view.payload.is_empty() || (frame.start <= payload.start && payload.end <= frame.end),
            "the payload lies in the frame"
        );
    }
});
