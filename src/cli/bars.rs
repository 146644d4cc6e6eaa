//! Progress on work that takes more than a moment: a bar on a terminal, a line every five seconds
//! elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output;

/// How often a line is written when nobody watches.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Progress of one piece of work.
pub struct Bar {
    bar: ProgressBar,
    what: &'static str,
    said: Instant,
    is_quiet: bool,
}

impl Bar {
    /// A bar for `what`, of `total` units.
    pub fn new(what: &'static str, total: u64, is_quiet: bool) -> Self {
        let bar = ProgressBar::new(total);
        let target = if is_quiet || !output::is_watched() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        bar.set_draw_target(target);
        let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3}% {msg}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        Self { bar, what, said: Instant::now(), is_quiet }
    }

    /// Work has come this far.
    pub fn at(&mut self, done: u64, message: impl FnOnce() -> String) {
        self.bar.set_position(done);
        if self.said.elapsed() < if output::is_watched() { Duration::from_millis(100) } else { LINE_EVERY }
        {
            return;
        }
        self.said = Instant::now();
        let message = message();
        if !output::is_watched() && !self.is_quiet {
            output::say(&format!("{}: {message}", self.what));
        }
        self.bar.set_message(message);
    }

    /// The work is done.
    pub fn done(self) {
        self.bar.finish_and_clear();
    }
}
