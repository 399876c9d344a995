//! The answers to every question, declared once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    agents, andon, blast, deps, detail, events, gates, graph, metrics, names, order_view, orders,
    receipts, reports, settings, summary, trace, why,
};

/// Declares the answers once: the enum and what is printed of each.
macro_rules! answers {
    ($($(#[$meta:meta])* $variant:ident($type:ty)),+ $(,)?) => {
        /// An answer. As JSON it is externally tagged, as it crosses the socket; [`Answer::document`] is without the tag.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Answer {
            $($(#[$meta])* $variant($type)),+
        }

        impl Answer {
            /// Returns the documented JSON, without the tag, its fields in the order in which they are declared;
            /// on one line, or indented for people.
            ///
            /// # Errors
            ///
            /// None that is known: every key is a string.
            pub fn document(&self, indented: bool) -> Result<String, serde_json::Error> {
                match self {
                    $(Answer::$variant(answer) if indented => serde_json::to_string_pretty(answer),
                    Answer::$variant(answer) => serde_json::to_string(answer)),+
                }
            }
        }

        $(impl From<$type> for Answer {
            fn from(answer: $type) -> Self {
                Answer::$variant(answer)
            }
        })+
    };
}

answers! {
    /// A page of orders.
    WorkOrders(orders::WorkOrders),
    /// All about one order.
    WorkOrder(Box<detail::OrderDetail>),
    /// One order.
    Status(Box<order_view::OrderView>),
    /// Records as sentences.
    Log(events::Log),
    /// Why an order is not moving.
    Why(why::Why),
    /// What a hold would stop.
    Blast(blast::Blast),
    /// One order's dependencies.
    Tree(deps::DependencyTree),
    /// A chain of waits.
    Path(deps::DependencyPath),
    /// Orders in an order that works.
    TopologicalOrder(deps::TopologicalOrder),
    /// Orders by layer.
    Layers(deps::Layers),
    /// The chain that takes longest.
    CriticalPath(deps::CriticalChain),
    /// Mermaid text.
    Diagram(deps::Diagram),
    /// Who waits for whom.
    Graph(Box<graph::DependencyGraph>),
    /// A page of alerts.
    Alerts(andon::Alerts),
    /// All about one alert.
    Alert(Box<andon::AlertDetail>),
    /// The registered agents.
    Agents(agents::Agents),
    /// All about one agent.
    Agent(Box<agents::AgentDetail>),
    /// A receipt.
    Receipt(Box<receipts::ReceiptView>),
    /// What a receipt's check found.
    Verification(receipts::Verification),
    /// Receipts back from one.
    ReceiptChain(receipts::ReceiptChain),
    /// The buckets.
    Buckets(settings::Buckets),
    /// The stages.
    Stages(settings::Stages),
    /// The quality gates, or an order's.
    Gates(gates::Gates),
    /// How far an epic is.
    Progress(Box<reports::progress::Progress>),
    /// Completions by day.
    Velocity(reports::velocity::Velocity),
    /// What was used up.
    Usage(Box<reports::usage::UsageReport>),
    /// Promises by bucket.
    Sla(reports::sla::Sla),
    /// The cumulative flow.
    Flow(reports::flow::Flow),
    /// Percentiles.
    LeadTime(reports::lead_time::LeadTime),
    /// Cycle times of single orders.
    CycleTimes(reports::cycle_time::CycleTimes),
    /// Ageing work in progress.
    Ageing(reports::ageing::Ageing),
    /// Finish dates.
    Forecast(Box<reports::forecast::Forecast>),
    /// Promises that are likely to be broken.
    Risk(reports::risk::Risk),
    /// The handover of a shift.
    Handover(Box<reports::handover::Handover>),
    /// The line at a glance.
    Summary(Box<summary::Summary>),
    /// Every figure.
    Metrics(metrics::Metrics),
    /// The story of an order or an agent.
    Trace(Box<trace::Trace>),
    /// Names that fit.
    Names(names::Names),
}
