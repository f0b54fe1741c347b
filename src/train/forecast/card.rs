//! The model card: what the model is, what it was made of, what it can't do.

use std::fmt::{self, Write};

use super::run::{Measured, cell_name, device_name};
use super::{Bits, Corpus, Options, Outcome};
use crate::model::schema;

/// The card as Markdown.
pub(super) fn text(options: &Options, teach: &Corpus, outcome: &Outcome) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, options, teach, outcome);
    text
}

fn write(out: &mut String, options: &Options, teach: &Corpus, outcome: &Outcome) -> fmt::Result {
    let name = options.name();
    let extent = teach.extent();
    writeln!(
        out,
        "# {name}\n\n\
         A forecast of each connection's next packet: side and flags, size, time, entropy, whether one \
         comes at all.\n\n\
         | | |\n|---|---|\n\
         | network | {} of {} units, schema {} (`{}`), {} numbers |\n\
         | trained on | {} packets of {} benign sources ({} captures){} |\n\
         | epochs | {}, the model is of number {} |\n\
         | seed, device | {}, {} |\n\
         | file | `{name}.safetensors`, learning curve `{name}.svg` |\n",
        cell_name(options.cell).to_uppercase(),
        options.hidden,
        schema::VERSION,
        *schema::HASH,
        outcome.parameters,
        extent.packets,
        extent.sources,
        extent.captures,
        if options.all { ", all there are" } else { "" },
        outcome.epochs.len(),
        outcome.best + 1,
        options.seed,
        device_name(options.device),
    )?;
    writeln!(out, "```sh\n{}\n```\n", options.command)?;
    if options.all {
        writeln!(
            out,
            "Every benign source taught it, so nothing here can measure it honestly: judge it by a model \
             trained by the same command without `--all`, and by captures it never saw.\n"
        )?;
    } else {
        writeln!(
            out,
            "Sources were kept apart by `{}`. Validation sources chose the epoch, so their figures are \
             a little too good; held-out ones decided nothing.\n",
            options.split
        )?;
    }
    sources(out, "Validation", &outcome.validation)?;
    sources(out, "Held out", &outcome.held_out)?;
    writeln!(
        out,
        "## Data\n\n\
         Only packet metadata enters: sides, flags, sizes, times, window, position, entropy of the first \
         payload bytes, the service's port. No address and no payload byte does, and none is in the \
         file. The captures keep their own licences (`MANIFEST.tsv` beside them lists each); they are \
         not part of the model and are not shipped.\n\n\
         | source | packets | mean weight of each |\n|---|---|---|"
    )?;
    for source in teach.sources.iter().filter(|source| source.scored > 0) {
        writeln!(out, "| {} | {} | {:.2} |", source.name, source.scored, source.weight)?;
    }
    writeln!(
        out,
        "\n## Calibration\n\n\
         `foreshadow eval forecast --data DIR --model {name}.safetensors` prints the table of \"the next \
         packet comes within t\" and how many packets the 0.95 deadline covers.\n\n\
         ## Known weaknesses\n\n\
         - It is the shared half of the forecast: alone it does not know a site's sizes and periods. The \
         adaptive part beside it learns them.\n\
         - TCP and UDP only; other protocols enter as UDP without a known service.\n\
         - \"Nothing more comes\" was learned from where captures end, which is sooner than connections \
         do.\n\
         - Sizes shared by many connections of few sources are over-represented; the sources above are \
         what it has seen of the world."
    )
}

fn sources(out: &mut String, title: &str, sources: &[Measured]) -> fmt::Result {
    if sources.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "## {title}, bits per packet, the network alone\n\n\
         | source | packets | side and flags | size | time | all |\n|---|---|---|---|---|---|"
    )?;
    let packets: u64 = sources.iter().map(|source| source.packets).sum();
    let mean = |part: fn(&Bits) -> f64| {
        let of = |source: &Measured| part(&source.bits) * source.packets as f64;
        sources.iter().map(of).sum::<f64>() / packets.max(1) as f64
    };
    let all = Bits {
        side_flags: mean(|bits| bits.side_flags),
        size: mean(|bits| bits.size),
        time: mean(|bits| bits.time),
    };
    row(out, "**all**", packets, &all)?;
    for Measured { source, packets, bits } in sources {
        row(out, source, *packets, bits)?;
    }
    writeln!(out)
}

fn row(out: &mut String, name: &str, packets: u64, bits: &Bits) -> fmt::Result {
    let Bits { side_flags, size, time } = bits;
    writeln!(
        out,
        "| {name} | {packets} | {side_flags:.2} | {size:.2} | {time:.2} | {:.2} |",
        bits.total()
    )
}
