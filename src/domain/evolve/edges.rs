//! Who waits for whom, at both ends.

use super::{Step, set};
use crate::domain::{
    id::OrderId,
    order::{Dependency, Wait},
};

impl Step<'_> {
    pub(super) fn wait(&mut self, id: OrderId, on: OrderId, state: Wait) {
        if let Some(order) = self.order(id) {
            match order.depends_on.binary_search_by_key(&on, |wait| wait.on) {
                Ok(at) => order.depends_on[at].state = state,
                Err(at) => order.depends_on.insert(at, Dependency { on, state }),
            }
            if state == Wait::Open {
                self.mirror(id, on, true);
            }
        }
    }

    pub(super) fn wait_no_longer(&mut self, id: OrderId, on: OrderId) {
        if let Some(order) = self.order(id) {
            order.depends_on.retain(|wait| wait.on != on);
            self.mirror(id, on, false);
        }
    }

    /// Keeps the other end of a dependency, and the index.
    pub(super) fn mirror(&mut self, id: OrderId, on: OrderId, there: bool) {
        if let Some(order) = self.state.order_mut(on) {
            set(&mut order.blocks, id, there);
        }
        self.edge(id, on, there);
    }

    /// Tells `waiting` how far `on` is.
    pub(super) fn answer(&mut self, waiting: OrderId, on: OrderId, state: Wait) {
        if let Some(order) = self.state.order_mut(waiting)
            && let Some(wait) = order.depends_on.iter_mut().find(|wait| wait.on == on)
        {
            wait.state = state;
        }
    }
}
