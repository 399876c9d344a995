//! Going to the past and back: the moment, the steps, the play.

use std::sync::Arc;

use crate::{
    domain::{moment::Moment, state::State, time::Timestamp},
    ui::{
        action::Action,
        effect::{Effect, Ticket},
        model::{Events, Model},
        msg::Failure,
        overlay::{
            Overlay,
            prompt::{Prompt, Purpose},
        },
        theme::Role,
        travel::{self, Play, Present, SPEEDS, STEP, Way},
    },
};

/// Runs an action about time.
pub(super) fn run(model: &mut Model, action: Action, argument: &str) -> Vec<Effect> {
    match action {
        Action::Earlier | Action::Later => {
            model.travel.play = None;
            let on = action == Action::Later;
            // Behind the newest record is the present.
            if on && model.state.head.seq >= model.present_state().head.seq {
                return come_back(model);
            }
            go(model, travel::beside(model.state.head.seq, on))
        }
        Action::At if argument.is_empty() => {
            let prompt = Prompt::new(Purpose::Moment, "");
            model.overlay = Some(Overlay::Prompt(Box::new(prompt)));
            Vec::new()
        }
        Action::At => at(model, argument),
        Action::Play => {
            model.travel.play = match model.travel.play {
                Some(_) => None,
                None => Some(Play {
                    speed: 2,
                    next: model.present_now(),
                }),
            };
            Vec::new()
        }
        Action::Faster | Action::Slower => {
            if let Some(play) = &mut model.travel.play {
                play.speed = match action {
                    Action::Faster => (play.speed + 1).min(SPEEDS.len() - 1),
                    _ => play.speed.saturating_sub(1),
                };
            }
            Vec::new()
        }
        _ => come_back(model),
    }
}

/// Goes to a moment as it was typed.
pub(super) fn at(model: &mut Model, text: &str) -> Vec<Effect> {
    model.travel.play = None;
    match travel::read(text, model.now, model.present_now()) {
        Ok(Some(time)) => go(model, Moment::At(time)),
        Ok(None) => come_back(model),
        Err(why) => {
            model.say(why, Role::Error);
            Vec::new()
        }
    }
}

/// Sets out, unless a way is being gone already: asking faster than answers come helps nobody.
fn go(model: &mut Model, moment: Moment) -> Vec<Effect> {
    if model.travel.way.is_some() || model.state.head.seq == 0 {
        return Vec::new();
    }
    let ticket = model.tickets.issue();
    model.travel.way = Some(Way { ticket, gone: None });
    vec![Effect::Travel {
        ticket,
        moment: Some(moment),
    }]
}

/// Shows the line as it is.
pub(super) fn come_back(model: &mut Model) -> Vec<Effect> {
    let travel = std::mem::take(&mut model.travel);
    if let Some(present) = travel.present {
        (model.state, model.now, model.events) = (present.state, present.now, present.events);
    } else if travel.way.is_none() {
        return Vec::new();
    }
    leave(model)
}

/// Has questions answered as of the present again: also after a way that was given up, since it is gone to its end.
fn leave(model: &mut Model) -> Vec<Effect> {
    // Answers of the past say nothing of the present.
    model.asks = Default::default();
    vec![Effect::Travel {
        ticket: model.tickets.issue(),
        moment: None,
    }]
}

/// Hears how far the way is.
pub(super) fn on_the_way(model: &mut Model, ticket: Ticket, gone: (u64, u64)) {
    if let Some(way) = &mut model.travel.way
        && way.ticket == ticket
    {
        way.gone = Some(gone);
    }
}

/// Arrives, or hears why not.
pub(super) fn arrived(
    model: &mut Model,
    ticket: Ticket,
    stands: Result<(Arc<State>, Timestamp), Failure>,
) {
    if model.travel.way.is_none_or(|way| way.ticket != ticket) {
        return;
    }
    model.travel.way = None;
    match stands {
        Ok((state, now)) => {
            if model.travel.present.is_none() {
                model.travel.present = Some(Present {
                    state: Arc::clone(&model.state),
                    now: model.now,
                    events: std::mem::take(&mut model.events),
                });
                model.asks = Default::default();
                model.undo = None;
            }
            (model.state, model.now) = (state, now);
        }
        Err(failure) => {
            model.travel.play = None;
            model.notice = Some(super::news::notice(model, &failure));
        }
    }
}

/// Takes news of the present without showing it, while the past is on screen.
pub(super) fn aside(model: &mut Model, news: impl FnOnce(&mut Model)) -> Vec<Effect> {
    let Some(present) = &mut model.travel.present else {
        news(model);
        return Vec::new();
    };
    let mut then = (Arc::clone(&present.state), present.now, Events::default());
    std::mem::swap(&mut then.2, &mut present.events);
    swap(model, &mut then);
    let life = (model.state.uuid, model.state.incarnation);
    news(model);
    if (model.state.uuid, model.state.incarnation) != life {
        // The past that was on screen is that of another ledger.
        model.travel = Default::default();
        return leave(model);
    }
    swap(model, &mut then);
    if let Some(present) = &mut model.travel.present {
        (present.state, present.now, present.events) = then;
    }
    Vec::new()
}

fn swap(model: &mut Model, other: &mut (Arc<State>, Timestamp, Events)) {
    std::mem::swap(&mut model.state, &mut other.0);
    std::mem::swap(&mut model.now, &mut other.1);
    std::mem::swap(&mut model.events, &mut other.2);
}

/// Plays on, if it is time.
pub(super) fn tick(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    let Some(play) = &mut model.travel.play else {
        return Vec::new();
    };
    if model.travel.way.is_some() || now < play.next {
        return Vec::new();
    }
    play.next = now.plus(STEP);
    let speed = SPEEDS.get(play.speed).copied().unwrap_or(1);
    let next = model.now.plus(STEP * speed);
    match next >= now {
        true => come_back(model),
        false => go(model, Moment::At(next)),
    }
}
