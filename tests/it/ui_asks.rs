//! What the screen asks the archive for: one question at a time.

use obeya::{
    domain::query::Query,
    ui::{
        effect::Effect,
        msg::{Failure, Msg},
        update::{settle, update},
    },
};

use crate::support::{console::Console, sample};

#[test]
fn keys_that_are_faster_than_answers_ask_the_first_and_then_the_last_question() {
    let mut console = Console::new(sample::line(), (120, 40));
    console.keys("2");
    let mut asked = Vec::new();
    for key in ["/", "s", "k", "u"] {
        update(&mut console.model, Msg::Key(key.parse().unwrap()));
        asked.extend(settle(&mut console.model));
    }
    let done = |effect: &Effect| match effect {
        Effect::Ask {
            ticket,
            query: Query::WorkOrders { filter, .. },
        } => Some((*ticket, filter.text.clone())),
        _ => None,
    };
    let [(ticket, Some(first))] = &asked.iter().filter_map(done).collect::<Vec<_>>()[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(first, "s");
    let answer = console.world.ask(&Query::Summary).map(Box::new);
    let answer = answer.map_err(Failure::Refused);
    let ticket = *ticket;
    update(&mut console.model, Msg::Answered { ticket, answer });
    let asked = settle(&mut console.model);
    let [(_, Some(last))] = &asked.iter().filter_map(done).collect::<Vec<_>>()[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(last, "sku");
}
