//! Capture filters for packets that do not come from the kernel.

use ::pcap::{BpfProgram, Error, Linktype};

use super::{Packet, SourceError, libpcap};
use crate::wire::LinkType;

/// A capture filter in the language of pcap-filter(7), compiled anew for each kind of link.
pub struct Filter {
    expression: String,
    /// For each kind of link met so far; none where the filter means nothing on it.
    programs: Vec<(LinkType, Option<BpfProgram>)>,
}

impl Filter {
    /// A filter from its text, which is checked at once.
    ///
    /// # Errors
    ///
    /// When it compiles for none of the usual kinds of link.
    pub fn new(expression: &str) -> Result<Self, SourceError> {
        let mut filter = Self { expression: expression.to_owned(), programs: Vec::new() };
        // Some words mean something on one kind of link only, `wlan` for example.
        let usual = [LinkType::ETHERNET, LinkType::RAW, LinkType::IEEE802_11_RADIOTAP];
        let mut first = None;
        for link in usual {
            match filter.compile(link) {
                Ok(program) => {
                    filter.programs.push((link, Some(program)));
                    return Ok(filter);
                }
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(filter), Err)
    }

    /// Whether the filter lets a packet pass.
    ///
    /// # Errors
    ///
    /// When the filter means nothing on the packet's kind of link; said once, and no packet of
    /// that kind passes.
    pub fn accepts(&mut self, packet: &Packet<'_>) -> Result<bool, SourceError> {
        let known = self.programs.iter().position(|(link, _)| *link == packet.link);
        let at = known.unwrap_or(self.programs.len());
        if known.is_none() {
            let compiled = self.compile(packet.link);
            let (program, error) = compiled.map_or_else(|e| (None, Some(e)), |p| (Some(p), None));
            self.programs.push((packet.link, program));
            if let Some(error) = error {
                return Err(error);
            }
        }
        let program = self.programs[at].1.as_ref();
        Ok(program.is_some_and(|p| libpcap::accepts(p, packet.data, packet.wire_len)))
    }

    fn compile(&self, link: LinkType) -> Result<BpfProgram, SourceError> {
        // The number by which libpcap itself knows raw IP on this system.
        const DLT_RAW: i32 = if cfg!(target_os = "openbsd") { 14 } else { 12 };
        let dlt = if link == LinkType::RAW { DLT_RAW } else { i32::from(link.0) };
        ::pcap::Capture::dead(Linktype(dlt))
            .and_then(|dead| dead.compile(&self.expression, true))
            .map_err(|error| SourceError::Filter {
                expression: self.expression.clone(),
                reason: match error {
                    Error::PcapError(words) => format!("{words} (link type {})", link.0),
                    other => other.to_string(),
                },
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    /// An IPv4 UDP datagram from port 1000 to port 53, without an Ethernet header.
    const DATAGRAM: [u8; 28] = [
        0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x03, 0xe8, 0, 53, 0,
        8, 0, 0,
    ];

    fn accepts(filter: &str, link: LinkType, data: &[u8], wire_len: u32) -> bool {
        let time = Timestamp::default();
        let packet = Packet::new(time, link, data, wire_len);
        Filter::new(filter).unwrap().accepts(&packet).unwrap()
    }

    #[test]
    fn a_filter_means_the_same_on_every_link() {
        let ethernet = [&[0; 12][..], &[8, 0], &DATAGRAM].concat();
        for (link, data) in [(LinkType::RAW, &DATAGRAM[..]), (LinkType::ETHERNET, &ethernet)] {
            assert!(accepts("udp port 53", link, data, 100));
            assert!(!accepts("tcp or port 54", link, data, 100));
        }
    }

    #[test]
    fn lengths_are_those_on_the_wire_even_when_the_capture_cut_the_packet() {
        assert!(accepts("greater 1000", LinkType::RAW, &DATAGRAM, 1400));
        assert!(!accepts("less 1000", LinkType::RAW, &DATAGRAM, 1400));
    }

    #[test]
    fn a_filter_that_is_none_says_what_libpcap_says() {
        let error = Filter::new("udp prot 53").err().unwrap().to_string();
        assert!(error.contains("\"udp prot 53\"") && error.contains("syntax error"), "{error}");
    }

    #[test]
    fn a_filter_that_means_nothing_on_a_link_says_so_once_and_lets_nothing_pass() {
        let mut filter = Filter::new("wlan type mgt").unwrap();
        let (time, data, wire_len) = (Timestamp::default(), &DATAGRAM[..], 28);
        let link = LinkType::RAW;
        let packet = Packet::new(time, link, data, wire_len);
        assert!(filter.accepts(&packet).is_err());
        assert_eq!(filter.accepts(&packet), Ok(false));
    }
}
