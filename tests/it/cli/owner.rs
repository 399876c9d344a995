//! The owner's own lines, word for word but for the program's name.

use super::Room;

#[test]
fn every_line_of_the_owner_works() {
    let room = Room::new();
    for line in [
        "work-order create --title \"Payments\" --kind epic",
        "work-order create --title \"Implement subscription protocol\" --bucket features --priority 7 --epic EPIC-001",
        "work-order create --title \"...\" --bucket features --priority 7",
        "work-order create --title \"third\" --bucket security",
        "work-order list",
        "work-order list --bucket security",
        "work-order list --status queued",
        "work-order list --bucket security --status queued",
        "work-order show WO-001",
        "work-order status WO-001",
        "deps add WO-002 --depends-on WO-001",
        "deps show WO-002",
        "deps diagram EPIC-001 --output deps.mmd",
        "work-order start WO-001",
        "work-order complete WO-001 --sku sku-123",
        "work-order cancel WO-003 --reason \"Duplicate\"",
        "agent register erlang-otp-developer",
        "agent register erlang-test-engineer",
        "agent list",
        "agent status erlang-otp-developer",
        "agent pause erlang-test-engineer",
        "agent resume erlang-test-engineer",
        "dashboard metrics",
        "dashboard summary",
        "andon list",
        "andon trigger --reason \"...\" --severity high",
        "andon resolve ALERT-001 --resolution \"...\"",
        "receipt show WO-001",
        "receipt verify WO-001",
        "receipt chain WO-001",
        "report progress EPIC-001",
        "report velocity --since \"7 days ago\"",
        "report sla --bucket security",
        "quality-gate list",
        "quality-gate status WO-002",
    ] {
        room.done(line);
    }
    let diagram = std::fs::read_to_string(room.path().join("deps.mmd")).unwrap();
    assert!(diagram.starts_with("graph TD"), "{diagram}");
    assert!(room.done("work-order show WO-001").out.contains("sku-123"));
}

#[test]
fn what_comes_later_is_not_on_the_menu() {
    let room = Room::new();
    assert_eq!(room.line("host elect").code, 2);
}
