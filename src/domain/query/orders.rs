//! Lists of orders.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    filter::{Cursor, Filter, Sort, SortKey},
    order_view::OrderView,
    reading::{Answered, Reading, Stop, unfold},
};
use crate::domain::{
    archive::{ArchiveQuery, ArchivedOrder},
    books::Books,
    id::OrderId,
    order::ClosedOrder,
};

/// A page of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkOrders {
    /// The page.
    pub work_orders: Vec<OrderView>,
    /// How many there are on all pages.
    pub total: u64,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

impl<B: Books> Reading<'_, B> {
    /// Returns a page: open orders as sorted, then closed ones, newest first, if they are asked for.
    pub(super) fn work_orders(
        &mut self,
        filter: &Filter,
        all: bool,
        sort: Sort,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Answered<WorkOrders, B> {
        let only_closed = filter
            .status
            .is_some_and(|status| status.closed().is_some());
        let mut page = WorkOrders::default();
        let mut places = vec![];
        // One more than wanted tells whether there is a next page.
        let wanted = limit.saturating_add(1);
        if !only_closed {
            let keys = self.open_keys(filter, sort, wanted, after, &mut page.total);
            let orders = keys.iter().filter_map(|(_, id)| self.state.order(*id));
            let views = orders.map(|order| OrderView::open(self.state, self.live, order, self.now));
            page.work_orders = views.collect();
            places.extend(keys.into_iter().map(Cursor::Open));
        }
        if (all || only_closed)
            && let Some(query) = filter.archive()
        {
            let query = ArchiveQuery {
                limit: wanted - page.work_orders.len(),
                after: match after {
                    Some(Cursor::Closed(place)) => Some(*place),
                    _ => None,
                },
                ..query
            };
            let (rows, total) = self.closed_rows(filter, query)?;
            page.total += total;
            places.extend(rows.iter().map(|row| Cursor::Closed(row.cursor())));
            let views = rows
                .iter()
                .map(|row| OrderView::closed(self.state, &unfold(row)));
            page.work_orders.extend(views);
        }
        if page.work_orders.len() > limit {
            page.work_orders.truncate(limit);
            page.next = limit
                .checked_sub(1)
                .and_then(|last| places.get(last).copied());
        }
        Ok(page)
    }

    /// Returns the first `limit` places of the open orders behind `after`, and counts all that the filter admits.
    ///
    /// A heap of the best so far: 100,000 orders are looked at once, and only a page of keys is ever kept.
    fn open_keys(
        &self,
        filter: &Filter,
        sort: Sort,
        limit: usize,
        after: Option<&Cursor>,
        total: &mut u64,
    ) -> Vec<SortKey> {
        let after = match after {
            Some(Cursor::Open(key)) => Some(*key),
            // All open orders come before the archive.
            Some(Cursor::Closed(_)) => Some(([i64::MAX; 3], OrderId::from_raw(u32::MAX))),
            None => None,
        };
        let mut best = BinaryHeap::new();
        for order in self.state.orders() {
            if !filter.admits(self.state, order, self.now) {
                continue;
            }
            *total += 1;
            let key = sort.key(self.state, order);
            if after.is_some_and(|after| key <= after) {
                continue;
            }
            if best.len() < limit {
                best.push(key);
            } else if let Some(mut worst) = best.peek_mut()
                && key < *worst
            {
                *worst = key;
            }
        }
        best.into_sorted_vec()
    }

    /// Returns the wanted rows of the archive's page that `query` names, and how many are wanted on all pages.
    fn closed_rows(
        &mut self,
        filter: &Filter,
        query: ArchiveQuery,
    ) -> Answered<(Vec<ArchivedOrder>, u64), B> {
        if filter.archive_suffices() {
            let total = self.books.closed_count(&query).map_err(Stop::Fault)?;
            if query.limit == 0 {
                return Ok((vec![], total));
            }
            let rows = self.books.closed_page(&query).map_err(Stop::Fault)?;
            return Ok((rows, total));
        }
        let beneath = match filter.epic {
            Some(epic) => Some(self.closed_beneath(epic)?),
            None => None,
        };
        let (limit, after, now) = (query.limit, query.after, self.now);
        let (mut rows, mut total) = (vec![], 0);
        let whole = ArchiveQuery {
            after: None,
            ..query
        };
        self.each_closed(&whole, |row| {
            let inside = beneath.as_ref().is_none_or(|ids| ids.contains_key(&row.id));
            if inside && filter.admits_closed(&unfold(&row).order, now) {
                total += 1;
                if rows.len() < limit && after.is_none_or(|after| row.cursor() < after) {
                    rows.push(row);
                }
            }
        })?;
        Ok((rows, total))
    }

    /// Returns the closed orders anywhere beneath an order.
    pub(super) fn closed_beneath(
        &mut self,
        root: OrderId,
    ) -> Answered<BTreeMap<OrderId, ClosedOrder>, B> {
        let (closed, _) = self.some_closed_beneath(root, usize::MAX)?;
        Ok(closed.into_iter().collect())
    }

    /// Returns at most `most` closed orders beneath an order, level by level, and how many more there are: those that
    /// only orders without room lead to are not counted.
    pub(super) fn some_closed_beneath(
        &mut self,
        root: OrderId,
        most: usize,
    ) -> Answered<(Vec<(OrderId, ClosedOrder)>, usize), B> {
        let (mut closed, mut more) = (Vec::new(), 0);
        let mut seen = BTreeSet::from([root]);
        let mut parents = VecDeque::from([root]);
        while let Some(parent) = parents.pop_front() {
            if let Some(order) = self.state.order(parent) {
                let fresh = order.children.iter().filter(|child| seen.insert(**child));
                parents.extend(fresh);
                if order.children_completed == 0 && order.children_cancelled == 0 {
                    continue;
                }
            }
            let query = ArchiveQuery {
                parent: Some(parent),
                ..ArchiveQuery::default()
            };
            let (room, mut read) = (most - closed.len(), 0);
            let all = self.some_closed(&query, room, |row| {
                read += 1;
                if seen.insert(row.id) {
                    let form = unfold(&row);
                    let order = &form.order;
                    let childless = order.children_completed == 0 && order.children_cancelled == 0;
                    if !childless || !order.children.is_empty() {
                        parents.push_back(row.id);
                    }
                    closed.push((row.id, form));
                }
            })?;
            if !all {
                let count = self.books.closed_count(&query).map_err(Stop::Fault)?;
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                more += count.saturating_sub(read);
            }
        }
        Ok((closed, more))
    }
}
