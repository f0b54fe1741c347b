//! The `foreshadow` command.
fn main() {}
