//! The tools that only look: the board, an order, why it is not moving, the alerts.

use serde_json::{Value, json};

use super::{
    answers::{ROWS, brief, detail, neighbours, then},
    arguments::{Look, Show},
    snag::Snag,
    tools::Done,
    visit::{Visit, unexpected},
};
use crate::{
    domain::{
        query::{
            Answer, Query,
            andon::AlertView,
            detail::OrderDetail,
            filter::{Condition, Filter, Sort},
            orders::WorkOrders,
        },
        refusal::Refusal,
    },
    text,
};

/// How many rows each list of the board shows.
const BOARD_ROWS: usize = 10;

/// Answers `show`.
pub(super) fn show(visit: &mut Visit, arguments: Show) -> Done {
    match (arguments.order, arguments.status) {
        (Some(order), _) => one(visit, order),
        (None, Some(status)) => list(visit, status, arguments.after.as_deref()),
        (None, None) => board(visit),
    }
}

/// Returns all about an order.
pub(super) fn order(visit: &mut Visit, order: String) -> Result<Box<OrderDetail>, Snag> {
    match visit.ask(&Query::WorkOrder {
        order: order.trim().into(),
    })? {
        Answer::WorkOrder(detail) => Ok(detail),
        _ => Err(unexpected().into()),
    }
}

fn one(visit: &mut Visit, name: String) -> Done {
    let found = order(visit, name)?;
    let id = found.order.id;
    let next = match &found.order.holder {
        Some(holder) if *holder == visit.actor => {
            "You hold it: report with progress, end with complete.".to_owned()
        }
        Some(_) => "Somebody else does it.".to_owned(),
        None if found.order.ready => format!("Call claim with order {id} to do it."),
        None if found.order.closed_at.is_some() => "It is closed.".to_owned(),
        None => format!("It cannot start yet: call why with order {id}."),
    };
    Ok(then(detail(&found), next))
}

/// Returns a page of orders.
pub(super) fn page(
    visit: &mut Visit,
    filter: Filter,
    limit: usize,
    after: Option<&str>,
) -> Result<WorkOrders, Snag> {
    let after = after
        .map(str::parse)
        .transpose()
        .map_err(|why: String| Refusal::invalid("after", why))?;
    let query = Query::WorkOrders {
        filter,
        all: false,
        sort: Sort::default(),
        limit: Some(limit),
        after,
    };
    match visit.ask(&query)? {
        Answer::WorkOrders(page) => Ok(page),
        _ => Err(unexpected().into()),
    }
}

/// Returns orders in this status.
pub(super) fn in_status(
    visit: &mut Visit,
    status: Condition,
    limit: usize,
    after: Option<&str>,
) -> Result<WorkOrders, Snag> {
    let filter = Filter {
        status: Some(status),
        ..Filter::default()
    };
    page(visit, filter, limit, after)
}

fn list(visit: &mut Visit, status: Condition, after: Option<&str>) -> Done {
    let page = in_status(visit, status, ROWS, after)?;
    let orders: Vec<Value> = page.work_orders.iter().map(brief).collect();
    let answer = json!({ "total": page.total, "orders": orders });
    Ok(match page.next {
        Some(next) => {
            let next = next.to_string();
            let mut answer = then(answer, "There are more: call show again with this after.");
            answer["after"] = next.into();
            answer
        }
        None => answer,
    })
}

fn board(visit: &mut Visit) -> Done {
    let Answer::Summary(summary) = visit.ask(&Query::Summary)? else {
        return Err(unexpected().into());
    };
    let mine = mine(visit, BOARD_ROWS)?;
    let ready = in_status(visit, Condition::Ready, BOARD_ROWS, None)?;
    let stages: Vec<Value> = summary
        .stages
        .iter()
        .map(|stage| stage.stage.as_str().into())
        .collect();
    let rows = |page: &WorkOrders| -> Vec<Value> { page.work_orders.iter().map(brief).collect() };
    let answer = json!({
        "you": visit.actor.name,
        "in_progress": summary.wip.count,
        "queued": summary.queued,
        "ready": summary.ready,
        "blocked": summary.blocked,
        "held": summary.held,
        "completed": summary.completed,
        "open_alerts": summary.alerts.total,
        "stages": stages,
        "you_hold": rows(&mine),
        "first_ready": rows(&ready),
    });
    let next = match (mine.total, ready.total) {
        _ if visit.line.is_read_only() => "Call show with a status for a list, or with an order.",
        (0, 0) => {
            "Nothing is ready: call show with status blocked or held, or andon, for what is in the way."
        }
        (0, _) => "Call next to pull the first of what is ready.",
        _ => "Go on with what you hold: report with progress, end with complete.",
    };
    Ok(then(answer, next))
}

/// Returns what the caller holds.
pub(super) fn mine(visit: &mut Visit, limit: usize) -> Result<WorkOrders, Snag> {
    let filter = Filter {
        holder: Some(visit.actor.name.clone()),
        ..Filter::default()
    };
    page(visit, filter, limit, None)
}

/// Answers `why`.
pub(super) fn why(visit: &mut Visit, arguments: Look) -> Done {
    let Answer::Why(why) = visit.ask(&Query::Why {
        order: arguments.order.trim().into(),
    })?
    else {
        return Err(unexpected().into());
    };
    let reasons: Vec<Value> = why
        .reasons
        .iter()
        .map(|reason| text::clean(&reason.text).into())
        .collect();
    let next = match why.reasons.is_empty() {
        true => "Nothing is in its way.",
        false => "The last line is what has to happen first.",
    };
    Ok(then(json!({ "order": why.id, "reasons": reasons }), next))
}

/// Answers `deps` where nothing is changed.
pub(super) fn deps(visit: &mut Visit, arguments: Look) -> Done {
    let found = order(visit, arguments.order)?;
    let id = found.order.id;
    let next = match found.order.blocked {
        true => format!("{id} waits until what it depends on is completed."),
        false => format!("{id} waits for nothing."),
    };
    let answer = json!({
        "order": id,
        "depends_on": neighbours(&found.depends_on),
        "dependents": neighbours(&found.dependents),
        "children": neighbours(&found.child_orders),
    });
    Ok(then(answer, next))
}

/// Returns the open alerts, worst first.
pub(super) fn alerts(visit: &mut Visit) -> Done {
    let query = Query::Alerts {
        all: false,
        severity: None,
        limit: Some(ROWS),
        after: None,
    };
    let Answer::Alerts(page) = visit.ask(&query)? else {
        return Err(unexpected().into());
    };
    let alerts: Vec<Value> = page.alerts.iter().map(alert).collect();
    let next = match (page.total, page.total > ROWS as u64) {
        (0, _) => "No alert is open.",
        (_, true) => "There are more than are shown here.",
        (_, false) => {
            "Work that an alert holds cannot move until a person resolves it; what mends it can."
        }
    };
    Ok(then(json!({ "total": page.total, "alerts": alerts }), next))
}

/// Returns an alert in a few fields.
pub(super) fn alert(alert: &AlertView) -> Value {
    json!({
        "id": alert.id,
        "severity": alert.severity,
        "status": alert.status,
        "reason": text::clean(&alert.reason),
        "holds": alert.hold.as_deref().unwrap_or("nothing"),
        "order": alert.order,
        "fingerprint": alert.fingerprint.as_deref().map(text::clean),
        "count": alert.count,
        "mended_by": alert.corrective,
    })
}
