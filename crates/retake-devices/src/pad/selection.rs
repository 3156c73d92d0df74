//! One operator, one pad: which of several counts.

use super::{MappingKind, PadEvent};

/// What a pad announces itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) uuid: String,
    pub(super) mapping: MappingKind,
}

impl Identity {
    fn connected(&self) -> PadEvent {
        PadEvent::Connected { name: self.name.clone(), uuid: self.uuid.clone(), mapping: self.mapping }
    }
}

/// The connected pads in the order in which they came. The first counts; the others wait for it to go.
#[derive(Clone, Debug)]
pub(super) struct Selection<Id> {
    present: Vec<(Id, Identity)>,
}

impl<Id: Copy + PartialEq> Selection<Id> {
    pub(super) const fn new() -> Self {
        Self { present: Vec::new() }
    }

    /// The pad whose words pass.
    pub(super) fn used(&self) -> Option<Id> {
        self.present.first().map(|(id, _)| *id)
    }

    /// A pad came, or came back without a word of its loss in between.
    pub(super) fn connected(&mut self, id: Id, identity: Identity) -> Vec<PadEvent> {
        let announced = identity.connected();
        let ignored =
            format!("Another gamepad, {:?}, is ignored while the first one is connected.", identity.name);
        if let Some(known) = self.present.iter_mut().find(|(known, _)| *known == id) {
            known.1 = identity;
        } else {
            self.present.push((id, identity));
        }
        match self.used() {
            Some(used) if used == id => vec![PadEvent::Disconnected, announced],
            _ => vec![PadEvent::Note { text: ignored }],
        }
    }

    /// A pad went.
    pub(super) fn disconnected(&mut self, id: Id) -> Vec<PadEvent> {
        let was_used = self.used() == Some(id);
        self.present.retain(|(known, _)| *known != id);
        if was_used {
            let next = self.present.first().map(|(_, identity)| identity.connected());
            [PadEvent::Disconnected].into_iter().chain(next).collect()
        } else {
            Vec::new()
        }
    }

    /// All pads went.
    pub(super) fn clear(&mut self) -> Vec<PadEvent> {
        let was_any = !self.present.is_empty();
        self.present.clear();
        if was_any { vec![PadEvent::Disconnected] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str) -> Identity {
        Identity { name: name.into(), uuid: "03".into(), mapping: MappingKind::Database }
    }

    fn kinds(events: &[PadEvent]) -> Vec<String> {
        let kind = |event: &PadEvent| match event {
            PadEvent::Connected { name, .. } => format!("+{name}"),
            PadEvent::Disconnected => "-".to_owned(),
            PadEvent::Note { .. } => "note".to_owned(),
            PadEvent::Button { .. } | PadEvent::Axis { .. } | PadEvent::Trigger { .. } => {
                "control".to_owned()
            }
        };
        events.iter().map(kind).collect()
    }

    #[test]
    fn the_first_pad_counts_and_the_second_is_told_of() {
        let mut pads = Selection::new();
        assert_eq!(pads.used(), None);
        assert_eq!(kinds(&pads.connected(1, identity("a"))), ["-", "+a"]);
        assert_eq!(kinds(&pads.connected(2, identity("b"))), ["note"]);
        assert_eq!(pads.used(), Some(1));
        assert!(pads.disconnected(2).is_empty(), "the loss of a pad that does not count is no loss");
        assert_eq!(kinds(&pads.disconnected(1)), ["-"]);
        assert_eq!(pads.used(), None);
    }

    #[test]
    fn the_second_takes_over_from_a_lost_first_and_keeps_counting_when_that_returns() {
        let mut pads = Selection::new();
        pads.connected(1, identity("a"));
        pads.connected(2, identity("b"));
        assert_eq!(kinds(&pads.disconnected(1)), ["-", "+b"]);
        assert_eq!(kinds(&pads.connected(1, identity("a"))), ["note"]);
        assert_eq!(pads.used(), Some(2));
    }

    #[test]
    fn a_pad_that_comes_twice_starts_anew() {
        let mut pads = Selection::new();
        pads.connected(1, identity("a"));
        assert_eq!(kinds(&pads.connected(1, identity("a again"))), ["-", "+a again"]);
        assert_eq!(kinds(&pads.clear()), ["-"]);
        assert!(pads.clear().is_empty());
    }
}
