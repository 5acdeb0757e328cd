//! The report: lines of JSON, or a table with a row for each trace and capacity and a column for each policy.

use std::io::{self, Write};

use bellwether::BoxError;

use super::table::{Table, percent};
use crate::measure::point::Point;
use crate::measure::replay::windows;
use crate::options::Options;
use crate::policy::Policy;

pub(crate) use super::table::Form;

/// How to print.
pub(crate) struct Report {
    json: bool,
    curves: bool,
    what_if: bool,
    form: Form,
    policies: Vec<Policy>,
    /// Of the longest name of a trace.
    width: usize,
}

impl Report {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            json: options.json,
            curves: options.curve.is_some(),
            what_if: options.what_if,
            form: if options.markdown { Form::Markdown } else { Form::Aligned },
            policies: options.policies(),
            width: options.trace.iter().map(|source| source.name().chars().count()).max().unwrap_or(0),
        }
    }

    /// What comes before the first trace.
    pub(crate) fn begin(&self, out: &mut impl Write) -> Result<(), BoxError> {
        if !self.json && !self.curves {
            self.ratios().head(out)?;
        }
        Ok(())
    }

    /// What comes for each trace. Its points come by capacity, then policy.
    pub(crate) fn trace(&self, out: &mut impl Write, points: &[Point]) -> Result<(), BoxError> {
        if self.json {
            for point in points {
                writeln!(out, "{}", serde_json::to_string(point)?)?;
            }
        } else if self.curves {
            for same_capacity in points.chunks(self.policies.len()) {
                self.curve(out, same_capacity)?;
            }
        } else {
            for same_capacity in points.chunks(self.policies.len()) {
                let point = &same_capacity[0];
                let ratios = same_capacity.iter().map(|point| percent(point.hit_ratio));
                let fields: Vec<_> = [point.trace.clone(), point.capacity.to_string()].into_iter().chain(ratios).collect();
                self.ratios().row(out, &fields)?;
            }
        }
        Ok(out.flush()?)
    }

    /// What comes after the last trace.
    pub(crate) fn end(&self, out: &mut impl Write, points: &[Point]) -> Result<(), BoxError> {
        if self.json {
            return Ok(());
        }
        if !self.curves {
            let means = self.policies.iter().map(|&policy| percent(mean(points, policy)));
            let fields: Vec<_> = ["mean".to_owned(), String::new()].into_iter().chain(means).collect();
            self.ratios().row(out, &fields)?;
        }
        if self.what_if {
            self.predictions(out, points)?;
        }
        Ok(())
    }

    /// The main table: hit ratios in per cent.
    fn ratios(&self) -> Table {
        self.table(&["trace", "capacity"], 7)
    }

    fn table(&self, first: &[&str], least: usize) -> Table {
        let columns = first.iter().map(|&name| name.to_owned()).chain(self.policies.iter().map(Policy::to_string)).collect();
        Table { columns, widths: (self.width, least), form: self.form }
    }

    /// A table of one trace and capacity: a row for each window.
    fn curve(&self, out: &mut impl Write, points: &[Point]) -> io::Result<()> {
        let (first, empty) = (&points[0], Vec::new());
        let curves: Vec<_> = points.iter().map(|point| point.curve.as_ref().unwrap_or(&empty)).collect();
        writeln!(out, "{}, capacity {}: hit ratio of each window, per cent\n", first.trace, first.capacity)?;
        let table = self.table(&["requests"], 7);
        table.head(out)?;
        let requests = usize::try_from(first.requests).unwrap_or(usize::MAX);
        for (number, window) in windows(requests, curves[0].len()).enumerate() {
            let ratios = curves.iter().map(|curve| percent(curve[number]));
            let fields: Vec<_> = std::iter::once(format!("{}-{}", window.start + 1, window.end)).chain(ratios).collect();
            table.row(out, &fields)?;
        }
        let whole: Vec<_> = std::iter::once("all".to_owned()).chain(points.iter().map(|point| percent(point.hit_ratio))).collect();
        table.row(out, &whole)?;
        writeln!(out)
    }

    /// What caches said about other capacities, beside what was measured there.
    fn predictions(&self, out: &mut impl Write, points: &[Point]) -> io::Result<()> {
        let columns = ["trace", "capacity", "policy", "what if", "predicted", "+/-", "measured", "difference"].map(str::to_owned).into();
        let table = Table { columns, widths: (self.width, 8), form: self.form };
        if !self.curves {
            writeln!(out)?;
        }
        if points.iter().all(|point| point.what_if.is_empty()) {
            return writeln!(out, "no cache told what it would hit: only `adaptive` does, and only after some requests");
        }
        table.head(out)?;
        for point in points {
            for what_if in &point.what_if {
                let ratios = [what_if.predicted, what_if.error, what_if.measured, what_if.difference].map(percent);
                let whose = [point.trace.clone(), point.capacity.to_string(), point.policy.to_string(), what_if.capacity.to_string()];
                table.row(out, &[whose, ratios].concat())?;
            }
        }
        Ok(())
    }
}

/// The mean hit ratio over all traces and capacities, each counted alike.
fn mean(points: &[Point], policy: Policy) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for point in points.iter().filter(|point| point.policy == policy) {
        sum += point.hit_ratio;
        count += 1.0;
    }
    sum / f64::max(count, 1.0)
}
