//! Draws hit ratios as SVG: over the capacities, a panel for each trace, or over the windows, a panel for each trace and capacity.

use std::fs;
use std::path::Path;

use bellwether::BoxError;
use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use crate::measure::point::Point;
use crate::policy::Policy;

/// The height of a panel, and of a line of the legend.
const PANEL: u32 = 300;
const LEGEND_LINE: u32 = 24;
/// What a policy's line and name take in the legend.
const LEGEND_FIELD: u32 = 108;
const FONT: &str = "sans-serif";

/// Told apart by most eyes, as far as so many can be.
const COLOURS: [RGBColor; 14] = [
    RGBColor(214, 39, 40),
    RGBColor(31, 119, 180),
    RGBColor(44, 160, 44),
    RGBColor(255, 127, 14),
    RGBColor(148, 103, 189),
    RGBColor(140, 86, 75),
    RGBColor(227, 119, 194),
    RGBColor(23, 190, 207),
    RGBColor(188, 189, 34),
    RGBColor(0, 63, 92),
    RGBColor(255, 166, 0),
    RGBColor(0, 128, 100),
    RGBColor(122, 81, 149),
    RGBColor(160, 160, 220),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One panel: its title, and for each policy a line.
struct Panel {
    title: String,
    lines: Vec<(Policy, Vec<(f64, f64)>)>,
}

/// What the panels' horizontal axes show.
#[derive(Clone, Copy)]
enum Across {
    Capacities,
    Windows,
}

impl Across {
    /// The most panels beside each other, and the width of each: curves are long.
    fn layout(self) -> (usize, u32) {
        match self {
            Self::Capacities => (3, 440),
            Self::Windows => (1, 756),
        }
    }
}

/// Draws the points into a file. They come by trace, then capacity, then policy.
pub(crate) fn draw(points: &[Point], policies: &[Policy], path: &Path) -> Result<(), BoxError> {
    let (panels, across) = panels(points, policies);
    let (most_columns, panel_width) = across.layout();
    let columns = panels.len().clamp(1, most_columns);
    let rows = panels.len().div_ceil(columns);
    let size = |panels: usize, side: u32| u32::try_from(panels).map(|panels| panels.saturating_mul(side));
    let width = size(columns, panel_width)?;
    let fields_in_line = usize::try_from(width / LEGEND_FIELD)?;
    let legend_height = LEGEND_LINE * (u32::try_from(policies.len().div_ceil(fields_in_line))?) + 8;
    let mut text = String::new();
    {
        let whole = SVGBackend::with_string(&mut text, (width, size(rows, PANEL)? + legend_height)).into_drawing_area();
        whole.fill(&WHITE)?;
        let (above, below) = whole.split_vertically(size(rows, PANEL)?);
        for (panel, area) in panels.iter().zip(above.split_evenly((rows, columns))) {
            panel.draw(&area, across, policies).map_err(|error| error.to_string())?;
        }
        legend(&below, policies, fields_in_line)?;
        whole.present()?;
    }
    fs::write(path, text).map_err(|error| format!("can't write the plot to {}: {error}; give another file", path.display()).into())
}

fn panels(points: &[Point], policies: &[Policy]) -> (Vec<Panel>, Across) {
    let across = if points.iter().any(|point| point.curve.is_some()) { Across::Windows } else { Across::Capacities };
    let alike = |a: &Point, b: &Point| a.trace == b.trace && (matches!(across, Across::Capacities) || a.capacity == b.capacity);
    let panels = points.chunk_by(alike).map(|points| {
        let title = match across {
            Across::Capacities => points[0].trace.clone(),
            Across::Windows => format!("{}, capacity {}", points[0].trace, points[0].capacity),
        };
        let lines = policies.iter().map(|&policy| {
            let own = points.iter().filter(|point| point.policy == policy);
            (policy, own.flat_map(|point| dots(point, across)).collect())
        });
        Panel { title, lines: lines.collect() }
    });
    (panels.collect(), across)
}

/// What a point adds to its policy's line.
#[expect(clippy::cast_precision_loss, reason = "a position in a drawing needs no more than 53 bits")]
fn dots(point: &Point, across: Across) -> Vec<(f64, f64)> {
    match (across, &point.curve) {
        (Across::Windows, Some(curve)) => {
            let length = point.requests as f64 / curve.len() as f64;
            // In the middle of its window.
            curve.iter().enumerate().map(|(window, ratio)| ((window as f64 + 0.5) * length, 100.0 * ratio)).collect()
        }
        (Across::Windows | Across::Capacities, _) => vec![(point.capacity as f64, 100.0 * point.hit_ratio)],
    }
}

impl Panel {
    fn draw(&self, area: &Area<'_>, across: Across, policies: &[Policy]) -> Result<(), BoxError> {
        let dots = || self.lines.iter().flat_map(|(_, line)| line);
        let (least, most) = dots().fold((f64::MAX, 1.0), |(least, most), dot| (dot.0.min(least), dot.0.max(most)));
        let top = dots().fold(1.0, |top, dot| dot.1.max(top)) * 1.05;
        let mut builder = ChartBuilder::on(area);
        builder.caption(&self.title, (FONT, 18)).margin(8).margin_right(24).x_label_area_size(40).y_label_area_size(44);
        match across {
            Across::Capacities => {
                // A little room on both sides, also where there is one capacity.
                let range = (least / 1.2..most * 1.2).log_scale().with_key_points(self.marks());
                let mut chart = builder.build_cartesian_2d(range, 0.0..top)?;
                axes(&mut chart, "capacity, entries")?;
                self.lines(&mut chart, policies)
            }
            Across::Windows => {
                let mut chart = builder.build_cartesian_2d(0.0..most + least, 0.0..top)?;
                axes(&mut chart, "requests")?;
                self.lines(&mut chart, policies)
            }
        }
    }

    /// The capacities that are written below the axis: as many as have room there.
    fn marks(&self) -> Vec<f64> {
        let mut capacities: Vec<_> = self.lines.iter().flat_map(|(_, line)| line).map(|dot| dot.0).collect();
        capacities.sort_unstable_by(f64::total_cmp);
        let all = capacities.last().zip(capacities.first()).map_or(1.0, |(most, least)| most / least);
        // An eighth of the axis apart, which is logarithmic.
        let apart = all.powf(0.125).max(1.01);
        capacities.dedup_by(|next, kept| *next < *kept * apart);
        capacities
    }

    fn lines<X: Ranged<ValueType = f64>>(&self, chart: &mut Chart<'_, '_, X>, policies: &[Policy]) -> Result<(), BoxError> {
        // The one that was named first lies on top.
        for (policy, line) in self.lines.iter().rev() {
            let style = style(*policy, policies);
            chart.draw_series(LineSeries::new(line.iter().copied(), style))?;
            // Many dots would hide the line.
            if line.len() <= 12 {
                chart.draw_series(line.iter().map(|&dot| Circle::new(dot, 2, style.filled())))?;
            }
        }
        Ok(())
    }
}

type Chart<'a, 'b, X> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, plotters::coord::types::RangedCoordf64>>;

fn axes<X: Ranged<ValueType = f64> + ValueFormatter<f64>>(chart: &mut Chart<'_, '_, X>, across: &str) -> Result<(), BoxError> {
    chart
        .configure_mesh()
        .x_desc(across)
        .y_desc("hit ratio, per cent")
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|number| in_short(*number))
        .y_label_formatter(&|percent| format!("{percent}"))
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 14))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .draw()?;
    Ok(())
}

/// A number of entries or requests, so that it fits below an axis.
fn in_short(number: f64) -> String {
    match number {
        n if n >= 1e6 => format!("{}M", (n / 1e5).round() / 10.0),
        n if n >= 1e4 => format!("{}k", (n / 1e2).round() / 10.0),
        n => format!("{}", n.round()),
    }
}

fn style(policy: Policy, policies: &[Policy]) -> ShapeStyle {
    let number = policies.iter().position(|&other| other == policy).unwrap_or(0);
    match policy {
        Policy::Opt => BLACK.mix(0.7).stroke_width(1),
        Policy::LruModel => BLACK.mix(0.35).stroke_width(1),
        Policy::Cache(_) => COLOURS[number % COLOURS.len()].stroke_width(2),
    }
}

/// The policies' names beside pieces of their lines.
fn legend(area: &Area<'_>, policies: &[Policy], in_line: usize) -> Result<(), BoxError> {
    let (width, height) = (i32::try_from(LEGEND_FIELD)?, i32::try_from(LEGEND_LINE)?);
    for (number, &policy) in policies.iter().enumerate() {
        let (x, y) = (i32::try_from(number % in_line)? * width + 14, i32::try_from(number / in_line)? * height + 10);
        area.draw(&PathElement::new([(x, y), (x + 22, y)], style(policy, policies)))?;
        area.draw(&Text::new(policy.to_string(), (x + 28, y - 6), (FONT, 15)))?;
    }
    Ok(())
}
