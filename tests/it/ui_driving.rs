//! Driving a board all day: filters, sort, lanes, marks, acts on many, repeats, jumps, completion.

use obeya::{
    domain::{
        command::Command,
        event::Changes,
        id::OrderId,
        order::{Actor, Bucket},
        time::HOUR,
    },
    ui::{effect::Effect, look::Wanted, model::View, msg::Msg},
};

use crate::support::{
    console::{Console, lacks, shows},
    sample::{self, create, order, wo},
};

const WIDE: (u16, u16) = (120, 40);
const SMALL: (u16, u16) = (80, 24);

fn console() -> Console {
    let mut console = Console::new(sample::line(), WIDE);
    console.keys("2");
    console
}

/// Returns the open orders that are shown.
fn shown(console: &Console) -> Vec<u32> {
    let columns = console.model.board.columns.iter();
    let open = columns.filter(|column| column.name() != "done");
    let mut ids: Vec<u32> = open
        .flat_map(|column| column.ids.iter().map(|id| id.number()))
        .collect();
    ids.sort_unstable();
    ids
}

fn column(console: &Console, name: &str) -> Vec<u32> {
    let mut columns = console.model.board.columns.iter();
    let column = columns.find(|column| column.name() == name).unwrap();
    column.ids.iter().map(|id| id.number()).collect()
}

#[test]
fn every_term_of_the_filter_narrows() {
    let mut console = console();
    let check = |console: &mut Console, filter: &str, wanted: &[u32]| {
        console.keys(&format!("/<ctrl-u>{filter}<enter>"));
        assert_eq!(shown(console), wanted, "{filter}");
        let hidden = 16 - wanted.len();
        let noun = if hidden == 1 { "order" } else { "orders" };
        shows(console, &format!("{hidden} {noun} hidden"));
        shows(console, &format!("/ {filter}"));
    };
    check(&mut console, "bucket:security", &[15, 16]);
    check(&mut console, "stage:test", &[18]);
    check(&mut console, "blocked", &[13, 14, 16, 24]);
    check(&mut console, "agent:rust-dev", &[12]);
    check(&mut console, "label:cart", &[26]);
    check(&mut console, "age>25h blocked", &[13, 14]);
    check(&mut console, "payment call", &[12]);
    check(&mut console, "sla<4h", &[15, 16]);
    check(
        &mut console,
        "!blocked bucket:features agent:doc-writer",
        &[23],
    );
    check(
        &mut console,
        "bucket:security stage:design sla<4h !blocked !done",
        &[15],
    );
    // What is promised nothing is neither near its end nor far from it.
    check(&mut console, "bucket:technical_debt sla>1h", &[]);
    let done = |console: &Console| {
        console
            .model
            .board
            .columns
            .iter()
            .any(|c| c.name() == "done")
    };
    console.keys("/<ctrl-u>!done<enter>");
    assert!(!done(&console));
    // A promise comes nearer by itself, without a record.
    create(&mut console.world, order("New hole", Bucket::Security, 5));
    console.publish();
    console.keys("/<ctrl-u>new hole sla<4h<enter>");
    assert_eq!(shown(&console), [] as [u32; 0]);
    let later = console.world.now.plus(21 * HOUR);
    console.tell(Msg::Tick(later));
    assert_eq!(shown(&console), [28]);
}

#[test]
fn the_filter_stays_in_sight_at_every_size_that_has_a_view() {
    for size in [(200, 60), SMALL, (60, 20), (40, 10), (30, 6)] {
        let mut console = Console::new(sample::line(), size);
        console.keys("2/blocked<enter>");
        shows(&console, "/ blocked");
        shows(&console, "12 orders hidden");
        console.keys("<enter>");
        shows(&console, "/ blocked");
    }
}

#[test]
fn filters_are_saved_found_and_forgotten() {
    let mut console = console();
    console.keys(":filter save hot<enter>");
    shows(&console, "no filter is active");
    console.keys("/bucket:security stage:design sla<4h<enter>:filter save hot<enter>");
    let text = "bucket:security stage:design sla<4h".to_owned();
    let keep = Wanted::KeepFilter("hot".into(), Some(text.clone()));
    assert_eq!(console.wishes, [Effect::Files(keep)]);
    let saved = [("hot".to_owned(), text)].into();
    console.tell(Msg::Filters(saved, Ok("filter hot is saved".into())));
    shows(&console, "filter hot is saved");
    console.keys("<esc><esc>");
    assert_eq!(shown(&console).len(), 16);
    // By the line from any view, by the palette with any of its words, completed by its name.
    console.keys("1:filter h<tab><enter>");
    assert_eq!(
        (console.model.view, shown(&console)),
        (View::Kanban, vec![15])
    );
    console.keys("<esc><esc><ctrl-p>filter hot<enter>");
    assert_eq!(shown(&console), [15]);
    console.keys(":filter cold<enter>");
    shows(&console, "there is no filter 'cold'");
    console.wishes.clear();
    console.keys(":filter forget hot<enter>");
    let forget = Wanted::KeepFilter("hot".into(), None);
    assert_eq!(console.wishes, [Effect::Files(forget)]);
}

#[test]
fn columns_are_sorted_and_the_selection_stays_on_its_order() {
    let mut console = console();
    console.model.board.select(wo(22));
    let mut orders = Vec::new();
    for keys in ["Si", "Sp", "Sa", "Ss", "Sf"] {
        console.keys(keys);
        orders.push(column(&console, "queued"));
        assert_eq!(console.model.board.selected, Some(wo(22)), "{keys}");
    }
    let [id, priority, age, sla, flow] = &orders[..] else {
        unreachable!()
    };
    assert!(id.is_sorted());
    assert_eq!(priority.first(), Some(&16));
    assert_eq!(age, id);
    assert_eq!(sla.first(), Some(&16));
    // No SLA comes last.
    assert_eq!(sla.last(), Some(&21));
    assert_eq!(flow, &column(&console, "queued"));
    console.keys("Ss");
    shows(&console, "by SLA left");
}

#[test]
fn lanes_cut_the_board_and_are_walked_through() {
    let mut console = Console::new(sample::line(), SMALL);
    console.keys("2zb");
    insta::assert_snapshot!("lanes_bucket_small", console.screen());
    console.model.board.select(wo(27));
    let selected = console.model.board.selected.unwrap();
    let before = console.model.board.lane();
    console.keys("l");
    assert_eq!(console.model.board.lane(), before, "{selected}");
    console.keys("h");
    let mut wide = Console::new(sample::line(), WIDE);
    wide.keys("2ze");
    insta::assert_snapshot!("lanes_epic_wide", wide.screen());
    for keys in ["za", "zp"] {
        console.keys(keys);
        for id in shown(&console) {
            assert!(console.model.board.select(wo(id)));
            console.keys("j").keys("k");
            console.model.board.select(wo(id));
            shows(console.keys(""), &wo(id).to_string());
        }
    }
    shows(&console, "lanes by priority");
    console.keys("zn");
    lacks(&console, "lanes by");
}

#[test]
fn lanes_at_any_size_show_the_selected_card() {
    for size in [(200, 60), (80, 24), (60, 20), (40, 10), (30, 6)] {
        let mut console = Console::new(sample::crowded(60), size);
        console.keys("2ze");
        for _ in 0..30 {
            console.keys("j");
            let id = console.model.board.selected.unwrap();
            shows(&console, &id.to_string());
        }
        console.keys("zbG");
        let id = console.model.board.selected.unwrap();
        shows(&console, &id.to_string());
    }
}

#[test]
fn an_act_on_what_is_marked_asks_once_and_says_what_came_of_it() {
    let mut console = console();
    console.model.board.select(wo(26));
    console.keys("v");
    console.model.board.select(wo(16));
    console.keys("v");
    console.model.board.select(wo(27));
    console.keys("v");
    shows(&console, "3 marked");
    console.keys("s");
    shows(&console, "Start 3 marked orders?");
    shows(&console, "WO-026 Warn before a cart expires");
    // Neither enter nor the key that asked is an answer.
    console.keys("<enter>s");
    assert!(console.world.state.order(wo(26)).unwrap().work().is_none());
    console.keys("y");
    shows(&console, "Start: 2 orders done, 1 refused");
    shows(&console, "WO-016 waits for WO-015");
    for id in [26, 27] {
        assert!(console.world.state.order(wo(id)).unwrap().work().is_some());
    }
    // The row leads to its order, which is still marked, to be tried again.
    console.keys("<enter>");
    assert_eq!(console.model.detail.as_ref().map(|d| d.id), Some(wo(16)));
    assert_eq!(
        console.model.marks.iter().copied().collect::<Vec<_>>(),
        [wo(16)]
    );
}

#[test]
fn nothing_is_done_to_what_the_filter_hides() {
    let mut console = console();
    console.keys("V");
    shows(&console, "16 marked");
    console.keys("/bucket:cost<enter>b");
    shows(&console, "Bucket of 2 marked orders");
    console.keys("tech<enter>");
    shows(&console, "Bucket technical debt: 2 orders done");
    let in_debt = console.world.state.work_orders();
    let in_debt = in_debt.filter(|order| order.bucket == Bucket::TechnicalDebt);
    assert_eq!(in_debt.count(), 3);
    console.keys("<esc><esc>U");
    lacks(&console, "marked");
    // A column's, and all of them twice is none.
    console.keys("M");
    shows(&console, "10 marked");
    console.keys("VV");
    lacks(&console, "marked");
}

#[test]
fn many_are_given_up_for_one_reason() {
    let mut console = console();
    console.keys("/bucket:cost<enter>Vx");
    shows(&console, "Cancel 2 marked orders");
    console.keys("too dear<enter>");
    shows(&console, "Reason: too dear");
    console.keys("y");
    shows(&console, "Cancel: 2 orders done");
    assert!(console.model.marks.is_empty());
    assert!(console.world.state.order(wo(20)).is_none());
    assert_eq!(console.world.state.counts.cancelled, 2);
}

#[test]
fn an_agents_work_is_named_before_many_are_completed() {
    let mut console = console();
    console.keys("/stage:code<enter>Vc");
    shows(
        &console,
        "Agents at work on them: rust-dev (WO-012), doc-writer (WO-023)",
    );
    // The claim changes hands while the question is open: that order is left alone.
    let release = Command::ReleaseOrder {
        id: wo(23),
        force: true,
        reason: Some("stuck".into()),
    };
    console.world.order(&Actor::person("noor"), release);
    let claim = Command::ClaimOrder {
        id: wo(23),
        lease_seconds: None,
    };
    console.world.order(&Actor::agent("rust-dev"), claim);
    console.publish();
    console.keys("y");
    shows(&console, "2 orders done, 1 refused");
    assert!(console.world.state.order(wo(23)).is_some());
}

#[test]
fn the_last_act_is_done_again_where_one_is() {
    let mut console = console();
    console.model.board.select(wo(22));
    console.keys("p9<enter>");
    console.model.board.select(wo(20));
    console.keys(".");
    let priority = |console: &Console, id| console.world.state.order(wo(id)).unwrap().priority;
    assert_eq!(
        (priority(&console, 22).get(), priority(&console, 20).get()),
        (9, 9)
    );
    // With what is marked, after a question.
    console.model.board.select(wo(21));
    console.keys("v");
    console.model.board.select(wo(25));
    console.keys("v.");
    shows(&console, "edit 2 marked orders?");
    console.keys("y");
    assert_eq!(
        (priority(&console, 21).get(), priority(&console, 25).get()),
        (9, 9)
    );
    // A cancellation asks again, with the reason there.
    console.keys("U");
    console.model.board.select(wo(21));
    console.keys("xold<enter>y");
    console.model.board.select(wo(25));
    console.keys(".");
    shows(&console, "Reason: old");
    assert!(console.world.state.order(wo(25)).is_some());
    console.keys("y");
    assert!(console.world.state.order(wo(25)).is_none());
}

#[test]
fn an_edit_of_a_text_is_not_done_again() {
    let mut console = console();
    console.model.board.select(wo(22));
    console.keys("p9<enter>e<end>!<ctrl-s>");
    console.model.board.select(wo(20));
    console.keys(".");
    let order = console.world.state.order(wo(20)).unwrap();
    assert_eq!(
        (order.title.as_str(), order.priority.get()),
        ("Halve the image build time", 9)
    );
}

#[test]
fn one_goes_back_to_where_one_was_and_forward_again() {
    let mut console = console();
    console.model.board.select(wo(16));
    console.keys("<enter>4<ctrl-p>wo-22<enter>");
    let at = |console: &Console| {
        let detail = console
            .model
            .detail
            .as_ref()
            .map(|detail| detail.id.number());
        (console.model.view, detail)
    };
    assert_eq!(at(&console), (View::Andon, Some(22)));
    console.keys("(");
    assert_eq!(at(&console), (View::Andon, None));
    console.keys("<ctrl-o>");
    assert_eq!(at(&console), (View::Kanban, Some(16)));
    console.keys("(");
    assert_eq!(at(&console), (View::Kanban, None));
    assert_eq!(console.model.board.selected, Some(wo(16)));
    console.keys(")");
    assert_eq!(at(&console), (View::Kanban, Some(16)));
    console.keys("))");
    assert_eq!(at(&console), (View::Andon, Some(22)));
    console.keys(")");
    shows(&console, "there is nowhere to go");
    // Steps within a list are no jumps, and a new way forgets the old one.
    console.keys("((jj1)");
    shows(&console, "there is nowhere to go");
}

#[test]
fn what_may_come_next_is_offered() {
    let mut console = console();
    let offered = |console: &Console| -> Vec<String> {
        let Some(obeya::ui::overlay::Overlay::Prompt(prompt)) = &console.model.overlay else {
            return Vec::new();
        };
        let offers = prompt.offers.as_ref().unwrap();
        offers.all.iter().map(|offer| offer.word.clone()).collect()
    };
    let mut check = |typed: &str, wanted: &[&str]| {
        console.keys(&format!("<esc><esc>:{typed}"));
        assert_eq!(offered(&console), wanted, "{typed}");
    };
    check("rep", &["report", "repeat"]);
    check("andon res", &["resolve"]);
    check("work-order claim WO-026 --agent r", &["rust-dev"]);
    check("work-order move WO-015 t", &["test"]);
    check("work-order create --bucket comp", &["compliance"]);
    check("andon show ", &["ALERT-002", "ALERT-001"]);
    check("sort p", &["priority"]);
    // An order is found by its number or by its title.
    check("work-order show 026", &["WO-026"]);
    check("work-order show dark", &["WO-022"]);
    check(
        "andon trigger x --hold stage:",
        &["stage:design", "stage:code", "stage:test"],
    );
    console.keys("<esc>:work-order show dark<tab><enter>");
    let run = "work-order show WO-022";
    assert!(matches!(&console.wishes[..], [Effect::Run { line, .. }] if line == run));
    // What has several ways on is gone through.
    console.keys(":work-order re<tab>");
    shows(&console, "› work-order re");
    console.keys("<tab>");
    shows(&console, "› work-order release");
    console.keys("<esc><esc>/bucket:<tab><tab>");
    shows(&console, "› bucket:reliability");
    console.keys("<ctrl-u>agent:te<tab><enter>");
    assert_eq!(shown(&console), [18]);
}

#[test]
fn the_palette_finds_by_name_key_and_words_and_shows_what_matched() {
    let mut console = console();
    for (typed, wanted) in [
        ("lanes epic", "lanes by epic"),
        ("sort sla", "by SLA left"),
        ("S i", "by id"),
    ] {
        console.keys(&format!("<ctrl-p>{typed}<enter>"));
        shows(&console, wanted);
    }
    console.keys("<ctrl-p>dark");
    let buffer = console.buffer();
    let style = console.model.theme.style(obeya::ui::theme::Role::Match);
    let marked: String = buffer
        .content()
        .iter()
        .filter(|cell| Some(cell.fg) == style.fg)
        .map(|cell| cell.symbol())
        .collect();
    // The header has the same colour for its alerts.
    assert!(marked.contains("Dark"), "{marked}");
}

#[test]
fn marks_go_with_their_orders_and_closed_ones_take_none() {
    let mut console = console();
    console.model.board.select(wo(20));
    console.keys(" ");
    assert_ne!(console.model.board.selected, Some(wo(20)));
    let done = OrderId::work(3);
    console.model.board.select(done);
    console.keys("v");
    shows(&console, "WO-003 is closed");
    let cancel = Command::CancelOrder {
        id: wo(20),
        reason: "gone".into(),
    };
    console.world.order(&Actor::person("noor"), cancel);
    console.publish();
    assert!(console.model.marks.is_empty());
    // Another order's field may change under the mark; the mark is its id's.
    console.model.board.select(wo(25));
    console.keys("v");
    let changes = Changes {
        title: Some("Renamed".into()),
        ..Changes::default()
    };
    let edit = Command::EditOrder {
        id: wo(25),
        changes,
        add_labels: vec![],
        remove_labels: vec![],
    };
    console.world.order(&Actor::person("noor"), edit);
    create(&mut console.world, order("New", Bucket::Cost, 10));
    console.publish();
    assert!(console.model.marks.contains(&wo(25)));
}
