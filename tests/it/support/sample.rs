//! The line that screens are tested and pictured with.

use obeya::domain::{
    agent::PullFilter,
    andon::{Scope, Severity},
    command::{Command, Destination, Hold, NewOrder},
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Kind, Priority},
};

use super::world::World;

const DAY: i64 = 24 * 60;

/// Returns a line in the middle of a week: two epics, four agents, eleven completed orders, two alerts.
pub(crate) fn line() -> World {
    let mut world = World::new();
    let ada = Actor::person("ada");
    for (name, role) in [
        ("rust-dev", "developer"),
        ("doc-writer", "writer"),
        ("test-engineer", "tester"),
        ("security-bot", "auditor"),
    ] {
        world.order(
            &ada,
            Command::RegisterAgent {
                name: name.into(),
                role: Some(role.into()),
                capabilities: PullFilter::default(),
            },
        );
    }
    let rust = Actor::agent("rust-dev");
    let docs = Actor::agent("doc-writer");
    let tests = Actor::agent("test-engineer");
    past(&mut world, &ada);

    create(
        &mut world,
        order("Checkout survives a lost connection", Bucket::Features, 7).epic(),
    );
    create(
        &mut world,
        order("Every release is signed", Bucket::Security, 9).epic(),
    );
    let checkout = OrderId::epic(1);
    let signing = OrderId::epic(2);
    // WO-012 and on.
    for draft in [
        order("Retry the payment call with one key", Bucket::Features, 8)
            .beneath(checkout)
            .estimated(240),
        order(
            "Queue orders while the network is away",
            Bucket::Features,
            7,
        )
        .beneath(checkout)
        .estimated(480),
        order("Show what is not yet sent", Bucket::Features, 5)
            .beneath(checkout)
            .estimated(120),
        order("Rotate the signing keys", Bucket::Security, 10)
            .beneath(signing)
            .estimated(90),
        order("Verify signatures before an update", Bucket::Security, 9)
            .beneath(signing)
            .estimated(180),
        order(
            "Flaky test: cart totals round twice",
            Bucket::Reliability,
            8,
        )
        .bug(),
        order("Timeouts in the search service", Bucket::Reliability, 6).bug(),
        order(
            "Export the audit log for the regulator",
            Bucket::Compliance,
            6,
        ),
        order("Halve the image build time", Bucket::Cost, 4),
        order("Delete the old session store", Bucket::TechnicalDebt, 3),
        order("Dark mode for the receipt page", Bucket::Features, 3),
        order("Keyboard shortcuts for the order list", Bucket::Features, 5),
        order("Explain offline mode in the manual", Bucket::Features, 4).beneath(checkout),
        order("Cache headers on static files", Bucket::Cost, 5),
        order("Warn before a cart expires", Bucket::Features, 6).described(),
        order("Consent banner forgets its answer", Bucket::Compliance, 7).bug(),
    ] {
        create(&mut world, draft);
        world.wait(35);
    }
    for (id, on) in [(13, 12), (14, 13), (16, 15), (24, 14)] {
        world.order(
            &ada,
            Command::AddDependency {
                id: wo(id),
                on: wo(on),
            },
        );
    }
    world.wait(6 * 60);
    start(&mut world, &ada, 15, 0);
    start(&mut world, &ada, 17, 1);
    world.wait(40);
    start(&mut world, &ada, 19, 0);
    start(&mut world, &rust, 12, 1);
    world.wait(10 * 60);
    start(&mut world, &docs, 23, 1);
    start(&mut world, &tests, 18, 2);
    world.order(
        &ada,
        Command::CommentOrder {
            id: wo(12),
            text:
                "The gateway answers twice when we retry within **2 s**; see `payments/retry.rs`."
                    .into(),
        },
    );
    cord(
        &mut world,
        "Search answers are slower than 2 s at p95",
        Severity::Medium,
        Hold::Nothing,
        Some(18),
    );
    world.wait(25);
    let scope = Scope::Bucket(Bucket::Security);
    cord(
        &mut world,
        "The signing key was printed in a build log",
        Severity::High,
        Hold::Scope(scope),
        Some(15),
    );
    world.wait(30);
    world.order(
        &Actor::agent("security-bot"),
        Command::CommentOrder {
            id: wo(15),
            text: "The old key is in 3 images.".into(),
        },
    );
    world.order(
        &ada,
        Command::PauseAgent {
            name: "security-bot".into(),
            reason: Some("until the keys are rotated".into()),
        },
    );
    world.wait(12);
    world
}

/// Returns the line with a critical alert that holds all of it.
pub(crate) fn stopped() -> World {
    let mut world = line();
    cord(
        &mut world,
        "Customers are charged twice",
        Severity::Critical,
        Hold::Scope(Scope::Line),
        Some(12),
    );
    world.wait(7);
    world
}

/// Returns the line with so many more queued orders.
pub(crate) fn crowded(orders: u32) -> World {
    let mut world = line();
    for n in 0..orders {
        let bucket = Bucket::ALL[n as usize % Bucket::ALL.len()];
        let title = format!("Order number {n} of a crowd that goes on and on");
        create(&mut world, order(&title, bucket, (n % 10) as u8 + 1));
    }
    world
}

/// Eleven orders that were done over the last ten days.
fn past(world: &mut World, ada: &Actor) {
    let done = [
        ("Set up the pipeline", Bucket::TechnicalDebt, 9),
        ("Pin the base images", Bucket::Security, 9),
        ("Sign in with a passkey", Bucket::Features, 8),
        ("Search by order number", Bucket::Features, 6),
        ("Log rotation", Bucket::Reliability, 5),
        ("Compress product photos", Bucket::Cost, 5),
        ("Data retention report", Bucket::Compliance, 4),
        ("Faster cart page", Bucket::Features, 3),
        ("Remove the beta flags", Bucket::TechnicalDebt, 2),
        ("Address form remembers", Bucket::Features, 2),
        ("Backup restores in a test", Bucket::Reliability, 1),
    ];
    for (at, (title, bucket, _)) in (1u32..).zip(&done) {
        create(world, order(title, *bucket, 6));
        world.wait(20 * 60);
        world.order(ada, Command::StartOrder { id: wo(at) });
        world.wait(150);
        world.order(
            ada,
            Command::CompleteOrder {
                id: wo(at),
                sku: Some(format!("sku-{:03}", 400 + at)),
                note: None,
            },
        );
    }
    world.wait(DAY / 4);
}

fn start(world: &mut World, actor: &Actor, number: u32, stages: u32) {
    let id = wo(number);
    let command = if *actor == Actor::person("ada") {
        Command::StartOrder { id }
    } else {
        Command::ClaimOrder {
            id,
            lease_seconds: Some(4 * 3600),
        }
    };
    world.order(actor, command);
    for _ in 0..stages {
        world.order(
            &Actor::person("ada"),
            Command::MoveOrder {
                id,
                to: Destination::Right,
            },
        );
    }
}

fn cord(world: &mut World, reason: &str, severity: Severity, hold: Hold, order: Option<u32>) {
    world.order(
        &Actor::person("noor"),
        Command::TriggerAndon {
            reason: reason.into(),
            severity,
            hold: Some(hold),
            fingerprint: None,
            order: order.map(wo),
        },
    );
}

/// Returns a work order's id.
pub(crate) fn wo(number: u32) -> OrderId {
    OrderId::work(number)
}

/// Returns an alert's id.
pub(crate) fn alert(number: u32) -> AlertId {
    AlertId(number)
}

/// Creates an order.
pub(crate) fn create(world: &mut World, draft: Draft) {
    world.order(
        &Actor::person("ada"),
        Command::CreateOrder { order: draft.0 },
    );
}

/// An order to be created.
pub(crate) struct Draft(pub(crate) NewOrder);

/// Returns a task.
pub(crate) fn order(title: &str, bucket: Bucket, priority: u8) -> Draft {
    Draft(NewOrder {
        bucket,
        priority: Priority::new(priority).unwrap(),
        ..NewOrder::task(title)
    })
}

impl Draft {
    pub(crate) fn epic(mut self) -> Self {
        self.0.kind = Kind::Epic;
        self
    }

    fn bug(mut self) -> Self {
        self.0.kind = Kind::Bug;
        self
    }

    pub(crate) fn beneath(mut self, parent: OrderId) -> Self {
        self.0.parent = Some(parent);
        self
    }

    pub(crate) fn estimated(mut self, minutes: u32) -> Self {
        self.0.estimate = Some(minutes);
        self
    }

    fn described(mut self) -> Self {
        self.0.description = Some(
            "# Why\n\nPeople lose a **full cart** and do not come back.\n\n## What\n\n\
             - a line above the cart, five minutes before\n- *no* sound\n- [x] agreed with support\n\n\
             ```rust\nlet left = cart.expires - now;\n```\n\nSee [the report](https://example.org/r/7)."
                .into(),
        );
        self.0.labels = vec!["cart".into(), "ux".into()];
        self
    }
}
