//! Any file, packed or not, is read to an end or to one error, after which nothing comes.
//!
//! Input: the file. A packed file of some bytes may unpack to millions of empty packets, so
//! reading stops after `ENOUGH` of them: this target looks for panics, not for slow files.

#![no_main]

use std::io::Cursor;

use foreshadow::source::{Source, from_reader};
use libfuzzer_sys::fuzz_target;

const ENOUGH: u32 = 50_000;

fuzz_target!(|file: &[u8]| {
    let Ok(mut source) = from_reader("fuzz", Cursor::new(file.to_vec())) else { return };
    for _ in 0..ENOUGH {
        match source.next() {
            Ok(Some(packet)) => {
                assert!(
                    packet.data.len() <= packet.wire_len as usize,
                    "more captured than was sent"
                );
            }
            Ok(None) => return,
            Err(error) => {
                let line = error.to_string();
                assert!(
                    line.contains("fuzz") && !line.contains('\n'),
                    "one line names it: {line:?}"
                );
                assert!(matches!(source.next(), Ok(None)), "an error is the end");
                return;
            }
        }
    }
});
