//! What Wireshark is told when it asks: sentences of braces, one a line.

use std::fmt::Write;

use super::Interface;

/// The stream has its captured packets' own link types, each on an interface of its own; Wireshark only
/// asks which one a capture filter is for.
pub(super) const LINK_TYPES: &str = "dlt {number=1}{name=EN10MB}{display=As captured}\n";

/// The list of interfaces.
pub(super) fn interfaces() -> String {
    let mut text =
        format!("extcap {{version={}}}{{display=Foreshadow}}\n", env!("CARGO_PKG_VERSION"));
    for interface in Interface::ALL {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "interface {{value={}}}{{display={}}}",
            interface.name(),
            interface.title()
        );
    }
    text
}

/// What can be set about an interface, as the dialog of its options shows it.
pub(super) fn settings(interface: Interface) -> String {
    let source = match interface {
        Interface::File => {
            "arg {number=0}{call=--source}{display=Capture}{tooltip=pcap or pcapng, plain, gzip, zstd or lz4}\
             {type=fileselect}{mustexist=true}{required=true}{group=Source}\n"
        }
        Interface::Live => {
            "arg {number=0}{call=--source}{display=Network interface}{tooltip=Its name, such as eth0}\
             {type=string}{required=true}{group=Source}\n"
        }
    };
    format!(
        "{source}\
         arg {{number=1}}{{call=--order}}{{display=Order of packets}}{{type=selector}}{{group=Stream}}\n\
         value {{arg=1}}{{value=time}}{{display=As captured}}{{default=true}}\n\
         value {{arg=1}}{{value=sequence}}{{display=By TCP sequence number}}{{default=false}}\n\
         arg {{number=2}}{{call=--configuration}}{{display=Configuration}}\
         {{tooltip=The TOML file of foreshadow config --print-default}}{{type=fileselect}}{{mustexist=true}}\
         {{required=false}}{{group=Forecast}}\n\
         arg {{number=3}}{{call=--settings}}{{display=Single settings}}\
         {{tooltip=KEY=VALUE, several apart by spaces}}{{type=string}}{{required=false}}{{group=Forecast}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line's keyword, and the names in its braces; `None` if the braces do not fit.
    fn sentence(line: &str) -> Option<(&str, Vec<&str>)> {
        let (keyword, rest) = line.split_once(' ')?;
        let parts = rest.strip_prefix('{')?.strip_suffix('}')?.split("}{");
        let names = parts.map(|part| Some(part.split_once('=')?.0)).collect::<Option<_>>()?;
        Some((keyword, names))
    }

    #[test]
    fn every_line_is_a_keyword_and_names_with_values_in_braces() {
        let mut texts = vec![interfaces(), LINK_TYPES.to_owned()];
        texts.extend(Interface::ALL.iter().map(|it| settings(*it)));
        for line in texts.iter().flat_map(|text| text.lines()) {
            let (keyword, names) = sentence(line).unwrap_or_else(|| panic!("{line}"));
            let asked = match keyword {
                "extcap" => &["version"][..],
                "interface" => &["value", "display"],
                "dlt" => &["number", "name", "display"],
                "arg" => &["number", "call", "display", "type"],
                "value" => &["arg", "value", "display"],
                other => panic!("no such sentence: {other}"),
            };
            assert!(asked.iter().all(|name| names.contains(name)), "{line}");
        }
    }
}
