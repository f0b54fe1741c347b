//! `foreshadow train` where there is nothing to train with.

use super::Failure;
use super::args::TrainArgs;

/// Says how to get it.
pub(super) fn train(_: &TrainArgs) -> Result<(), Failure> {
    Err(Failure::Usage(
        "this foreshadow was built without training; in its sources, `make torch` fetches libtorch, and \
         `cargo build --release --features torch` builds a foreshadow that trains with it"
            .to_owned(),
    ))
}
