//! The cache's numbers in Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write};

use bellwether::{LoadErrorKind, MetricsSnapshot, RemovalCause};

/// The page of all metrics.
pub(crate) fn page(cache: &MetricsSnapshot, queries: u64) -> String {
    let mut page = Page(String::with_capacity(8 * 1024));
    lookups(&mut page, cache);
    loads(&mut page, cache);
    gauges(&mut page, cache);
    page.counter("shop_queries_total", "Product pages asked of the database.", &[("", queries)]);
    page.0
}

fn lookups(page: &mut Page, cache: &MetricsSnapshot) {
    page.counter(
        "bellwether_lookups_total",
        "Lookups, by what they found.",
        &[("result=\"hit\"", cache.hits), ("result=\"joined\"", cache.joined), ("result=\"miss\"", cache.misses)],
    );
    page.counter("bellwether_turned_away_total", "Misses for which there was no room to queue a load.", &[("", cache.turned_away)]);
    let seconds = cache.wait_time.as_secs_f64();
    page.counter("bellwether_wait_seconds_total", "Time that callers waited for loads.", &[("", seconds)]);

    let removals = |cause| cache.removals(cause);
    page.counter(
        "bellwether_removals_total",
        "Values that left, or never came to be held, by cause.",
        &[
            ("cause=\"evicted\"", removals(RemovalCause::Evicted)),
            ("cause=\"expired\"", removals(RemovalCause::Expired)),
            ("cause=\"replaced\"", removals(RemovalCause::Replaced)),
            ("cause=\"invalidated\"", removals(RemovalCause::Invalidated)),
            ("cause=\"cleared\"", removals(RemovalCause::Cleared)),
            ("cause=\"rejected\"", removals(RemovalCause::Rejected)),
            ("cause=\"superseded\"", removals(RemovalCause::Superseded)),
            ("cause=\"absent\"", removals(RemovalCause::Absent)),
        ],
    );
}

fn loads(page: &mut Page, cache: &MetricsSnapshot) {
    page.counter("bellwether_loads_started_total", "Loads that were started.", &[("", cache.loads_started)]);
    let seconds = cache.load_time.as_secs_f64();
    page.counter("bellwether_load_seconds_total", "Time that loads took.", &[("", seconds)]);
    page.counter(
        "bellwether_loads_total",
        "Loads that ended with an answer, by what became of it.",
        &[
            ("outcome=\"stored\"", cache.loads_stored),
            ("outcome=\"absent\"", cache.loads_absent),
            ("outcome=\"unchanged\"", cache.loads_unchanged),
            ("outcome=\"uncached\"", cache.loads_uncached),
            ("outcome=\"refused\"", cache.loads_refused),
            ("outcome=\"superseded\"", cache.loads_superseded),
            ("outcome=\"answered\"", cache.loads_answered),
        ],
    );
    let failed = |kind| cache.loads_failed_by(kind);
    page.counter(
        "bellwether_loads_failed_total",
        "Loads that ended with an error, by kind.",
        &[
            ("kind=\"failed\"", failed(LoadErrorKind::Failed)),
            ("kind=\"panicked\"", failed(LoadErrorKind::Panicked)),
            ("kind=\"timed_out\"", failed(LoadErrorKind::TimedOut)),
            ("kind=\"cancelled\"", failed(LoadErrorKind::Cancelled)),
            ("kind=\"no_loader\"", failed(LoadErrorKind::NoLoader)),
            ("kind=\"overloaded\"", failed(LoadErrorKind::Overloaded)),
            ("kind=\"cycle\"", failed(LoadErrorKind::Cycle)),
            ("kind=\"closed\"", failed(LoadErrorKind::Closed)),
        ],
    );
}

fn gauges(page: &mut Page, cache: &MetricsSnapshot) {
    for (name, help, value) in [
        ("bellwether_flights", "Loads under way or waiting for their turn.", cache.flights),
        ("bellwether_flights_peak", "The most flights at a time.", cache.flights_peak),
        ("bellwether_waiters", "Callers that wait for a load.", cache.waiters),
        ("bellwether_waiters_peak", "The most waiters at a time.", cache.waiters_peak),
        ("bellwether_permits", "Permits to load in use.", cache.permits),
        ("bellwether_permits_peak", "The most permits in use at a time.", cache.permits_peak),
        ("bellwether_queued", "Loads that wait for a permit.", cache.queued),
        ("bellwether_queued_peak", "The most queued loads at a time.", cache.queued_peak),
        ("bellwether_entries", "Entries held.", cache.entries),
        ("bellwether_weight", "Weight held.", cache.weight),
        ("bellwether_capacity", "The most weight that can be held.", cache.capacity),
    ] {
        page.family(name, "gauge", help, &[("", value)]);
    }
}

struct Page(String);

impl Page {
    fn counter(&mut self, name: &str, help: &str, samples: &[(&str, impl Display)]) {
        self.family(name, "counter", help, samples);
    }

    /// One metric with its samples, each with the label that tells it from the others, if it needs one.
    fn family(&mut self, name: &str, kind: &str, help: &str, samples: &[(&str, impl Display)]) {
        let own = if name.starts_with("bellwether_") { "cache=\"items\"" } else { "" };
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        for (label, value) in samples {
            match (own, *label) {
                ("", "") => self.line(format_args!("{name} {value}")),
                (label, "") | ("", label) => self.line(format_args!("{name}{{{label}}} {value}")),
                (own, label) => self.line(format_args!("{name}{{{own},{label}}} {value}")),
            }
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a string takes all that is written to it");
    }
}
