//! Every way into the API, as data: the router, the document and the test of roles are made from it.

use axum::http::Method;

use super::book::BOOK;
use crate::domain::command::Role;

/// What is behind a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// A question; the path's `id` is this field of it.
    Ask(&'static str, &'static str),
    /// A command; the path's `id` is this field of it.
    Tell(&'static str, &'static str),
    /// Any question.
    AskAny,
    /// Any command.
    TellAny,
    /// Anything of the bus.
    Bus,
    /// Anything of what lies beside the ledger.
    Folder,
    /// The ledger's records.
    Events,
    /// A sign of life.
    Beat,
    /// A run of a quality gate.
    RunGate,
    /// An errand about an agent that the host runs.
    Supervise(Wanted),
    /// The records as they come.
    Stream,
    /// The figures for Prometheus.
    Figures,
    /// The document of the API.
    Document,
    /// The tokens.
    Tokens,
    /// A new token.
    CreateToken,
    /// A token taken back.
    RevokeToken,
    /// What the server let be done, and what it denied.
    Audit,
}

/// What is wanted of an agent that the host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// That it runs.
    Spawn,
    /// That it ends.
    Stop,
    /// That it runs so many times at once.
    Scale,
}

/// One way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The method.
    pub(super) method: Method,
    /// The path, with its parameters in braces.
    pub(super) path: &'static str,
    /// What is behind it.
    pub(super) does: Does,
    /// One line for the document.
    pub(super) about: &'static str,
}

const fn ask(
    path: &'static str,
    query: &'static str,
    id: &'static str,
    about: &'static str,
) -> Route {
    let (method, does) = (Method::GET, Does::Ask(query, id));
    Route {
        method,
        path,
        does,
        about,
    }
}

/// A command's line is that of its own table.
const fn tell(
    method: Method,
    path: &'static str,
    command: &'static str,
    id: &'static str,
) -> Route {
    let (does, about) = (Does::Tell(command, id), "");
    Route {
        method,
        path,
        does,
        about,
    }
}

const fn does(method: Method, path: &'static str, does: Does, about: &'static str) -> Route {
    Route {
        method,
        path,
        does,
        about,
    }
}

/// Every way in.
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    // The owner's, as the owner wrote them.
    ask("/api/dashboard/summary", "summary", "", "The line at a glance"),
    ask("/api/dashboard/work-orders", "work_orders", "", "Work orders, filtered and sorted"),
    ask("/api/dashboard/agents", "agents", "", "Agents and what they are about"),
    ask("/api/dashboard/metrics", "metrics", "", "Every figure with its name and labels"),
    does(Method::GET, "/api/stream", Does::Stream, "The ledger's records as they come, as server-sent events"),
    tell(Method::POST, "/api/work-orders", "create_order", ""),
    tell(Method::POST, "/api/work-orders/{id}/start", "start_order", "id"),
    tell(Method::POST, "/api/andon/trigger", "trigger_andon", ""),
    // Work orders.
    ask("/api/work-orders", "work_orders", "", "Work orders, filtered and sorted"),
    tell(Method::POST, "/api/work-orders/next", "pull_next", ""),
    ask("/api/work-orders/{id}", "work_order", "order", "All about a work order"),
    tell(Method::PATCH, "/api/work-orders/{id}", "edit_order", "id"),
    ask("/api/work-orders/{id}/status", "status", "order", "A work order as lists show it"),
    ask("/api/work-orders/{id}/history", "history", "subject", "What happened to a work order, oldest first"),
    ask("/api/work-orders/{id}/trace", "trace", "of.order", "Every record that touches a work order"),
    ask("/api/work-orders/{id}/why", "why", "order", "Why a work order is not moving"),
    tell(Method::POST, "/api/work-orders/{id}/claim", "claim_order", "id"),
    tell(Method::POST, "/api/work-orders/{id}/move", "move_order", "id"),
    tell(Method::POST, "/api/work-orders/{id}/complete", "complete_order", "id"),
    tell(Method::POST, "/api/work-orders/{id}/cancel", "cancel_order", "id"),
    tell(Method::POST, "/api/work-orders/{id}/reopen", "reopen_order", "id"),
    tell(Method::POST, "/api/work-orders/{id}/release", "release_order", "id"),
    tell(Method::POST, "/api/work-orders/{id}/usage", "record_usage", "id"),
    tell(Method::POST, "/api/work-orders/{id}/comments", "comment_order", "id"),
    does(Method::POST, "/api/work-orders/{id}/heartbeat", Does::Beat, "Renew the lease of a claim"),
    tell(Method::POST, "/api/work-orders/{id}/link", "add_link", "id"),
    tell(Method::POST, "/api/work-orders/{id}/unlink", "remove_link", "id"),
    // Dependencies.
    tell(Method::POST, "/api/work-orders/{id}/dependencies", "add_dependency", "id"),
    tell(Method::DELETE, "/api/work-orders/{id}/dependencies/{on}", "remove_dependency", "id"),
    ask("/api/work-orders/{id}/tree", "tree", "order", "A work order's dependencies as a tree"),
    ask("/api/work-orders/{id}/path/{to}", "path", "from", "How one work order waits for another"),
    ask("/api/deps/order", "topological_order", "", "The open orders so that each comes after what it waits for"),
    ask("/api/deps/layers", "layers", "", "The open orders by how many must come before"),
    ask("/api/deps/critical-path", "critical_path", "", "The chain of open waits that takes longest"),
    ask("/api/deps/diagram", "diagram", "", "The dependencies as Mermaid text"),
    ask("/api/deps/graph", "graph", "", "Who waits for whom, to be drawn"),
    // Quality gates and receipts.
    ask("/api/gates", "gates", "", "The quality gates"),
    ask("/api/work-orders/{id}/gates", "gates", "order", "How a work order stands at its quality gates"),
    does(Method::POST, "/api/work-orders/{id}/gates/{gate}/run", Does::RunGate, "Run a quality gate on a work order"),
    tell(Method::POST, "/api/work-orders/{id}/gates/{gate}/approve", "approve_gate", "id"),
    tell(Method::POST, "/api/work-orders/{id}/gates/{gate}/reject", "reject_gate", "id"),
    ask("/api/work-orders/{id}/receipt", "receipt", "order", "The newest receipt of a work order"),
    ask("/api/work-orders/{id}/receipt/verification", "verify_receipt", "order", "Whether that receipt is what it claims"),
    ask("/api/work-orders/{id}/receipt/chain", "receipt_chain", "order", "That receipt and those before it in the chain"),
    // Epics, buckets, stages.
    ask("/api/epics/{id}/progress", "progress", "epic", "How far an epic is"),
    ask("/api/buckets", "buckets", "", "The buckets with their rules and how they stand"),
    tell(Method::PATCH, "/api/buckets/{id}", "set_bucket", "bucket"),
    ask("/api/stages", "stages", "", "The board's stages with their limits and how they stand"),
    tell(Method::PUT, "/api/stages/{id}", "set_stage", "name"),
    // Andon.
    ask("/api/andon", "alerts", "", "Alerts, worst and oldest first"),
    ask("/api/andon/blast", "blast", "", "What a hold would stop"),
    tell(Method::POST, "/api/andon/recover", "recover_alert", ""),
    ask("/api/andon/{id}", "alert", "id", "All about an alert"),
    tell(Method::POST, "/api/andon/{id}/acknowledge", "acknowledge_alert", "id"),
    tell(Method::POST, "/api/andon/{id}/snooze", "snooze_alert", "id"),
    tell(Method::POST, "/api/andon/{id}/escalate", "escalate_alert", "id"),
    tell(Method::POST, "/api/andon/{id}/resolve", "resolve_alert", "id"),
    tell(Method::POST, "/api/andon/{id}/correct", "link_corrective", "id"),
    // Agents.
    ask("/api/agents", "agents", "", "Agents and what they are about"),
    tell(Method::POST, "/api/agents", "register_agent", ""),
    ask("/api/agents/{id}", "agent", "name", "All about an agent"),
    tell(Method::DELETE, "/api/agents/{id}", "unregister_agent", "name"),
    ask("/api/agents/{id}/trace", "trace", "of.agent", "Every record that touches an agent"),
    tell(Method::POST, "/api/agents/{id}/pause", "pause_agent", "name"),
    tell(Method::POST, "/api/agents/{id}/resume", "resume_agent", "name"),
    does(Method::POST, "/api/agents/{id}/spawn", Does::Supervise(Wanted::Spawn), "Let an agent of obeya.toml run"),
    does(Method::POST, "/api/agents/{id}/stop", Does::Supervise(Wanted::Stop), "End an agent of obeya.toml"),
    does(Method::POST, "/api/agents/{id}/scale", Does::Supervise(Wanted::Scale), "Let an agent of obeya.toml run so many times at once"),
    // Reports.
    ask("/api/reports/velocity", "velocity", "", "How many orders are completed"),
    ask("/api/reports/usage", "usage", "", "What agents used up, and how budgets stand"),
    ask("/api/reports/sla", "sla", "", "How promises are kept"),
    ask("/api/reports/flow", "flow", "", "How many orders stood where at each day's end"),
    ask("/api/reports/lead-time", "lead_time", "", "How long orders take"),
    ask("/api/reports/cycle-times", "cycle_times", "", "How long each completed order took"),
    ask("/api/reports/ageing", "ageing", "", "How long the orders in progress have taken so far"),
    ask("/api/reports/forecast", "forecast", "", "When the open orders will be done"),
    ask("/api/reports/risk", "risk", "", "Which open orders are likely to break their promise"),
    ask("/api/reports/handover", "handover", "", "What the next shift needs to know"),
    // The ledger.
    ask("/api/log", "log", "", "What happened, as sentences"),
    does(Method::GET, "/api/events", Does::Events, "The ledger's records, oldest first"),
    ask("/api/names", "names", "", "The names that fit what was typed"),
    // Everything else.
    does(Method::POST, "/api/query", Does::AskAny, "Any question"),
    does(Method::POST, "/api/commands", Does::TellAny, "Any command"),
    does(Method::POST, "/api/bus", Does::Bus, "Anything of the bus: messages, inboxes, dead letters"),
    does(Method::POST, "/api/folder", Does::Folder, "What lies beside the ledger: runs and logs of agents, gates, the doctor"),
    does(Method::GET, "/api/tokens", Does::Tokens, "The tokens, without their secrets"),
    does(Method::POST, "/api/tokens", Does::CreateToken, "Make a token; its secret is told this once"),
    does(Method::DELETE, "/api/tokens/{id}", Does::RevokeToken, "Take a token back"),
    does(Method::GET, "/api/audit", Does::Audit, "What callers did, and what they were denied"),
    does(Method::GET, "/api/openapi.json", Does::Document, "This document"),
    does(Method::GET, "/metrics", Does::Figures, "Every figure as Prometheus reads it"),
];

impl Route {
    /// Returns the least role that may have it. Of [`Does::TellAny`], [`Does::Bus`] and [`Does::Folder`] each body has its own.
    pub(super) fn needs(&self) -> Role {
        match self.does {
            Does::Ask(..) | Does::AskAny | Does::TellAny | Does::Events | Does::Stream => {
                Role::Viewer
            }
            Does::Figures | Does::Document | Does::Bus | Does::Folder => Role::Viewer,
            Does::Tell(command, _) => BOOK.spec(command).map_or(Role::Admin, |spec| spec.role),
            Does::Beat | Does::RunGate => Role::Agent,
            Does::Supervise(_) => Role::Operator,
            Does::Tokens | Does::CreateToken | Does::RevokeToken | Does::Audit => Role::Admin,
        }
    }

    /// Returns its line for the document.
    pub(super) fn about(&self) -> &'static str {
        match self.does {
            Does::Tell(command, _) => BOOK.spec(command).map_or("", |spec| spec.about),
            _ => self.about,
        }
    }

    /// Returns the names of the path's parameters.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        let part = |part: &'static str| part.strip_prefix('{')?.strip_suffix('}');
        self.path.split('/').filter_map(part)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_there_once_and_stands_for_something() {
        let mut seen = BTreeSet::new();
        for route in ROUTES {
            assert!(
                seen.insert((route.method.as_str(), route.path)),
                "{route:?}"
            );
            assert!(!route.about().is_empty(), "{route:?}");
            let shape = match route.does {
                Does::Ask(query, _) => BOOK.query(query),
                Does::Tell(command, _) => BOOK.command(command),
                _ => continue,
            };
            let shape = shape.unwrap_or_else(|| panic!("{route:?}"));
            let (Does::Ask(_, id) | Does::Tell(_, id)) = route.does else {
                continue;
            };
            for name in route.parameters() {
                let field = match name {
                    "id" => id.split('.').next().unwrap_or_default(),
                    other => other,
                };
                assert!(shape.fields.contains_key(field), "{route:?}: {field}");
            }
            assert_eq!(route.path.contains("{id}"), !id.is_empty(), "{route:?}");
        }
    }
}
