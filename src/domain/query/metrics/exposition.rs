//! Figures as the text that Prometheus reads: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{Display, Write as _};

use super::{Metric, MetricSort, Metrics, families::FAMILIES};

/// A family of figures: one name, of which there may be many by label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name, with its unit: `obeya_work_orders_wip`.
    pub name: &'static str,
    /// How its figures behave.
    pub sort: MetricSort,
    /// What it counts, in one sentence.
    pub help: &'static str,
}

/// How a sample of a histogram continues its family's name.
pub(super) const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// A page of figures as it grows. All of a family must be written in one go.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// Begins a family: what it is called, what it is, how it behaves.
    pub fn family(&mut self, family: &Family) {
        let Family { name, sort, help } = family;
        // A text cannot refuse to be written to, here and below.
        let _ = writeln!(self.text, "# HELP {name} {}", escaped(help, false));
        let _ = writeln!(self.text, "# TYPE {name} {sort}");
    }

    /// Writes one figure.
    pub fn sample<'a>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: impl Display,
    ) {
        self.text.push_str(name);
        let mut between = '{';
        for (label, value) in labels {
            let _ = write!(self.text, "{between}{label}=\"{}\"", escaped(value, true));
            between = ',';
        }
        if between == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// Writes a family of one figure without labels.
    pub fn single(&mut self, family: &Family, value: impl Display) {
        self.family(family);
        self.sample(family.name, [], value);
    }

    /// Writes one histogram without labels: its bounds in seconds with the number of all that lie at or below each, how
    /// many there are, and their sum in seconds.
    pub fn histogram(
        &mut self,
        family: &Family,
        below: impl IntoIterator<Item = (String, u64)>,
        count: u64,
        sum: impl Display,
    ) {
        self.family(family);
        let [bucket, whole, number] = PARTS.map(|part| format!("{}{part}", family.name));
        for (bound, below) in below {
            self.sample(&bucket, [("le", bound.as_str())], below);
        }
        self.sample(&bucket, [("le", "+Inf")], count);
        self.sample(&whole, [], sum);
        self.sample(&number, [], count);
    }

    /// Returns the page.
    pub fn finish(self) -> String {
        self.text
    }
}

/// Returns figures as text. They must be sorted by family, as an answer has them.
pub fn exposition(metrics: &Metrics) -> String {
    let mut page = Page::default();
    let mut last = "";
    for metric in &metrics.metrics {
        let name = family_name(metric);
        if name != last {
            match FAMILIES.iter().find(|family| family.name == name) {
                Some(family) => page.family(family),
                // An engine of another version counts something else besides.
                None => {
                    let _ = writeln!(page.text, "# TYPE {name} {}", metric.sort);
                }
            }
            last = name;
        }
        let labels = metric.labels.iter();
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        page.sample(&metric.name, labels, metric.value);
    }
    page.finish()
}

/// Returns the name of the family that a figure belongs to.
pub(super) fn family_name(metric: &Metric) -> &str {
    let part = |part: &&str| metric.name.strip_suffix(*part);
    match metric.sort {
        MetricSort::Histogram => PARTS.iter().find_map(part).unwrap_or(&metric.name),
        MetricSort::Gauge | MetricSort::Counter => &metric.name,
    }
}

/// Returns a duration in microseconds as seconds, as a bound is written.
pub fn bound(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns text as it stands in a line: neither its end nor a label's is reached by what is inside.
fn escaped(text: &str, quoted: bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => safe.push_str("\\\\"),
            '\n' => safe.push_str("\\n"),
            '"' if quoted => safe.push_str("\\\""),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_its_readers_want_it() {
        let mut page = Page::default();
        let family = Family {
            name: "a_total",
            sort: MetricSort::Counter,
            help: "What\nis \"said\".",
        };
        page.family(&family);
        page.sample(
            family.name,
            [("x", "a \"b\"\\c\nd 2\na_total 9"), ("y", "1")],
            3,
        );
        page.histogram(
            &Family {
                name: "h_seconds",
                sort: MetricSort::Histogram,
                help: "H.",
            },
            [
                (bound(250), 1),
                (bound(2_500_000), 2),
                (bound(60_000_000), 2),
            ],
            4,
            0.5,
        );
        let wanted = "# HELP a_total What\\nis \"said\".\n\
                      # TYPE a_total counter\n\
                      a_total{x=\"a \\\"b\\\"\\\\c\\nd 2\\na_total 9\",y=\"1\"} 3\n\
                      # HELP h_seconds H.\n\
                      # TYPE h_seconds histogram\n\
                      h_seconds_bucket{le=\"0.00025\"} 1\n\
                      h_seconds_bucket{le=\"2.5\"} 2\n\
                      h_seconds_bucket{le=\"60\"} 2\n\
                      h_seconds_bucket{le=\"+Inf\"} 4\n\
                      h_seconds_sum 0.5\n\
                      h_seconds_count 4\n";
        assert_eq!(page.finish(), wanted);
    }
}
