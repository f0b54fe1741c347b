//! What a packet's comment says: one line for machines, one for people.

use std::fmt::{self, Display, Formatter, Write};

use crate::flow::Uid;
use crate::predict::{Kind, Outcome, SyntheticPacket, Why};
use crate::source::MOVED_COMMENT;
use crate::time::{Span, Timestamp};

/// The comment on a synthetic packet.
pub(super) fn synthetic(
    packet: &SyntheticPacket,
    quantile: f64,
    outcome: Option<Outcome>,
) -> String {
    let mut text = String::with_capacity(320);
    // Writing to a string can't fail.
    let _ = write!(
        text,
        "foreshadow:synthetic v=1 kind={} id={} uid={} conf={:.3} due={}",
        packet.kind.name(),
        packet.serial.0,
        Uid(packet.uid),
        packet.confidence,
        At(packet.due),
    );
    let _ = match packet.kind {
        Kind::Overdue => {
            let deadline = seconds(packet.expected.deadline);
            write!(text, " deadline={deadline} quantile={quantile} run={}", packet.run)
        }
        Kind::Gap(gap) => write!(
            text,
            " made={} why={} part={}/{} left={}",
            At(packet.made),
            gap.why.name(),
            gap.part,
            gap.parts,
            gap.left
        ),
    };
    let _ = write!(text, " loss={:.3}", packet.capture_loss);
    if let Some(outcome) = outcome {
        let _ = write!(text, " outcome={}", outcome.name());
    }
    text.push_str("\nNever captured: ");
    let sender = packet.key.address(packet.side);
    let _ = match packet.kind {
        Kind::Overdue => {
            write!(text, "{sender} was to send this within {} s", seconds(packet.expected.deadline))
        }
        Kind::Gap(gap) => match gap.why {
            Why::Hole => write!(text, "what {sender} sent later leaves a hole here"),
            Why::Acknowledged => write!(text, "the peer of {sender} acknowledged it"),
            Why::Rtp => write!(text, "the numbers that {sender} sent skip it"),
            Why::Numbering => write!(text, "the IP numbers that {sender} sent skip it"),
            Why::NoResponse => write!(text, "a request that is always answered was not"),
        },
    };
    text.push_str(match outcome {
        None => ".",
        Some(Outcome::Late) => ", and it came later.",
        Some(Outcome::Filled) => ", and a retransmission brought it.",
        Some(Outcome::Lost) => ", and it arrived unseen.",
        Some(Outcome::Phantom) => ", and nothing like it ever came.",
    });
    text
}

/// The comment on a captured packet that stands before one captured earlier.
pub(super) fn moved(number: u64) -> String {
    format!(
        "{MOVED_COMMENT} v=1 number={number}\nCaptured as packet {number}: it came late and stands \
         where its bytes belong."
    )
}

/// Seconds, without zeros at the end.
fn seconds(span: Span) -> String {
    let text = At(Timestamp::default().after(span)).to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds with all nine digits behind the point.
struct At(Timestamp);

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = self.0.parts();
        write!(f, "{seconds}.{nanos:09}")
    }
}
