//! Does one order wait for another? The search behind every cycle check.
//!
//! It goes from both ends and spends alike on each, so it costs about twice the smaller side: what the one waits for,
//! or what waits for the other. Visits are marked with the number of the search, so nothing is cleared between two.

use std::cell::RefCell;

use super::{Graph, order_map::OrderMap};
use crate::domain::id::OrderId;

/// Marks in a page: a thread keeps 16 KiB for every 4,096 numbers it has met, whatever the highest number.
const PAGE: usize = 4096;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What a search needs and the next one takes over.
#[derive(Default)]
struct Scratch {
    /// Twice the number of the current search; a mark is this plus the side, 0 or 1.
    epoch: u32,
    works: Vec<Vec<u32>>,
    epics: Vec<Vec<u32>>,
    /// Orders met by each side, in the order of meeting.
    queues: [Vec<OrderId>; 2],
}

impl Scratch {
    fn begin(&mut self) {
        self.queues.iter_mut().for_each(Vec::clear);
        self.epoch = self
            .epoch
            .checked_add(2)
            .filter(|epoch| *epoch < u32::MAX)
            .unwrap_or_else(|| {
                // The numbers have run out: old marks must not be taken for new ones.
                self.works.clear();
                self.epics.clear();
                2
            });
    }

    /// Marks `id` as met by `side`, and returns whether the other side has met it before.
    #[inline]
    fn meet(&mut self, id: OrderId, side: usize) -> bool {
        let pages = if id.is_epic() {
            &mut self.epics
        } else {
            &mut self.works
        };
        let (page, place) = (id.number() as usize / PAGE, id.number() as usize % PAGE);
        if pages.len() <= page {
            pages.resize(page + 1, Vec::new());
        }
        let marks = &mut pages[page];
        if marks.is_empty() {
            marks.resize(PAGE, 0);
        }
        let (mark, own) = (&mut marks[place], self.epoch + side as u32);
        if *mark < self.epoch {
            *mark = own;
            self.queues[side].push(id);
        }
        *mark != own
    }
}

/// Returns whether `from` waits for `to`, directly or not; an order reaches itself.
pub(super) fn reaches(graph: &Graph, from: OrderId, to: OrderId) -> bool {
    from == to || SCRATCH.with_borrow_mut(|scratch| scratch.search(graph, from, to))
}

impl Scratch {
    fn search(&mut self, graph: &Graph, from: OrderId, to: OrderId) -> bool {
        self.begin();
        self.meet(from, 0);
        self.meet(to, 1);
        let mut next = [graph.waits_for(from), graph.blocks(to)];
        let mut spent = [0, 0];
        let mut done = [0, 0];
        loop {
            // The cheaper step goes first: a hub is opened only when the other side has cost as much.
            let side = usize::from(spent[1] + next[1].len() < spent[0] + next[0].len());
            for &id in next[side] {
                if self.meet(id, side) {
                    return true;
                }
            }
            spent[side] += next[side].len() + 1;
            done[side] += 1;
            let Some(&id) = self.queues[side].get(done[side]) else {
                return false;
            };
            next[side] = if side == 0 {
                graph.waits_for(id)
            } else {
                graph.blocks(id)
            };
        }
    }
}

/// Returns the shortest chain from an order to one it is known to reach, the smaller ids first among equals.
pub(super) fn shortest(graph: &Graph, from: OrderId, to: OrderId) -> Vec<OrderId> {
    // Distances are taken from the far end, so that the walk from the near end can choose the smallest id each time.
    let mut distances = OrderMap::<usize>::default();
    distances.entry(to);
    let mut queue = vec![to];
    let mut done = 0;
    while let Some(&id) = queue.get(done)
        && distances.get(from).is_none()
    {
        done += 1;
        let next = distances.get(id).map_or(0, |distance| distance + 1);
        for &after in graph.blocks(id) {
            if distances.get(after).is_none() {
                *distances.entry(after) = next;
                queue.push(after);
            }
        }
    }
    let mut path = vec![from];
    let mut left = distances.get(from).copied().unwrap_or(0);
    let mut at = from;
    while left > 0 {
        left -= 1;
        let closer = |id: &&OrderId| distances.get(**id) == Some(&left);
        let Some(&next) = graph.waits_for(at).iter().find(closer) else {
            break;
        };
        path.push(next);
        at = next;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_old_searches_mean_nothing_when_the_numbers_run_out() {
        let [a, b, c, d] = [1, 2, 3, 4].map(OrderId::work);
        let mut graph = Graph::new();
        graph.insert_edge(a, b);
        graph.insert_edge(c, d);
        let mut scratch = Scratch::default();
        // The first searches leave the very marks that come round again.
        for start in [0, u32::MAX - 7] {
            scratch.epoch = start;
            for _ in 0..6 {
                assert!(scratch.search(&graph, a, b));
                assert!(!scratch.search(&graph, a, d));
            }
        }
        assert!(scratch.epoch < 100);
    }
}
