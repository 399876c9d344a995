//! What is counted of a ledger, by name.

use super::{MetricSort, exposition::Family};

macro_rules! families {
    ($($(#[$meta:meta])* $name:ident = $text:literal $sort:ident $help:literal;)+) => {
        $(#[doc = $help]
        pub(super) const $name: Family = Family {
            name: $text,
            sort: MetricSort::$sort,
            help: $help,
        };)+

        /// Every family of a ledger's figures.
        pub const FAMILIES: &[Family] = &[$($name),+];
    };
}

families! {
    AGENTS_ACTIVE = "obeya_agents_active" Gauge "Registered agents that hold work.";
    AGENTS_COMPLETED = "obeya_agents_work_completed_total" Counter "Orders that agents completed, by their role then.";
    AGENTS_ERRORS = "obeya_agents_errors_total" Counter "Claims of agents that ended with the work undone, by what ended them.";
    AGENTS_REGISTERED = "obeya_agents_registered" Gauge "Registered agents.";
    ALERTS_OPEN = "obeya_alerts_open" Gauge "Open andon alerts.";
    ALERTS_RAISED = "obeya_alerts_raised_total" Counter "Andon alerts that were raised, by severity then.";
    CYCLE = "obeya_work_orders_cycle_time_seconds" Histogram "Time from the first start of an order until it was completed.";
    EPICS = "obeya_epics_open" Gauge "Open epics.";
    GATES_DURATION = "obeya_quality_gates_duration_seconds" Histogram "Time that a run of a quality gate took.";
    GATES_FAILED = "obeya_quality_gates_failed_total" Counter "Looks at a quality gate that found no pass.";
    GATES_PASSED = "obeya_quality_gates_passed_total" Counter "Looks at a quality gate that found a pass.";
    LEAD = "obeya_work_orders_lead_time_seconds" Histogram "Time from the creation of an order until it was completed.";
    ORDERS = "obeya_work_orders_total" Counter "What happened to work orders and epics, by what it was.";
    QUEUED = "obeya_work_orders_queued" Gauge "Work orders that wait.";
    RECEIPTS = "obeya_receipts_total" Counter "Receipts of completed work.";
    RECORDS = "obeya_ledger_records_total" Counter "Records on the ledger.";
    SLA_AT_RISK = "obeya_sla_at_risk" Gauge "Open orders that have used up most of their time.";
    SLA_BREACHED = "obeya_sla_breached" Gauge "Open orders that are past their time.";
    SLA_BREACHES = "obeya_sla_breaches_total" Counter "Orders that went past their time.";
    SLA_RATE = "obeya_sla_compliance_rate" Gauge "Part of all completed orders with a promised time that were done within it, 0 to 1.";
    STAGE_ORDERS = "obeya_stage_orders" Gauge "Work orders that stand in a stage.";
    WIP = "obeya_work_orders_wip" Gauge "Work orders in progress.";
    WIP_LIMIT = "obeya_work_orders_wip_limit" Gauge "How many work orders may be in progress.";
}
