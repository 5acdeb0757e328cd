//! Progress on stderr: a bar where a person looks on, a line per phase elsewhere.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

/// Starts the bar of a phase. It clears itself when the last clone is dropped.
pub(crate) fn phase(name: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:26} {wide_bar} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(length).with_style(style).with_message(name.to_owned());
    // Hidden: stderr isn't a terminal.
    if bar.is_hidden() {
        say(&format!("{name}: {length}"));
    }
    bar
}

/// Writes a line to stderr, and carries on if nobody is there to read it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
