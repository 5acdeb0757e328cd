//! What a critical section leads to once it is over: what it sent on its way is dropped and counted, and the flight whose turn has come begins.

use super::answering::Note;
use super::mail::Mail;
use super::record::Record;
use super::store::Store;
use crate::ground::bag::{Bag, Depart};
use crate::ground::contain::drop_contained;
use crate::ground::time::Deadline;
use crate::mechanisms::answers::{Answers, Remembered};
use crate::mechanisms::flight::{Ended, Flight};
use crate::mechanisms::outbox::Outbox;
use crate::vocabulary::removal::RemovalCause;
use std::sync::Arc;

/// Something whose `Drop` is user code.
enum Departed<K, V> {
    Record(Record<K, V>),
    /// A value that was never held.
    Value(Arc<V>),
    /// A key that isn't needed.
    Key(K),
    Flight(Arc<Flight<K, V>>),
    /// What was remembered of a key.
    Answer(Remembered<K>),
    /// A store that was swapped out whole.
    Store(Box<Store<K, V>>),
    Answers(Box<Answers<K>>),
}

impl<K, V> Depart for Departed<K, V> {
    fn depart(self) {
        match self {
            Self::Record(record) => record.let_go(),
            Self::Value(value) => drop_contained(value),
            Self::Key(key) => drop_contained(key),
            Self::Flight(flight) => drop_contained(flight),
            Self::Answer(answer) => answer.let_go(),
            Self::Store(store) => drop_contained(store),
            Self::Answers(answers) => drop_contained(answers),
        }
    }
}

/// What a call sent on its way, and why, and what begins now that a load has ended.
pub(crate) struct Departures<K, V> {
    things: Bag<Departed<K, V>>,
    counts: [u64; RemovalCause::COUNT],
    /// A flight whose turn to load has come.
    next: Option<Arc<Flight<K, V>>>,
    /// Whether a permit is free.
    permit: bool,
    /// When something is to be reclaimed of what came.
    due: Deadline,
    /// Where there is something to be delivered; mostly one place, or none.
    mail: Option<Outgoing<K, V>>,
    more_mail: Vec<Outgoing<K, V>>,
}

type Outgoing<K, V> = Arc<Outbox<Mail<K, V>>>;

impl<K, V> Departures<K, V> {
    pub(crate) const fn new() -> Self {
        Self {
            things: Bag::new(),
            counts: [0; RemovalCause::COUNT],
            next: None,
            permit: false,
            due: Deadline::NEVER,
            mail: None,
            more_mail: Vec::new(),
        }
    }

    #[cfg(feature = "bulk")]
    /// How many left since the counts were taken.
    pub(super) fn left(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn record(&mut self, record: Record<K, V>) {
        self.things.put(Departed::Record(record));
    }

    pub(super) fn unstored(&mut self, key: K, value: Arc<V>) {
        self.things.put(Departed::Value(value));
        self.key(key);
    }

    pub(crate) fn key(&mut self, key: K) {
        self.things.put(Departed::Key(key));
    }

    /// What isn't noted.
    pub(super) fn note(&mut self, note: Option<Note<'_, K>>) {
        note.and_then(|note| note.key).into_iter().for_each(|key| self.key(key));
    }

    /// A record that leaves while its value stays.
    pub(super) fn uncounted(&mut self, record: Record<K, V>) {
        self.things.put(Departed::Record(record));
    }

    /// A flight whose key may go with it.
    pub(crate) fn flight(&mut self, flight: Option<Arc<Flight<K, V>>>) {
        if let Some(flight) = flight {
            self.things.put(Departed::Flight(flight));
        }
    }

    /// What the end of a load leads to.
    pub(super) fn ended(&mut self, ended: Ended<K, V>) {
        self.next = ended.next.or(self.next.take());
        self.permit |= ended.permit;
    }

    /// Whether a permit is to be passed on, under no lock.
    pub(crate) fn take_permit(&mut self) -> bool {
        std::mem::take(&mut self.permit)
    }

    /// The flight that is to be begun now, under no lock.
    pub(crate) fn take_next(&mut self) -> Option<Arc<Flight<K, V>>> {
        self.next.take()
    }

    /// Something came that is to be reclaimed at `due`.
    pub(super) fn due(&mut self, due: Deadline) {
        self.due = self.due.min(due);
    }

    /// When something that came is to be reclaimed.
    pub(crate) fn take_due(&mut self) -> Deadline {
        std::mem::replace(&mut self.due, Deadline::NEVER)
    }

    /// Something is to be delivered from there.
    pub(super) fn mail(&mut self, outbox: &Outgoing<K, V>) {
        match &self.mail {
            None => self.mail = Some(Arc::clone(outbox)),
            Some(first) if Arc::ptr_eq(first, outbox) => {}
            Some(_) if self.more_mail.last().is_some_and(|last| Arc::ptr_eq(last, outbox)) => {}
            Some(_) => self.more_mail.push(Arc::clone(outbox)),
        }
    }

    /// Where there is something to be delivered, under no lock.
    pub(crate) fn take_mail(&mut self) -> impl Iterator<Item = Outgoing<K, V>> + use<K, V> {
        self.mail.take().into_iter().chain(std::mem::take(&mut self.more_mail))
    }

    pub(super) fn answer(&mut self, answer: Remembered<K>) {
        self.things.put(Departed::Answer(answer));
    }

    /// All that a shard remembered.
    pub(super) fn answers(&mut self, answers: Answers<K>) {
        if answers.len() > 0 {
            self.things.put(Departed::Answers(Box::new(answers)));
        }
    }

    /// All that a shard held.
    pub(super) fn store(&mut self, store: Store<K, V>) {
        self.things.put(Departed::Store(Box::new(store)));
    }

    pub(super) fn count(&mut self, cause: RemovalCause, number: u64) {
        self.counts[cause.index()] += number;
    }

    /// How many left for which cause, since the last call.
    pub(crate) fn take_counts(&mut self) -> [u64; RemovalCause::COUNT] {
        std::mem::take(&mut self.counts)
    }
}
