//! The outcome: as a table, as JSON, and as a verdict.

use std::fmt;

use bellwether::BoxError;
use serde::Serialize;

use crate::figures::Figures;
use crate::shop::error::explain;
use crate::updates::Updates;

/// Everything that was measured.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) burst: Comparison,
    pub(crate) mix: Comparison,
    pub(crate) updates: Updates,
}

/// The same requests with and without the cache.
#[derive(Serialize)]
pub(crate) struct Comparison {
    pub(crate) uncached: Figures,
    pub(crate) cached: Figures,
}

impl Report {
    /// Fails where the service or the cache didn't do what this program is
    /// there to show.
    pub(crate) fn verdict(&self) -> Result<(), BoxError> {
        for (_, figures) in self.rows() {
            if let Some(error) = &figures.first_error {
                return Err(format!("{} requests failed, the first with: {}", figures.errors, explain(error.as_ref())).into());
            }
        }
        let cold = self.burst.cached.queries;
        if cold != 1 {
            return Err(format!("the cold burst cost {cold} queries through the cache, not one").into());
        }
        if self.updates.stale_reads != 0 {
            return Err(format!("{} reads saw a row from before an update", self.updates.stale_reads).into());
        }
        if self.updates.superseded == 0 {
            return Err("no write overtook a load, so the race between them was not met".into());
        }
        Ok(())
    }

    fn rows(&self) -> [(&'static str, &Figures); 4] {
        [
            ("burst, no cache", &self.burst.uncached),
            ("burst, bellwether", &self.burst.cached),
            ("mix, no cache", &self.mix.uncached),
            ("mix, bellwether", &self.mix.cached),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18} {:>8} {:>8} {:>9} {:>9} {:>9} {:>7}", "", "requests", "queries", "p50 ms", "p99 ms", "max ms", "errors")?;
        for (name, row) in self.rows() {
            writeln!(
                f,
                "{name:<18} {:>8} {:>8} {:>9.2} {:>9.2} {:>9.2} {:>7}",
                row.requests, row.queries, row.p50_ms, row.p99_ms, row.max_ms, row.errors
            )?;
        }
        let Updates { writes, reads, stale_reads, superseded } = self.updates;
        write!(
            f,
            "\nupdates: {writes} writes among {reads} reads, {stale_reads} of them stale; \
             {superseded} loads were overtaken by a write"
        )
    }
}
