//! All about one order: facts, why it is not moving, description, neighbours, comments, timeline, receipt.

use super::standing;
use crate::{
    domain::{
        gate::Standing,
        id::OrderId,
        order::Order,
        query::{
            detail::{Neighbour, OrderDetail},
            gates::gates_of,
            order_view::SlaState,
            receipts::ReceiptView,
            why::Place,
        },
        receipt::Evidence,
    },
    ui::{
        asks::Slot,
        model::Model,
        msg::Failure,
        pane::Page,
        theme::{Glyphs, Role},
        widget::{markdown, wrapped_text::Paragraph},
        words,
    },
};

/// The section of reasons.
pub const WHY: &str = "Why it is not moving";

/// Makes the pane's text, if what it is made of changed.
pub fn compose(model: &mut Model) {
    let area = model.screen().detail;
    let (width, shown) = (area.width.saturating_sub(4), area.height.saturating_sub(2));
    let made_of = (
        model.asks.arrivals(Slot::Detail) + model.asks.arrivals(Slot::Why),
        (model.state.head.seq, model.minute()),
        width,
    );
    let Some(mut detail) = model.detail.take() else {
        return;
    };
    if detail.made_of != Some(made_of) {
        let fetched = model
            .asks
            .detail()
            .filter(|fetched| fetched.order.id == detail.id);
        detail
            .pane
            .fill(page(model, detail.id, fetched), width, shown);
        detail.made_of = Some(made_of);
        if fetched.is_some()
            && let Some(section) = detail.seek.take()
        {
            detail.pane.seek(section);
        }
    }
    detail.pane.look(shown);
    model.detail = Some(detail);
}

fn page(model: &Model, id: OrderId, fetched: Option<&OrderDetail>) -> Page {
    let mut page = Page::default();
    match (model.state.order(id), fetched) {
        (Some(order), fetched) => {
            page.line(Paragraph::of(order.title.clone(), Role::Title));
            facts(model, order, fetched, &mut page);
            rest(model, fetched, &mut page);
        }
        (None, Some(fetched)) => {
            page.line(Paragraph::of(fetched.order.title.clone(), Role::Title));
            closed_facts(model, fetched, &mut page);
            rest(model, Some(fetched), &mut page);
        }
        (None, None) => page.line(match model.asks.failure(Slot::Detail) {
            Some(_) => Paragraph::of("There is no such order.", Role::Error),
            None => Paragraph::of("…", Role::Muted),
        }),
    }
    page
}

fn facts(model: &Model, order: &Order, fetched: Option<&OrderDetail>, page: &mut Page) {
    let (state, now) = (&model.state, model.now);
    let glyphs = model.theme.glyphs();
    let (mark, role) = standing::mark(state, order, glyphs);
    let status = match order.work() {
        Some(work) => format!(
            "in {} for {}",
            work.stage,
            words::span(now.since(work.since))
        ),
        None if order.is_epic() => "an epic: done when its children are".into(),
        None if state.is_ready(order) => "ready to be pulled".into(),
        None => "queued".into(),
    };
    page.line(Paragraph::blank());
    page.fact("status", format!("{mark} {status}"), role);
    let bucket = words::plain(order.bucket.word());
    page.fact(
        "class",
        format!("{} in {bucket}, priority {}", order.kind, order.priority),
        Role::Text,
    );
    if let Some(due) = state.due(order) {
        let (text, role) = match state.sla(order, now) {
            SlaState::Breached => (
                format!(
                    "{} over by {}",
                    glyphs.sla_breached,
                    words::span(now.since(due))
                ),
                Role::SlaBreached,
            ),
            SlaState::AtRisk => (
                format!(
                    "{} at risk, {} left",
                    glyphs.sla_at_risk,
                    words::span(due.since(now))
                ),
                Role::SlaAtRisk,
            ),
            _ => (format!("{} left", words::span(due.since(now))), Role::SlaOk),
        };
        page.fact("SLA", text, role);
    }
    page.fact("age", words::span(now.since(order.created)), Role::Text);
    if let Some(work) = order.work() {
        // Renewals are not in the state: until the answer that has them is there, only the claim's number is sure.
        let renewed = fetched.and_then(|fetched| fetched.order.lease);
        let lease = work.lease.map(|lease| {
            let left = renewed
                .filter(|renewed| renewed.epoch == lease.epoch)
                .map(|renewed| words::left(renewed.expires_at.0.since(now)));
            let left = left.map_or(String::new(), |left| format!("lease {left} left, "));
            format!(", {left}epoch {}", lease.epoch)
        });
        let holder = format!("{}{}", work.holder.name, lease.unwrap_or_default());
        page.fact("holder", holder, Role::AgentActive);
    }
    if let Some(name) = &order.assignee {
        page.fact("assignee", name.clone(), Role::Text);
    }
    if let Some(minutes) = order.estimate {
        let time = i64::from(minutes).saturating_mul(crate::domain::time::MINUTE);
        page.fact("estimate", words::span(time), Role::Text);
    }
    if !order.labels.is_empty() {
        page.fact("labels", order.labels.join(", "), Role::Text);
    }
    if let Some(external) = &order.external {
        page.fact("known as", external.key(), Role::Text);
    }
}

fn closed_facts(model: &Model, fetched: &OrderDetail, page: &mut Page) {
    let order = &fetched.order;
    let glyphs = model.theme.glyphs();
    let (mark, role) = standing::status(order.status, glyphs);
    let when = order
        .closed_at
        .map(|at| words::ago(model.now, at.0))
        .unwrap_or_default();
    page.line(Paragraph::blank());
    page.fact(
        "status",
        format!("{mark} {} {when}", words::plain(order.status.word())),
        role,
    );
    let bucket = words::plain(order.bucket.word());
    page.fact(
        "class",
        format!("{} in {bucket}, priority {}", order.kind, order.priority),
        Role::Text,
    );
    if order.sla == SlaState::Breached {
        page.fact(
            "SLA",
            format!("{} done past its time", glyphs.sla_breached),
            Role::SlaBreached,
        );
    }
    let took = order
        .age_seconds
        .saturating_mul(crate::domain::time::SECOND);
    page.fact("took", words::span(took), Role::Text);
    if let Some(sku) = &order.sku {
        page.fact("delivered", sku.clone(), Role::Text);
    }
    if let Some(reason) = &order.cancel_reason {
        page.fact("because", reason.clone(), Role::Text);
    }
    if !order.labels.is_empty() {
        page.fact("labels", order.labels.join(", "), Role::Text);
    }
    if let Some(name) = &order.external_id {
        page.fact("known as", name.clone(), Role::Text);
    }
}

fn rest(model: &Model, fetched: Option<&OrderDetail>, page: &mut Page) {
    let Some(fetched) = fetched else {
        page.line(Paragraph::blank());
        page.line(match model.asks.failure(Slot::Detail) {
            Some(Failure::Refused(refusal)) => Paragraph::of(refusal.to_string(), Role::Error),
            Some(Failure::Fault(what)) => Paragraph::of(what.clone(), Role::Error),
            None => Paragraph::of("…", Role::Muted),
        });
        return;
    };
    let glyphs = model.theme.glyphs();
    why(model, fetched, page);
    gates(model, fetched, page);
    if let Some(description) = &fetched.description {
        page.section("Description");
        page.lines(markdown::paragraphs(description, glyphs));
    }
    let parent: Vec<Neighbour> = fetched.parent_order.iter().cloned().collect();
    neighbours("Part of", &parent, glyphs, page);
    neighbours("Waits for", &fetched.depends_on, glyphs, page);
    neighbours("Blocks", &fetched.dependents, glyphs, page);
    neighbours("Children", &fetched.child_orders, glyphs, page);
    if !fetched.links.is_empty() {
        page.section("Links");
        for link in &fetched.links {
            let line = Paragraph::of(format!("{} ", link.kind), Role::Muted);
            page.line(line.with(link.target.clone(), Role::Link).hanging(2));
        }
    }
    if !fetched.latest_comments.is_empty() {
        page.section("Comments");
        for comment in &fetched.latest_comments {
            let when = words::ago(model.now, comment.at.0);
            let head = Paragraph::of(comment.author.clone(), Role::AgentActive);
            page.line(head.with(format!("  {when}"), Role::Muted));
            page.lines(markdown::paragraphs(&comment.text, glyphs));
        }
    }
    if let Some(proof) = &fetched.proof {
        page.section("Receipt");
        receipt(proof, page);
    } else if let Some(why) = &fetched.no_receipt {
        page.section("Receipt");
        page.line(Paragraph::of(format!("none: {why}"), Role::Muted));
    }
    page.section("Timeline");
    for entry in fetched.timeline.iter().rev() {
        let age = format!("{:>4} ", words::age(model.now.since(entry.at.0)));
        // Every line here is about the same subject.
        let text = entry.text.strip_prefix(&format!("{} ", entry.subject));
        let text = text.unwrap_or(&entry.text);
        let line = Paragraph::of(age, Role::Muted).with(text, Role::Text);
        let by = if entry.text.contains(&entry.actor.name) {
            String::new()
        } else {
            format!("  {}", entry.actor.name)
        };
        page.line(line.with(by, Role::Muted).hanging(5));
    }
}

/// Writes what stands in the way of an open order; of a ready one, its place in line.
fn why(model: &Model, fetched: &OrderDetail, page: &mut Page) {
    let Some(order) = model.state.order(fetched.order.id) else {
        return;
    };
    let glyphs = model.theme.glyphs();
    let ready = model.state.is_ready(order);
    let place = || {
        let why = model.asks.why().filter(|why| why.id == order.id);
        why.map_or(&[][..], |why| &why.reasons)
    };
    let reasons = match fetched.why.as_slice() {
        [] if ready => place(),
        obstacles => obstacles,
    };
    page.section(WHY);
    if reasons.is_empty() {
        let text = if ready {
            "ready"
        } else {
            "nothing is in its way"
        };
        page.line(Paragraph::of(text, Role::Text));
    }
    for reason in reasons {
        let line = Paragraph::of(format!("{} ", glyphs.right), Role::Warning);
        let line = line.with(reason.text.clone(), Role::Text).hanging(2);
        match &reason.place {
            Some(place) if leads_on(place, order.id) => page.link(line, place.clone()),
            _ => page.line(line),
        }
    }
}

/// Writes how an open order stands at its quality gates, as the newest version has it.
fn gates(model: &Model, fetched: &OrderDetail, page: &mut Page) {
    let Some(order) = model.state.order(fetched.order.id) else {
        return;
    };
    let views = gates_of(&model.state, order, None);
    if views.is_empty() {
        return;
    }
    page.section("Quality gates");
    for view in views {
        let standing = view.standing.unwrap_or(Standing::Missing);
        let (mark, role) = standing::gate(&standing, model.theme.glyphs());
        let words = standing.words(view.rule.approval);
        let line = Paragraph::of(format!("{mark} "), role)
            .with(format!("{}  ", view.gate), Role::Text)
            .with(words, role);
        let advisory = if view.rule.required { "" } else { ", advisory" };
        let stage = view
            .rule
            .stage
            .map_or(String::new(), |stage| format!(", guards {stage}"));
        let seen = view.evidence.map_or(String::new(), |seen| {
            let ago = words::ago(model.now, seen.at);
            let note = seen
                .run
                .note
                .map_or(String::new(), |note| format!(": {note}"));
            format!("  {ago}{note}")
        });
        page.line(
            line.with(format!("{advisory}{stage}{seen}"), Role::Muted)
                .hanging(2),
        );
    }
}

/// Returns whether a reason's place is another one that the console can go to.
fn leads_on(place: &Place, from: OrderId) -> bool {
    match place {
        Place::Order(id) => *id != from,
        Place::Alert(_) | Place::Agent(_) => true,
        Place::Bucket(_) | Place::Stage(_) => false,
    }
}

fn neighbours(name: &'static str, found: &[Neighbour], glyphs: &Glyphs, page: &mut Page) {
    if found.is_empty() {
        return;
    }
    page.section(name);
    for neighbour in found {
        let (mark, role) = match neighbour.status {
            Some(status) => standing::status(status, glyphs),
            None => ("?", Role::Muted),
        };
        let line = Paragraph::of(format!("{mark} "), role)
            .with(format!("{} ", neighbour.id), Role::Link)
            .with(neighbour.title.clone(), Role::Text)
            .hanging(2);
        page.link(line, Place::Order(neighbour.id));
    }
}

fn receipt(proof: &ReceiptView, page: &mut Page) {
    page.fact("number", proof.number.to_string(), Role::Text);
    page.fact("by", proof.completed_by.name.clone(), Role::Text);
    page.fact("at", words::date(proof.completed_at.0), Role::Text);
    if let Some(note) = &proof.note {
        page.fact("note", note.clone(), Role::Text);
    }
    match &proof.evidence {
        Evidence::NoneRequired => page.fact("evidence", "none was required", Role::Muted),
        Evidence::Gates(seen) => {
            for seen in seen {
                let text = format!("{} {}", seen.gate, seen.run.verdict.words());
                page.fact("evidence", text, Role::Muted);
            }
        }
    }
    if let Some(made) = &proof.workspace {
        let text = format!("{} to {} on {}", made.base, made.head, made.branch);
        page.fact("commits", text, Role::Muted);
    }
    page.fact("hash", proof.hash.to_string(), Role::Muted);
}
