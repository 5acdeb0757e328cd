//! Every interleaving of those who take up a name, who let go of it, and who strike it.

use super::*;
use ::loom::model;
use ::loom::thread;

fn carry(tags: &Arc<Tags>, stamp: u64) -> Labels {
    tags.labels(&["a".into()], stamp).expect("there is a name")
}

/// Three threads: every schedule with at most three preemptions. Models of two have no such bound.
fn model_of_three(model: impl Fn() + Send + Sync + 'static) {
    let mut three_threads = ::loom::model::Builder::new();
    three_threads.preemption_bound = Some(3);
    three_threads.check(model);
}

#[test]
fn a_name_that_is_taken_up_as_its_last_carrier_lets_go_is_held_once() {
    model(|| {
        let tags = Tags::new();
        let first = carry(&tags, 0);
        let other = Arc::clone(&tags);
        let letting_go = thread::spawn(move || drop(first));
        let second = carry(&other, 0);
        letting_go.join().expect("letting go doesn't panic");
        assert_eq!(tags.carried(), 1);
        // It is the one that strikes are looked for at.
        assert!(tags.strike("a", Strike::Invalidate));
        assert_eq!(second.fate(), Fate::Invalidated);
        drop(second);
        assert_eq!(tags.carried(), 0);
    });
}

#[test]
fn g2_a_strike_hits_what_has_begun_whoever_lets_go_of_the_name_meanwhile() {
    model_of_three(|| {
        let tags = Tags::new();
        let begun = tags.now();
        let first = carry(&tags, begun);
        let letting_go = thread::spawn(move || drop(first));
        let other = Arc::clone(&tags);
        let striking = thread::spawn(move || {
            other.strike("a", Strike::Invalidate);
        });
        // A load that began before the strike brings the name at any time.
        let brought = carry(&tags, begun);
        striking.join().expect("striking doesn't panic");
        assert_eq!(brought.fate(), Fate::Invalidated);
        letting_go.join().expect("letting go doesn't panic");
        drop(brought);
        assert_eq!(tags.carried(), 0);
        assert_eq!(carry(&tags, begun).fate(), Fate::Invalidated, "it is remembered");
        assert_eq!(carry(&tags, tags.now()).fate(), Fate::Spared);
    });
}

#[test]
fn g2_what_begins_after_a_strike_is_spared_and_sees_what_that_has_hit() {
    model(|| {
        let tags = Tags::new();
        let mut held = carry(&tags, tags.now());
        let other = Arc::clone(&tags);
        let striking = thread::spawn(move || {
            other.strike("a", Strike::Invalidate);
            // Whoever begins here is spared.
            assert_eq!(carry(&other, other.now()).fate(), Fate::Spared);
        });
        let before = tags.now();
        let seen = held.fate();
        held.stamp_now();
        let restamped = held.fate();
        striking.join().expect("striking doesn't panic");
        // A number that is as high as the strike's was given out only once that had come.
        assert!(before == 0 || tags.now() == before);
        assert!(seen == Fate::Spared || restamped == Fate::Spared, "what was stamped after a strike that was seen is spared");
    });
}

#[test]
fn g2_catching_up_undoes_no_strike_that_comes_meanwhile() {
    model(|| {
        let tags = Tags::new();
        let mut held = tags.labels(&["a".into(), "b".into()], tags.now()).expect("there are names");
        tags.strike("b", Strike::Expire(Tick::from_nanos(5)));
        let other = Arc::clone(&tags);
        let striking = thread::spawn(move || {
            other.strike("a", Strike::Invalidate);
            other.strike("b", Strike::Expire(Tick::from_nanos(9)));
        });
        let fate = held.catch_up();
        striking.join().expect("striking doesn't panic");
        assert!(fate != Fate::Spared);
        assert_eq!(held.fate(), Fate::Invalidated, "whatever was carried out before");
    });
}
