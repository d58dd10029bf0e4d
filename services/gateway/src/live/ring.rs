//! The newest events, in order.

use std::{collections::VecDeque, sync::Arc};

use super::change::{Place, Shared};

/// Holds every event behind `floor` up to `newest`, and of older ones nothing.
#[derive(Debug)]
pub(super) struct Ring {
    events: VecDeque<Arc<Shared>>,
    floor: Place,
    newest: Place,
    bytes: usize,
    most_events: usize,
    most_bytes: usize,
}

/// What a ring knows of a place that somebody wants to go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It was there.
    Here,
    /// There was another event in that place: the order is another one.
    Other,
    /// It lies outside; the bus has to be asked.
    Outside,
}

impl Ring {
    pub(super) fn new(most_events: usize, most_bytes: usize) -> Self {
        let none = Place::default();
        Self { events: VecDeque::new(), floor: none, newest: none, bytes: 0, most_events, most_bytes }
    }

    /// Forgets everything and goes on from `floor`.
    pub(super) fn begin(&mut self, floor: Place) {
        self.events.clear();
        (self.floor, self.newest, self.bytes) = (floor, floor, 0);
    }

    pub(super) fn push(&mut self, event: Arc<Shared>) {
        self.newest = event.place;
        self.bytes += event.bytes();
        self.events.push_back(event);
        while self.events.len() > self.most_events || self.bytes > self.most_bytes {
            let Some(oldest) = self.events.pop_front() else { return };
            self.floor = oldest.place;
            self.bytes -= oldest.bytes();
        }
    }

    pub(super) fn floor(&self) -> Place {
        self.floor
    }

    pub(super) fn newest(&self) -> Place {
        self.newest
    }

    /// The events behind `number`; none where some of them are no longer here.
    pub(super) fn after(&self, number: u64) -> Option<impl Iterator<Item = &Arc<Shared>>> {
        let from = self.events.partition_point(|event| event.place.number <= number);
        (number >= self.floor.number).then(|| self.events.range(from..))
    }

    pub(super) fn knows(&self, place: Place) -> Known {
        if place == self.newest || place == self.floor {
            return Known::Here;
        }
        if place.number <= self.floor.number || place.number > self.newest.number {
            return Known::Outside;
        }
        match self.events.binary_search_by_key(&place.number, |event| event.place.number) {
            Ok(at) if place.tag == 0 || self.events[at].place.tag == place.tag => Known::Here,
            Err(_) if place.tag == 0 => Known::Here,
            _ => Known::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::change::tests::event;

    fn ring(numbers: &[u64], most: usize) -> Ring {
        let mut ring = Ring::new(most, usize::MAX);
        for number in numbers {
            ring.push(Shared::new(&event(*number, "008", "")));
        }
        ring
    }

    fn numbers(ring: &Ring, after: u64) -> Option<Vec<u64>> {
        Some(ring.after(after)?.map(|event| event.place.number).collect())
    }

    #[test]
    fn it_knows_what_it_holds() {
        let ring = ring(&[3, 4, 7, 9, 10], 3);
        assert_eq!(numbers(&ring, 4), Some(vec![7, 9, 10]));
        assert_eq!(numbers(&ring, 5), Some(vec![7, 9, 10]));
        assert_eq!(numbers(&ring, 9), Some(vec![10]));
        assert_eq!(numbers(&ring, 10), Some(vec![]));
        assert_eq!(numbers(&ring, 11), Some(vec![]));
        assert_eq!(numbers(&ring, 3), None);
        assert_eq!((ring.floor().number, ring.newest().number), (4, 10));
    }

    #[test]
    fn a_place_of_another_order_is_told() {
        let ring = ring(&[3, 4, 7, 9, 10], 3);
        let place = |number| Place::of(&event(number, "008", ""));
        for (number, known) in
            [(3, Known::Outside), (4, Known::Here), (7, Known::Here), (8, Known::Other), (11, Known::Outside)]
        {
            assert_eq!(ring.knows(place(number)), known, "{number}");
        }
        assert_eq!(ring.knows(Place { tag: 1, ..place(9) }), Known::Other);
        assert_eq!(ring.knows(Place { number: 8, tag: 0 }), Known::Here);
    }

    #[test]
    fn bytes_are_limited_too() {
        let one = Shared::new(&event(1, "008", "")).bytes();
        let mut ring = Ring::new(100, one * 5 / 2);
        for number in 1..=9 {
            ring.push(Shared::new(&event(number, "008", "")));
        }
        assert_eq!(numbers(&ring, 7), Some(vec![8, 9]));
        assert_eq!(numbers(&ring, 6), None);
        ring.begin(Place { number: 20, tag: 5 });
        assert_eq!((numbers(&ring, 9), numbers(&ring, 20)), (None, Some(vec![])));
        ring.push(Shared::new(&event(21, "008", "")));
        assert_eq!(numbers(&ring, 20), Some(vec![21]));
    }
}
