//! A page of metrics, read as Prometheus would.

use std::collections::{HashMap, HashSet};

use bellwether::BoxError;

/// The samples of one page.
pub(super) struct Scrape {
    /// Values by metric and labels, as written.
    samples: HashMap<String, f64>,
}

impl Scrape {
    /// Reads a page.
    ///
    /// # Errors
    ///
    /// A sample without help, type or number, and one that is there twice.
    pub(super) fn parse(page: &str) -> Result<Self, BoxError> {
        let (mut helped, mut typed) = (HashSet::new(), HashSet::new());
        let mut samples = HashMap::new();
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').ok_or_else(|| format!("no help in: {line}"))?;
                if help.is_empty() || !helped.insert(name) {
                    return Err(format!("no help, or a second one: {line}").into());
                }
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or_else(|| format!("no type in: {line}"))?;
                if !matches!(kind, "counter" | "gauge") || (kind == "counter") != name.ends_with("_total") || !typed.insert(name) {
                    return Err(format!("not a counter or gauge, or named as the other, or there twice: {line}").into());
                }
            } else {
                let (series, value) = line.rsplit_once(' ').ok_or_else(|| format!("no value in: {line}"))?;
                let name = series.split('{').next().unwrap_or(series);
                if !helped.contains(name) || !typed.contains(name) {
                    return Err(format!("no help or type before: {line}").into());
                }
                let value = value.parse().map_err(|_| format!("no number in: {line}"))?;
                if samples.insert(series.to_owned(), value).is_some() {
                    return Err(format!("there twice: {line}").into());
                }
            }
        }
        Ok(Self { samples })
    }

    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    /// The value of the cache's metric of this name that has no other label.
    pub(super) fn sample(&self, name: &str) -> Result<f64, BoxError> {
        self.series(&format!("{name}{{cache=\"items\"}}"))
    }

    /// The value of the cache's metric of this name and label.
    pub(super) fn labelled(&self, name: &str, label: &str) -> Result<f64, BoxError> {
        self.series(&format!("{name}{{cache=\"items\",{label}}}"))
    }

    /// All values of a metric, added up.
    pub(super) fn sum(&self, name: &str) -> f64 {
        let prefix = format!("{name}{{");
        self.samples.iter().filter(|(series, _)| series.starts_with(&prefix)).map(|(_, value)| value).sum()
    }

    fn series(&self, series: &str) -> Result<f64, BoxError> {
        self.samples.get(series).copied().ok_or_else(|| format!("no {series} among the metrics").into())
    }
}
