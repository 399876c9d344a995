//! What is derived from the state, from what was answered and from the size of the screen: rebuilt before a frame, and before a
//! key that goes by it.

use super::{finder, graph, looks, moves};
use crate::{
    domain::query::agents::roster,
    ui::{
        addresses, asks,
        effect::Effect,
        filter::Filter,
        model::{Detail, Focus, Model, View},
        overlay::Overlay,
        plan, queue, runs, view,
    },
};

/// Rebuilds what is derived from the state, keeps selections on screen, and returns the questions whose answers the
/// screen lacks. Called once before a frame, however many messages came before it.
pub fn settle(model: &mut Model) -> Vec<Effect> {
    derive(model);
    let mut effects = asks::missing(model);
    effects.extend(finder::offers(model));
    effects.extend(runs::settle(model));
    if model.detail.is_some() {
        view::detail::compose(model);
    }
    if model.view == View::Andon {
        view::andon::compose(model);
    }
    effects
}

/// Rebuilds what is derived, if what it is derived from changed.
pub(super) fn derive(model: &mut Model) {
    // Only a filter on ages makes the minute matter to what is where.
    let minute = if model.filter.is_empty() {
        0
    } else {
        model.minute()
    };
    let of = (
        model.state.head.seq,
        minute,
        model.filter.text().to_owned(),
        model.asks.arrivals(asks::Slot::Done),
    );
    if model.board_of.as_ref() != Some(&of) {
        let done = model.asks.done();
        model
            .board
            .rebuild(&model.state, &model.filter, done, model.now);
        model.board_of = Some(of);
        // What is closed takes no more acts.
        model.marks.retain(|id| model.state.order(*id).is_some());
    }
    let screen = model.screen();
    let rows = usize::from(screen.body.height);
    if model.view == View::Kanban {
        plan::follow(&mut model.board, screen.body, model.size.1);
    }
    if model.view == View::Dependencies {
        moves::settle_tree(model, rows.saturating_sub(3));
        graph::settle(model);
    }
    queue::settle(model, |alerts| view::andon::rows(screen.body, alerts));
    if model.view == View::Agents {
        let known = roster(&model.state);
        let agents: Vec<String> = known.iter().map(|agent| agent.name.clone()).collect();
        let shown = view::agents::rows(model, agents.len());
        model.agents.settle(&agents, shown);
    }
    moves::settle_events(model, rows.saturating_sub(1));
    if model.view == View::Flow {
        let ids = model.asks.flow_rows(model.flow.page);
        let shown = view::flow::rows(model, screen.body);
        model.flow.list_mut().settle(&ids, shown);
    }
    if model.view == View::Messages {
        model.mail.places = addresses::all(model);
        model.mail.settle(view::messages::rows(screen.body));
    }
    if let Some(Overlay::Palette(palette)) = &mut model.overlay {
        let named = palette.name();
        palette.answered(named.and_then(|name| model.asks.named(&name)));
        if let Some(words) = palette.words() {
            let filter = Filter::parse(&words).0;
            let views = model.asks.closed().iter();
            let fit = views.filter(|view| filter.admits_closed(&model.state, view, model.now));
            palette.found_closed(fit);
        }
        palette.settle(ratatui::layout::Rect::new(0, 0, model.size.0, model.size.1));
    }
    looks::try_on(model);
    // A pane that is gone has no keys.
    let pane = model.shown_alert().is_some() || model.selected_agent().is_some();
    if model.detail.is_none() && !pane {
        model.focus = Focus::View;
    }
    follow_selection(model);
}

/// With the detail pane beside the view, it shows what is selected there.
fn follow_selection(model: &mut Model) {
    if model.focus != Focus::View || model.detail.is_none() {
        return;
    }
    if let Some(id) = model.selected_order()
        && model.detail.as_ref().is_some_and(|detail| detail.id != id)
    {
        model.detail = Some(Detail::new(id));
    }
}
