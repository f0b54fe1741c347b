//! Any text is a configuration or a list of errors that name their source.

#![no_main]

use foreshadow::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(errors) = Config::from_toml(text, "fuzz") {
        assert!(errors.to_string().contains("fuzz"), "an error names the file");
    }
});
