//! `export csv`: the orders as a table, for spreadsheets and for `import csv`.

use csv::Writer;

use super::{Source, sink::Sink};
use crate::{
    cli::{
        context::Call,
        error::{CliError, Done},
        import::{FORMULA, Field},
    },
    domain::{id::OrderId, query::detail::OrderDetail},
    text,
};

/// The columns, those that an import knows by the same names.
const COLUMNS: [&str; 20] = [
    Field::Id.word(),
    Field::Title.word(),
    Field::Kind.word(),
    Field::Status.word(),
    "stage",
    Field::Bucket.word(),
    Field::Priority.word(),
    Field::Assignee.word(),
    "holder",
    Field::Labels.word(),
    Field::Parent.word(),
    Field::DependsOn.word(),
    Field::Estimate.word(),
    Field::Created.word(),
    "started_at",
    Field::Closed.word(),
    "due_at",
    "sla",
    "external_id",
    Field::Description.word(),
];

/// Writes the table: all orders, or one with all that is beneath it.
pub(super) fn write(
    call: &mut Call<'_>,
    source: &mut Source,
    mut sink: Sink,
    root: Option<OrderId>,
) -> Done {
    let text = row(&COLUMNS.map(str::to_owned))?;
    sink.write(call, &text)?;
    source.orders(root, true, &mut |detail| {
        let text = row(&cells(detail))?;
        sink.write(call, &text)
    })?;
    sink.end(call)
}

fn cells(detail: OrderDetail) -> [String; 20] {
    fn told<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let order = detail.order;
    let waits: Vec<String> = detail
        .depends_on
        .iter()
        .map(|on| on.id.to_string())
        .collect();
    [
        order.id.to_string(),
        safe(&order.title),
        order.kind.to_string(),
        order.status.to_string(),
        safe(&order.stage.unwrap_or_default()),
        order.bucket.to_string(),
        order.priority.get().to_string(),
        safe(&order.assignee.unwrap_or_default()),
        safe(&told(order.holder)),
        safe(&order.labels.join(",")),
        told(order.parent),
        waits.join(","),
        told(order.estimate_minutes),
        order.created_at.to_string(),
        told(order.started_at),
        told(order.closed_at),
        told(order.due_at),
        order.sla.to_string(),
        safe(&order.external_id.unwrap_or_default()),
        safe(&detail.description.unwrap_or_default()),
    ]
}

/// Returns outside text cleaned, and with a quote before what a spreadsheet would compute: a title is no formula. An
/// import takes the quote away again.
fn safe(cell: &str) -> String {
    let clean = text::clean_block(cell);
    match clean.trim_start_matches('\'').starts_with(FORMULA) {
        true => format!("'{clean}"),
        false => clean.into_owned(),
    }
}

fn row(cells: &[String]) -> Result<String, CliError> {
    let bad = |what: String| CliError::Usage(format!("this cannot be written as a table: {what}"));
    let mut writer = Writer::from_writer(vec![]);
    writer
        .write_record(cells)
        .map_err(|error| bad(error.to_string()))?;
    let bytes = writer
        .into_inner()
        .map_err(|error| bad(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| bad(error.to_string()))
}
