//! Models of the outbox under loom: no event is left, none is delivered beside another or out of its turn, and whoever waits gets on.

use super::*;
use crate::ground::sync::Arc;
use ::loom::model;
use ::loom::thread;
use std::sync::atomic::{AtomicBool as Unseen, Ordering::SeqCst};

impl Letter for VecDeque<u32> {
    type Event = u32;

    fn len(&self) -> u64 {
        VecDeque::len(self) as u64
    }

    fn next(&mut self) -> Option<u32> {
        self.pop_front()
    }
}

/// An outbox, and a listener that holds what is promised to it. The shard's lock is the one under which numbers are drawn and posted.
struct Scene {
    outbox: Outbox<VecDeque<u32>>,
    shard: Mutex<u32>,
    /// What was delivered, in order. Under a lock that the model sees, so that schedules differ in who is inside.
    told: Mutex<Vec<u32>>,
    /// Whether somebody is inside the listener. Not for the model: it orders nothing.
    is_inside: Unseen,
}

impl Scene {
    fn new() -> Arc<Self> {
        Arc::new(Self { outbox: Outbox::new(), shard: Mutex::new(0), told: Mutex::default(), is_inside: Unseen::new(false) })
    }

    /// Posts a letter of so many events.
    fn post(&self, events: u32) {
        let mut next = self.shard.lock();
        self.outbox.post((*next..*next + events).collect());
        *next += events;
    }

    /// A write: room, events, delivery.
    fn write(&self, events: u32) {
        if self.outbox.is_full() {
            while let Some(turn) = self.outbox.wait_for_room(Sending::Single) {
                self.deliver(turn);
            }
        }
        self.post(events);
        self.outbox.turn().into_iter().for_each(|turn| self.deliver(turn));
    }

    /// Delivers, and what a turn leaves, too, as whoever is sent for then does.
    fn deliver(&self, turn: Turn<'_, VecDeque<u32>>) {
        let mut next = Some(turn);
        while let Some(mut turn) = next {
            while let Some(event) = turn.next() {
                assert!(!self.is_inside.swap(true, SeqCst), "one at a time");
                self.told.lock().push(event);
                self.is_inside.store(false, SeqCst);
            }
            drop(turn);
            next = self.outbox.is_left().then(|| self.outbox.turn()).flatten();
        }
    }

    fn wait_for_all(&self) {
        let events = self.outbox.came();
        while let Some(turn) = self.outbox.wait_until_delivered(events) {
            self.deliver(turn);
        }
    }

    /// Holds that so many events have come, and that all are told.
    fn ends(&self, events: u32) {
        assert!(self.told.lock().iter().copied().eq(0..events), "each once and in order: {:?}", self.told.lock());
        assert_eq!((self.outbox.waiting(), self.outbox.is_left()), (0, false), "none is left");
    }
}

fn apart(scene: &Arc<Scene>, work: impl FnOnce(&Scene) + Send + 'static) -> thread::JoinHandle<()> {
    let scene = Arc::clone(scene);
    thread::spawn(move || work(&scene))
}

/// Every schedule of three threads with at most so many preemptions. Those of two have no such bound.
fn three_threads(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = ::loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

#[test]
fn g15_of_two_who_post_and_deliver_none_leaves_an_event_to_nobody() {
    model(|| {
        let scene = Scene::new();
        let other = apart(&scene, |scene| scene.write(2));
        scene.write(1);
        other.join().expect("nothing panics");
        scene.ends(3);
    });
}

#[test]
fn g15_of_three_who_post_and_deliver_none_leaves_an_event_to_nobody() {
    three_threads(3, || {
        let scene = Scene::new();
        let others = [1, 2].map(|events| apart(&scene, move |scene| scene.write(events)));
        scene.write(1);
        others.into_iter().for_each(|other| other.join().expect("nothing panics"));
        scene.ends(4);
    });
}

/// One posts and leaves the delivery to whoever else is there, as the janitor does.
#[test]
fn g15_what_is_posted_by_one_who_may_not_deliver_is_delivered_or_known_to_be_left() {
    model(|| {
        let scene = Scene::new();
        let janitor = apart(&scene, |scene| {
            scene.post(1);
            // It sends for somebody.
            if scene.outbox.is_left() {
                scene.outbox.turn().into_iter().for_each(|turn| scene.deliver(turn));
            }
        });
        scene.write(1);
        janitor.join().expect("nothing panics");
        scene.ends(2);
    });
}

#[test]
fn g15_who_waits_until_all_is_delivered_gets_on() {
    three_threads(3, || {
        let scene = Scene::new();
        let waits = apart(&scene, |scene| {
            scene.post(1);
            let mine = *scene.shard.lock();
            scene.wait_for_all();
            assert!(scene.told.lock().len() >= mine as usize, "all that came before is told");
        });
        let writes = apart(&scene, |scene| scene.write(2));
        scene.write(1);
        [waits, writes].into_iter().for_each(|thread| thread.join().expect("nothing panics"));
        scene.ends(4);
    });
}

/// A turn is given up while others wait: one of them takes over.
#[test]
fn g15_a_turn_that_ends_early_is_another_s() {
    three_threads(3, || {
        let scene = Scene::new();
        scene.post(3);
        let waits = apart(&scene, Scene::wait_for_all);
        let gives_up = apart(&scene, |scene| {
            if let Some(mut turn) = scene.outbox.turn() {
                let event = turn.next().expect("there are three");
                scene.told.lock().push(event);
            }
            // What is left is for those who come after it, or wait.
            scene.outbox.turn().into_iter().for_each(|turn| scene.deliver(turn));
        });
        scene.wait_for_all();
        [waits, gives_up].into_iter().for_each(|thread| thread.join().expect("nothing panics"));
        scene.ends(3);
    });
}

#[test]
fn g15_who_waits_for_room_gets_on() {
    three_threads(2, || {
        let scene = Scene::new();
        (0..BOUND).for_each(|_| scene.post(1));
        let writers = [1, 1].map(|events| apart(&scene, move |scene| scene.write(events)));
        scene.write(1);
        writers.into_iter().for_each(|writer| writer.join().expect("nothing panics"));
        scene.ends(BOUND as u32 + 3);
    });
}
