use proptest::prelude::*;

use super::*;
use crate::time::Span;
use crate::wire::Tunnels;

fn message(text: &str) -> String {
    Config::from_toml(text, "f.toml").unwrap_err().to_string()
}

fn set_message(key: &str, value: &str) -> String {
    let mut config = Config::default();
    let message = config.set(key, value).unwrap_err().to_string();
    assert_eq!(config, Config::default(), "a refused option changes nothing");
    message
}

#[test]
fn the_printed_default_parses_to_the_default() {
    let printed = Config::print_default();
    assert_eq!(Config::from_toml(&printed, "printed"), Ok(Config::default()));
    assert!(printed.lines().all(|line| line.chars().count() <= 104), "{printed}");
}

#[test]
fn the_printed_default_names_every_key_with_all_that_is_known_of_it() {
    let printed = Config::print_default();
    let unwrapped = printed.replace("\n# ", " ");
    for key in keys() {
        let path = key.path;
        assert!(printed.contains(&format!("\n{} = {}\n", key.name, key.default())), "{path}");
        for part in [key.doc(), key.range(), key.unit.to_owned(), key.cost.to_owned()] {
            assert!(!part.is_empty() && unwrapped.contains(&part), "{path}: {part}");
        }
        assert!(key.doc().ends_with('.') && !key.cost.ends_with('.'), "{path}");
    }
}

#[test]
fn one_key_is_printed_like_this() {
    let printed = Config::print_default();
    let at = printed.find("# Connections remembered").unwrap();
    let end = printed[at..].find("\n\n").unwrap();
    assert_eq!(
        &printed[at..at + end],
        "\
# Connections remembered at once. When they are this many, a new one takes the place of the
# least valuable, which is summarised as evicted.
# Unit: connections. Range: 16 to 16777216.
# Cost: at most 512 bytes of memory each.
max_connections = 1000000"
    );
}

#[test]
fn keys_are_unique_and_named_by_their_path() {
    for (index, key) in keys().iter().enumerate() {
        assert_eq!(key.path, format!("{}.{}", key.section, key.name));
        assert!(keys()[..index].iter().all(|other| other.path != key.path), "{}", key.path);
    }
}

#[test]
fn an_empty_text_is_the_default() {
    assert_eq!(Config::from_toml("", "f.toml"), Ok(Config::default()));
    assert_eq!(Config::from_toml("\u{feff}[flow]\r\n# nothing\r\n", "f"), Ok(Config::default()));
}

#[test]
fn each_kind_of_value_is_read() {
    let text = r#"
        wire.tunnels = ["vxlan", "gtpu"]
        model = { path = "/a b/ü.model", frozen = true }
        [sensor]
        seed = 0x7fff_ffff_ffff_ffff
        stats_interval = 5
        [flow]
        timeout_tcp = "1h"
        [score]
        false_alarms_per_million = 25
        [log]
        format = "json"
        rotate_interval = 0
        rotate_size_mib = 0
        [live]
        poll = "250ms"
    "#;
    let config = Config::from_toml(text, "f.toml").unwrap();
    assert_eq!(config.wire.tunnels(), Tunnels { vxlan: true, gtp_u: true, ..Tunnels::NONE });
    assert_eq!(config.model.path(), Some("/a b/ü.model".into()));
    assert!(config.model.frozen());
    assert_eq!(config.model.kind(), ModelKind::Markov);
    assert_eq!(config.sensor.seed(), i64::MAX as u64);
    assert_eq!(config.sensor.stats_interval(), Span::from_secs(5));
    assert_eq!(config.flow.timeout_tcp(), Span::from_secs(3_600));
    assert_eq!(config.score.false_alarms_per_million(), 25.0);
    assert_eq!(config.log.format(), LogFormat::Json);
    assert_eq!(config.log.rotate_interval(), None);
    assert_eq!(config.log.rotate_size_mib(), None);
    assert_eq!(config.live.poll(), Span::from_millis(250));
    assert_eq!(Config::from_toml(&config.to_toml(), "again"), Ok(config));
}

#[test]
fn the_ends_of_a_range_belong_to_it() {
    let least = "flow.max_connections = 16\npredict.quantile = 0.5\nlive.poll = \"1ms\"";
    let most = "flow.max_connections = 16777216\npredict.quantile = 0.999\nlive.poll = 10";
    assert!(Config::from_toml(least, "f.toml").is_ok());
    assert!(Config::from_toml(most, "f.toml").is_ok());
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest() {
    assert_eq!(
        message("[flow]\nfragments = 1\n  max_conections = 5\n"),
        "f.toml:3:3: flow.max_conections: unknown key, did you mean flow.max_connections?"
    );
    assert_eq!(
        message("alarms_per_day = 5"),
        "f.toml:1:1: alarms_per_day: unknown key, did you mean score.alarms_per_day?"
    );
    assert_eq!(
        message("[predict]\nalarms_per_day = 5"),
        "f.toml:2:1: predict.alarms_per_day: unknown key, did you mean score.alarms_per_day?"
    );
    assert_eq!(
        message("[flwo]\nmax_connections = 5"),
        "f.toml:1:2: flwo: unknown key, did you mean flow?"
    );
}

#[test]
fn an_unknown_key_like_none_is_answered_with_those_there_are() {
    assert_eq!(
        message("[log]\ncolour = true"),
        "f.toml:2:1: log.colour: unknown key, expected one of format, rotate_interval, \
         rotate_size_mib"
    );
    assert_eq!(
        message("[bananas]"),
        "f.toml:1:2: bananas: unknown key, expected one of sensor, wire, flow, model, store, \
         predict, score, bloom, federation, log, rebuild, live, category"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_an_error() {
    assert_eq!(
        message("[flow]\nmax_connections = \"many\""),
        "f.toml:2:19: flow.max_connections: expected an integer from 16 to 16777216, got \"many\""
    );
    assert_eq!(
        message("flow.max_connections = 1e6"),
        "f.toml:1:24: flow.max_connections: expected an integer from 16 to 16777216, got 1e6"
    );
    assert_eq!(
        message("flow.key_vlan = 1"),
        "f.toml:1:17: flow.key_vlan: expected true or false, got 1"
    );
    assert_eq!(
        message("predict.quantile = 2026-01-01"),
        "f.toml:1:20: predict.quantile: expected a number from 0.5 to 0.999, got 2026-01-01"
    );
    assert_eq!(
        message("model.path = \"a\\u0000b\""),
        "f.toml:1:14: model.path: expected \"\" or a file's path, got \"a\\u0000b\""
    );
}

#[test]
fn a_value_out_of_range_is_an_error() {
    assert_eq!(
        message("flow.max_connections = 15"),
        "f.toml:1:24: flow.max_connections: expected an integer from 16 to 16777216, got 15"
    );
    assert_eq!(
        message("sensor.seed = -1"),
        "f.toml:1:15: sensor.seed: expected an integer from 0 to 9223372036854775807, got -1"
    );
    assert_eq!(
        message("predict.min_confidence = nan"),
        "f.toml:1:26: predict.min_confidence: expected a number from 0 to 1, got nan"
    );
    assert_eq!(
        message("log.rotate_size_mib = 2_000_000"),
        "f.toml:1:23: log.rotate_size_mib: expected 0 or an integer from 1 to 1048576, \
         got 2_000_000"
    );
    assert_eq!(
        message("log.rotate_interval = \"1ns\""),
        "f.toml:1:23: log.rotate_interval: expected \"0s\" or a time with its unit \
         (ns, us, ms, s, m, h or d) from 1s to 365d, got \"1ns\""
    );
}

#[test]
fn a_time_without_a_known_unit_is_an_error() {
    assert_eq!(
        message("flow.timeout_udp = \"5 minutes\""),
        "f.toml:1:20: flow.timeout_udp: expected a time with its unit \
         (ns, us, ms, s, m, h or d) from 1s to 1d, got \"5 minutes\""
    );
    assert!(message("flow.timeout_udp = \"60\"").ends_with("from 1s to 1d, got \"60\""));
    assert!(message("flow.timeout_udp = 0.5").ends_with("from 1s to 1d, got 0.5"));
    assert!(message("flow.timeout_udp = 9223372036854775807").ends_with("9223372036854775807"));
}

#[test]
fn a_name_that_is_no_choice_is_an_error() {
    assert_eq!(
        message("log.format = \"csv\""),
        "f.toml:1:14: log.format: expected \"tsv\" or \"json\", got \"csv\""
    );
    assert_eq!(
        message("[model]\nkind = \"gru\""),
        "f.toml:2:8: model.kind: expected \"network\" or \"adaptive\" or \"markov\", got \"gru\""
    );
}

#[test]
fn a_bad_element_of_a_list_is_named_where_it_stands() {
    assert_eq!(
        message("[wire]\ntunnels = [\n  \"gre\",\n  \"vxlna\",\n]"),
        "f.toml:4:3: wire.tunnels: expected an array of names out of \"gre\", \"ipip\", \
         \"vxlan\", \"geneve\", \"gtpu\", got \"vxlna\""
    );
    assert_eq!(
        message("wire.tunnels = true"),
        "f.toml:1:16: wire.tunnels: expected an array of names out of \"gre\", \"ipip\", \
         \"vxlan\", \"geneve\", \"gtpu\", got true"
    );
}

#[test]
fn a_table_in_the_wrong_place_is_an_error() {
    assert_eq!(message("flow = 3"), "f.toml:1:8: flow: expected a table [flow], got 3");
    assert_eq!(
        message("[[flow]]\nfragments = 0"),
        "f.toml:1:3: flow: expected a table [flow], got an array of tables"
    );
    assert_eq!(
        message("[flow.max_connections]"),
        "f.toml:1:7: flow.max_connections: expected an integer from 16 to 16777216, got a table"
    );
    assert_eq!(
        message("flow.max_connections.x = 1"),
        "f.toml:1:6: flow.max_connections: expected an integer from 16 to 16777216, got a table"
    );
}

#[test]
fn a_duplicate_key_is_an_error() {
    assert_eq!(
        message("[flow]\nfragments = 1\nfragments = 2"),
        "f.toml:3:1: not TOML: duplicate key, got fragments"
    );
    assert_eq!(message("[flow]\n[log]\n[flow]\n"), "f.toml:3:2: not TOML: duplicate key, got flow");
}

#[test]
fn a_syntax_error_has_its_line_and_column() {
    assert_eq!(
        message("[flow\nfragments = 1\n"),
        "f.toml:1:6: not TOML: unclosed table, expected `]`, got the end of the line"
    );
    assert_eq!(
        message("model.path = \"abc"),
        "f.toml:1:18: not TOML: invalid basic string, expected `\"`, got the end of the line"
    );
    assert_eq!(
        message("[flow]\n  fragments 5\n"),
        "f.toml:2:13: not TOML: key with no value, expected `=`, got 5"
    );
}

#[test]
fn text_without_quotes_is_told_so() {
    assert_eq!(
        message("[log]\nformat = tsv # as Zeek\n"),
        "f.toml:2:10: not TOML: neither true nor false, and text must be quoted, got tsv"
    );
    assert_eq!(
        message("[flow]\ntimeout_udp = 5m"),
        "f.toml:2:15: not TOML: string values must be quoted, expected literal string, got 5m"
    );
}

#[test]
fn every_error_is_reported_in_the_order_of_the_text() {
    let errors = Config::from_toml(
        "[score]\nalarms_per_day = 0\n[flow]\nkey_vlan = 'no'\nspeed = 1\n[score2]\n",
        "f.toml",
    )
    .unwrap_err();
    assert_eq!(errors.as_slice().len(), 4);
    assert_eq!(
        errors.to_string(),
        "\
f.toml:2:18: score.alarms_per_day: expected a number from 0.01 to 100000, got 0
f.toml:4:12: flow.key_vlan: expected true or false, got 'no'
f.toml:5:1: flow.speed: unknown key, expected one of max_connections, key_vlan, key_tunnel, \
timeout_tcp, timeout_tcp_attempt, timeout_tcp_closed, timeout_udp, timeout_icmp, timeout_other, \
reorder_tolerance, fragments
f.toml:6:2: score2: unknown key, did you mean score?"
    );
}

#[test]
fn columns_count_characters_and_not_bytes() {
    assert_eq!(
        message("model = { path = \"größe\", frozen = 0 }"),
        "f.toml:1:36: model.frozen: expected true or false, got 0"
    );
    assert_eq!(message("\u{feff}flow = 3"), "f.toml:1:8: flow: expected a table [flow], got 3");
}

#[test]
fn hostile_text_cannot_forge_or_flood_a_message() {
    let long = format!("log.format = \"{}\"", "x".repeat(100_000));
    assert!(message(&long).chars().count() < 200);
    assert_eq!(
        message("log.format = \"\"\"\n\nf.toml:1:1: all is well\"\"\""),
        "f.toml:1:14: log.format: expected \"tsv\" or \"json\", \
         got \"\"\"\\n\\nf.toml:1:1: all is well\"\"\""
    );
    let named = message(&format!("[log]\n\"\\u001b[2J{}\" = 1", "k".repeat(100_000)));
    assert!(named.starts_with("f.toml:2:1: log.\"\\u001B[2Jkkk"), "{named}");
    assert!(named.chars().count() < 200 && named.contains('…'), "{named}");
}

#[test]
fn options_are_laid_over_a_file_and_a_refused_text_changes_nothing() {
    let mut config = Config::from_toml("[flow]\nfragments = 7\nkey_vlan = true", "f").unwrap();
    config.apply("flow.fragments = 9", OPTIONS).unwrap();
    assert_eq!((config.flow.fragments(), config.flow.key_vlan()), (9, true));

    let before = config.clone();
    let errors = config.apply("flow.fragments = 11\nflow.key_vlan = 0", OPTIONS).unwrap_err();
    assert_eq!(errors.to_string(), "<options>:2:17: flow.key_vlan: expected true or false, got 0");
    assert_eq!(config, before);
}

#[test]
fn a_single_option_takes_toml_or_plain_text() {
    let mut config = Config::default();
    for (key, value) in [
        ("flow.max_connections", " 5_000 "),
        ("flow.key_vlan", "true"),
        ("flow.timeout_udp", "2m"),
        ("flow.timeout_tcp", "\"10m\""),
        ("flow.timeout_icmp", "30"),
        ("log.format", "json"),
        ("log.rotate_interval", "0"),
        ("model.path", "C:\\models\\a.model"),
        ("score.alarms_per_day", "12.5"),
        ("wire.tunnels", "gre, vxlan"),
    ] {
        config.set(key, value).unwrap();
    }
    assert_eq!(config.flow.max_connections(), 5_000);
    assert!(config.flow.key_vlan());
    assert_eq!(config.flow.timeout_udp(), Span::from_secs(120));
    assert_eq!(config.flow.timeout_tcp(), Span::from_secs(600));
    assert_eq!(config.flow.timeout_icmp(), Span::from_secs(30));
    assert_eq!(config.log.format(), LogFormat::Json);
    assert_eq!(config.log.rotate_interval(), None);
    assert_eq!(config.model.path(), Some("C:\\models\\a.model".into()));
    assert_eq!(config.score.alarms_per_day(), 12.5);
    assert_eq!(config.wire.tunnels(), Tunnels { gre: true, vxlan: true, ..Tunnels::NONE });

    config.set("model.path", "12").unwrap();
    assert_eq!(config.model.path(), Some("12".into()), "a file may be named like a number");
    config.set("model.path", "").unwrap();
    assert_eq!(config.model.path(), None);
    config.set("wire.tunnels", "").unwrap();
    assert_eq!(config.wire.tunnels(), Tunnels::NONE);
    config.set("wire.tunnels", "[\"ipip\"]").unwrap();
    assert_eq!(config.wire.tunnels(), Tunnels { ip_in_ip: true, ..Tunnels::NONE });
}

#[test]
fn a_wrong_single_option_is_named_without_a_line() {
    assert_eq!(
        set_message("flow.max_connections", "many"),
        "<options>: flow.max_connections: expected an integer from 16 to 16777216, got many"
    );
    assert_eq!(
        set_message("flow.max_conections", "5"),
        "<options>: flow.max_conections: unknown key, did you mean flow.max_connections?"
    );
    assert_eq!(
        set_message("flow.key_vlan", "true\nflow.fragments = 1"),
        "<options>: flow.key_vlan: expected true or false, got true\\nflow.fragments = 1"
    );
    assert_eq!(
        set_message("log.format", ""),
        "<options>: log.format: expected \"tsv\" or \"json\", got nothing"
    );
}

/// Text that gets past the first checks: the default with pieces cut, doubled and overwritten.
fn mutated_default() -> impl Strategy<Value = String> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..40usize, ".{0,6}"), 1..6);
    edits.prop_map(|edits| {
        let mut text: Vec<char> = Config::default().to_toml().chars().collect();
        for (at, length, put) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, put.chars());
        }
        text.into_iter().collect()
    })
}

fn answers_without_panic(text: &str) -> Result<(), TestCaseError> {
    match Config::from_toml(text, "f.toml") {
        Ok(config) => prop_assert_eq!(Config::from_toml(&config.to_toml(), "f"), Ok(config)),
        Err(errors) => {
            prop_assert!(!errors.as_slice().is_empty());
            prop_assert_eq!(errors.to_string().lines().count(), errors.as_slice().len());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        answers_without_panic(&text)?;
    }

    #[test]
    fn any_text_like_toml_is_answered(text in r#"([a-z.]{1,5}|[=\[\]{}"'#,.\n\r 0-9-]|\PC){0,60}"#) {
        answers_without_panic(&text)?;
    }

    #[test]
    fn any_mutation_of_the_default_is_answered(text in mutated_default()) {
        answers_without_panic(&text)?;
    }

    #[test]
    fn any_option_is_answered(index in any::<prop::sample::Index>(), value in any::<String>()) {
        let mut config = Config::default();
        let key = index.get(keys());
        if config.set(key.path, &value).is_ok() {
            prop_assert_eq!(Config::from_toml(&config.to_toml(), "f"), Ok(config));
        }
    }

    #[test]
    fn any_path_survives_being_written(path in "[^\0]{1,40}") {
        let mut config = Config::default();
        config.set("model.path", &setting::quote(&path)).unwrap();
        prop_assert_eq!(config.model.path(), Some(path.into()));
        prop_assert_eq!(Config::from_toml(&config.to_toml(), "f"), Ok(config));
    }
}

/// The categories at work after a TOML text.
fn categories(text: &str) -> Vec<crate::bloom::Category> {
    let config = Config::from_toml(text, "f.toml").unwrap();
    config.categories()
}

#[test]
fn a_category_of_a_shipped_name_takes_its_place_and_others_are_added() {
    let shipped = categories("");
    assert!(shipped.len() >= 11 && shipped.iter().all(|category| !category.why.is_empty()));
    let text = r#"
        [[category]]
        name = "fan-out"
        rule = "syn"
        count = ["originator"]
        target = "responder"
        [[category]]
        name = "night"
        enabled = false
        [[category]]
        name = "mine"
        rule = "source in internal"
        count = ["source", "port"]
        target = "source"
        capacity = 1000
        false_positive_rate = 0.001
    "#;
    let ours = categories(text);
    assert_eq!(ours.len(), shipped.len());
    let named = |name: &str| ours.iter().find(|category| category.name.as_str() == name);
    assert!(named("night").is_none());
    assert_eq!(named("fan-out").unwrap().at_least, 1);
    assert_eq!(named("mine").unwrap().geometry.capacity(), 1_000);
    let config = Config::from_toml(text, "f.toml").unwrap();
    assert_eq!(Config::from_toml(&config.to_toml(), "again"), Ok(config));
}

#[test]
fn a_category_that_cannot_be_is_answered_with_its_place() {
    let wrong = |text: &str| message(&format!("[[category]]\nname = 'a'\n{text}"));
    assert_eq!(
        wrong("rule = 'size >'\ncount = ['port']\ntarget = 'source'"),
        "f.toml:3:15: category.rule: expected a number (1400, 7.5, 10k, 5M), got the end of the rule"
    );
    let multi = "rule = '''\nsyn and\nfoo'''";
    assert!(wrong(multi).starts_with("f.toml:5:1: category.rule: expected a field (originator"));
    assert_eq!(
        wrong("rule = 'syn'\ncount = ['prt']\ntarget = 'source'"),
        "f.toml:4:9: category.count: expected an array of \"originator\", \"responder\", \
         \"source\", \"destination\", \"port\", \"originator_port\", \"service\", got ['prt']"
    );
    assert_eq!(
        wrong("rule = 'syn'\ncount = ['port']"),
        "f.toml:1:1: category: expected target, \"originator\", \"responder\", \"source\", \
         \"destination\", got a table without it"
    );
    assert_eq!(
        wrong("'rulé' = 1"),
        "f.toml:3:1: category.\"rulé\": unknown key, did you mean rule?"
    );
    assert!(
        wrong("at_least = 0\nrule = 'syn'\ncount = ['port']\ntarget = 'source'").starts_with(
            "f.toml:3:12: category.at_least: expected an integer from 1 to 1000, got 0"
        )
    );
    assert!(message("category = 1").starts_with("f.toml:1:12: category: expected tables"));
    assert!(message("[bloom]\ninternal = ['10.0.0.0/40']").contains(":2:13: bloom.internal"));
    assert!(message("[bloom]\nfederation_key = 'abc'").contains("32 hexadecimal digits"));
}

#[test]
fn there_are_at_most_as_many_categories_as_a_mask_has_bits() {
    let many: String = (0..40)
        .map(|n| {
            format!("[[category]]\nname='c{n}'\nrule='syn'\ncount=['port']\ntarget='source'\n")
        })
        .collect();
    assert!(message(&many).contains("category: expected at most 32 categories, got 5"));
}
