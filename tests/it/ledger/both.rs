//! Whatever is read from either backend is the same.

use super::*;

pub(super) fn order(number: u32, closed: i64) -> ArchivedOrder {
    let odd = number % 2 == 1;
    ArchivedOrder {
        id: OrderId::work(number),
        external: odd.then(|| format!("beads:bd-{number}")),
        title: format!("Ordnung ÄÖ 100% {number}"),
        kind: if odd { "task" } else { "bug" }.into(),
        bucket: ["features", "cost", "security"][number as usize % 3].into(),
        status: if number.is_multiple_of(5) {
            "cancelled"
        } else {
            "completed"
        }
        .into(),
        priority: (number % 10) as u8 + 1,
        parent: number.is_multiple_of(4).then(|| OrderId::epic(1)),
        created: Timestamp(closed - 9),
        closed: Timestamp(closed),
        changed: 1,
        form: format!("{{\"n\":{number}}}").into(),
    }
}

pub(super) fn archive_changes() -> Vec<ArchiveChange> {
    let orders = (1..=40).map(|n| ArchiveChange::PutOrder(order(n, i64::from(n / 3) * 100)));
    let alerts = (1..=9).map(|n| {
        ArchiveChange::PutAlert(ArchivedAlert {
            id: AlertId(n),
            severity: if n % 2 == 0 { "high" } else { "low" }.into(),
            raised: Timestamp(n.into()),
            resolved: Timestamp(i64::from(n / 2)),
            form: "{}".into(),
        })
    });
    let receipts = (1..=6).map(|n| {
        ArchiveChange::PutReceipt(ReceiptRow {
            n,
            order: OrderId::work(n as u32 % 4),
            seq: n,
            hash: Hash::of(&[n as u8]),
        })
    });
    let again = [
        ArchiveChange::DropOrder(OrderId::work(8)),
        ArchiveChange::PutOrder(order(9, 7)),
    ];
    orders.chain(alerts).chain(receipts).chain(again).collect()
}

/// Everything that can be read, from both backends, must be equal; returned so that a test can look at one of them.
pub(super) fn readings(ledger: &mut dyn Ledger) -> Vec<String> {
    let mut all = Vec::new();
    let mut note = |what: &str, value: &dyn std::fmt::Debug| all.push(format!("{what}: {value:?}"));
    note("head", &ledger.head().unwrap());
    note("identity", &ledger.identity());
    note("watermark", &ledger.archive_watermark().unwrap());
    for (after, limit) in [(0, 100), (3, 2), (u64::MAX, 5), (0, 0)] {
        note("read", &ledger.read(after, limit).unwrap());
        note("history", &ledger.history("WO-001", after, limit).unwrap());
        note("receipts", &ledger.receipts(after, limit).unwrap());
    }
    for seq in [0, 1, 5, 6, u64::MAX] {
        note("record", &ledger.record(seq).unwrap());
    }
    for time in [i64::MIN, 0, 1_000_000, 3_999_999, i64::MAX] {
        note("seq at", &ledger.seq_at(Timestamp(time)).unwrap());
    }
    note(
        "command",
        &ledger.by_command(Uuid::from_u128(0xC0_0002)).unwrap(),
    );
    note("no command", &ledger.by_command(Uuid::nil()).unwrap());
    let ids = [
        OrderId::work(9),
        OrderId::work(1),
        OrderId::work(8),
        OrderId::work(1),
    ];
    note("archived", &ledger.archived(&ids).unwrap());
    note(
        "alerts",
        &ledger.archived_alerts(&[AlertId(3), AlertId(99)]).unwrap(),
    );
    note(
        "external",
        &ledger
            .by_external(&["beads:bd-3", "beads:bd-4", "none"])
            .unwrap(),
    );
    note(
        "receipts of",
        &ledger.receipts_of(OrderId::work(1)).unwrap(),
    );
    let any = ArchiveQuery::default();
    let text = |text: &str| ArchiveQuery {
        text: Some(text.into()),
        ..any.clone()
    };
    let cursor = ArchiveCursor {
        closed: Timestamp(900),
        id: OrderId::work(28),
    };
    let queries = [
        any.clone(),
        text("äö 100% 1"),
        text("WO-01"),
        text("BEADS:BD-2"),
        text("_"),
        text("%"),
        ArchiveQuery {
            status: Some("cancelled".into()),
            ..any.clone()
        },
        ArchiveQuery {
            kind: Some("bug".into()),
            bucket: Some("cost".into()),
            ..any.clone()
        },
        ArchiveQuery {
            parent: Some(OrderId::epic(1)),
            limit: 3,
            ..any.clone()
        },
        ArchiveQuery {
            after: Some(cursor),
            limit: 5,
            ..any.clone()
        },
        ArchiveQuery {
            closed_since: Some(Timestamp(300)),
            closed_until: Some(Timestamp(900)),
            ..any.clone()
        },
        ArchiveQuery {
            limit: usize::MAX,
            ..any
        },
    ];
    for query in &queries {
        let page = ledger.archive_page(query).unwrap();
        assert!(page.is_sorted_by_key(|row| std::cmp::Reverse(row.cursor())));
        note("page", &page);
        note("count", &ledger.archive_count(query).unwrap());
    }
    let after = Some((Timestamp(3), AlertId(6)));
    let high = Some("high".to_owned());
    for query in [
        AlertQuery::default(),
        AlertQuery {
            after,
            ..AlertQuery::default()
        },
        AlertQuery {
            severity: high,
            after: None,
            limit: 2,
        },
    ] {
        note("alert page", &ledger.alerts_page(&query).unwrap());
    }
    all
}

#[test]
fn both_backends_give_back_every_field() {
    let (_folder, home, mut file) = fresh();
    let mut memory = MemoryLedger::new(identity());
    let backends: [&mut dyn Ledger; 2] = [&mut file, &mut memory];
    let mut found = backends.map(|ledger| {
        assert_eq!(ledger.head().unwrap(), Head::default());
        let head = ledger.begin(PATIENCE).unwrap();
        let mut batch = batch(head, 6);
        batch.archive = archive_changes();
        assert!(matches!(ledger.append(head, &batch), Append::Appended(_)));
        ledger.end();
        assert_eq!(ledger.read(0, 100).unwrap(), batch.records);
        assert_eq!(ledger.archived(&[OrderId::work(9)]).unwrap(), [order(9, 7)]);
        readings(ledger)
    });
    for (file, memory) in found[0].iter().zip(&found[1]) {
        assert_eq!(file, memory);
    }
    // And so does a file that was closed and opened.
    drop(file);
    assert_eq!(
        readings(&mut SqliteLedger::open(&home).unwrap()),
        std::mem::take(&mut found[0])
    );
}
