//! The oracle is tested before it is trusted: it must reject what broken caches
//! do and accept whatever a correct one may do.
#![allow(dead_code, reason = "the oracle's parts serve several test binaries")]

#[path = "support/oracle/mod.rs"]
mod oracle;

#[path = "support/oracle/selftest/accepts.rs"]
mod accepts;
#[path = "support/oracle/selftest/conditional.rs"]
mod conditional;
#[path = "support/oracle/selftest/dice.rs"]
mod dice;
#[path = "support/oracle/selftest/enumerate.rs"]
mod enumerate;
#[path = "support/oracle/selftest/rejects.rs"]
mod rejects;
#[path = "support/oracle/selftest/script.rs"]
mod script;
#[path = "support/oracle/selftest/stale.rs"]
mod stale;
#[path = "support/oracle/selftest/stepped.rs"]
mod stepped;
#[path = "support/oracle/selftest/sweeping.rs"]
mod sweeping;
#[path = "support/oracle/selftest/toy.rs"]
mod toy;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use dice::Dice;
use oracle::history::{History, Op, Reply};
use oracle::recorder::{Clock, Recorder, ThreadLog};
use oracle::{Options, check};
use script::{FAILING, FORGETFUL, QUEUEING, STRICT};
use stepped::{Bug, CALLS, Setting, THREADS};
use toy::{Invalidate, Toy};

/// Stepped histories for each setting.
const STEPPED: u64 = 2_000;
/// The same where what is held is changed: there are many settings.
const CHANGED: u64 = 800;
/// Histories of the toy on real threads.
const THREADED: u64 = 2_000;

const SETTING: Setting = Setting { options: STRICT, loads_at_once: 4, leaving: None, changing: false, bug: None };

/// Checks histories and keeps the time.
#[derive(Default)]
struct Judge {
    rejected: u64,
    checked: u64,
    spent: Duration,
    slowest: Duration,
}

impl Judge {
    fn hear(&mut self, history: &History, options: Options) -> Result<(), String> {
        let start = Instant::now();
        let verdict = check(history, options);
        let took = start.elapsed();
        self.checked += 1;
        self.spent += took;
        self.slowest = self.slowest.max(took);
        self.rejected += u64::from(verdict.is_err());
        verdict.map_err(|violation| violation.to_string())
    }

    fn report(&self, what: &str) {
        let Self { rejected, checked, spent, slowest } = self;
        println!("{what}: rejected {rejected} in {checked}; checked in {spent:?}, slowest {slowest:?}");
    }
}

/// Plays the setting and holds that the oracle accepts all of it.
#[track_caller]
fn is_never_rejected(what: &str, setting: Setting) {
    let mut judge = Judge::default();
    for seed in 0..if setting.changing { CHANGED } else { STEPPED } {
        let history = stepped::play(setting, seed);
        if let Err(violation) = judge.hear(&history, setting.options) {
            panic!("seed {seed}: {violation}");
        }
    }
    judge.report(what);
}

#[test]
fn a_correct_stepped_cache_is_never_rejected() {
    is_never_rejected("correct", SETTING);
}

#[test]
fn a_correct_stepped_cache_is_never_rejected_when_callers_leave() {
    let leaving = Some(6);
    is_never_rejected("leaving", Setting { leaving, ..SETTING });
}

#[test]
fn a_correct_stepped_cache_is_never_rejected_when_it_forgets() {
    let options = FORGETFUL;
    is_never_rejected("forgetting", Setting { options, ..SETTING });
}

#[test]
fn a_correct_stepped_cache_is_never_rejected_when_loads_fail() {
    let options = FAILING;
    is_never_rejected("failing", Setting { options, ..SETTING });
}

#[test]
fn a_correct_stepped_cache_is_never_rejected_when_loads_queue() {
    let setting = Setting { options: QUEUEING, loads_at_once: 1, leaving: Some(10), ..SETTING };
    is_never_rejected("queueing", setting);
}

#[test]
fn a_correct_stepped_cache_is_never_rejected_when_all_of_it_happens() {
    let setting = Setting {
        options: Options { may_forget: true, loads_may_fail: true, queued_flights: true },
        loads_at_once: 2,
        leaving: Some(10),
        ..SETTING
    };
    is_never_rejected("all of it", setting);
}

#[test]
fn a_correct_stepped_cache_is_never_rejected_when_it_changes_what_is_held() {
    is_never_rejected("changing", Setting { changing: true, ..SETTING });
    is_never_rejected("changing, leaving", Setting { changing: true, leaving: Some(6), ..SETTING });
    is_never_rejected("changing, forgetting", Setting { changing: true, options: FORGETFUL, ..SETTING });
    let options = Options { may_forget: true, loads_may_fail: true, queued_flights: true };
    is_never_rejected("changing, all of it", Setting { changing: true, options, loads_at_once: 2, leaving: Some(10), bug: None });
    let setting = Setting { changing: true, options: QUEUEING, loads_at_once: 1, leaving: Some(10), bug: None };
    is_never_rejected("changing, queueing", setting);
}

#[test]
fn every_bug_of_a_stepped_cache_that_changes_what_is_held_is_caught() {
    let bugs = [
        Bug::ConditionKeepsFlight,
        Bug::UnmetSupersedes,
        Bug::ComparesFirst,
        Bug::LosesUpdates,
        Bug::ReplacesNothing,
        Bug::LooksFirst,
        Bug::TakesAny,
        Bug::ChangeKeepsFlight,
        Bug::OvertakesNothing,
        Bug::DoomsAny,
        Bug::StrikeSparesHeld,
        Bug::StruckLands,
        Bug::StruckIsDelivered,
        Bug::TagIsLost,
    ];
    for bug in bugs {
        let mut judge = Judge::default();
        let setting = Setting { bug: Some(bug), changing: true, ..SETTING };
        // Most schedules don't show the bug.
        let shown = (0..STEPPED).find(|&seed| judge.hear(&stepped::play(setting, seed), setting.options).is_err());
        judge.report(&format!("{bug:?}"));
        assert!(shown.is_some(), "{bug:?} was never caught");
    }
}

#[test]
fn every_bug_of_a_stepped_cache_is_caught() {
    let bugs = [
        Bug::InvalidateInTwoSteps,
        Bug::InsertKeepsFlight,
        Bug::InvalidateKeepsFlight,
        Bug::RemoveKeepsFlight,
        Bug::SupersededIsJoined,
        Bug::LandsUnowned,
        Bug::RemovesByKey,
        Bug::ClaimsBlindly,
        Bug::NeverJoins,
        Bug::RefreshIsLost,
        Bug::RefreshHits,
        Bug::PublishesFirst,
        Bug::Forgets,
        Bug::ExpireKeepsFlight,
        Bug::StaleIsShown,
        Bug::StaleWaits,
        Bug::ExpireForgets,
        Bug::RefreshBringsBack,
    ];
    for bug in bugs {
        let mut judge = Judge::default();
        let setting = Setting { bug: Some(bug), ..SETTING };
        for seed in 0..STEPPED {
            // The verdict is counted; most schedules don't show the bug.
            drop(judge.hear(&stepped::play(setting, seed), setting.options));
        }
        judge.report(&format!("{bug:?}"));
        assert!(judge.rejected > 0, "{bug:?} was never caught");
    }
}

#[test]
fn the_bugs_that_show_a_value_from_before_a_write_are_caught_though_the_cache_forgets() {
    let bugs = [
        Bug::InvalidateInTwoSteps,
        Bug::InsertKeepsFlight,
        Bug::InvalidateKeepsFlight,
        Bug::RemoveKeepsFlight,
        Bug::SupersededIsJoined,
        Bug::LandsUnowned,
        Bug::RefreshIsLost,
        Bug::RefreshHits,
        Bug::ExpireKeepsFlight,
        Bug::StaleIsShown,
        Bug::RefreshBringsBack,
    ];
    for bug in bugs {
        let mut judge = Judge::default();
        let setting = Setting { options: FORGETFUL, leaving: Some(10), bug: Some(bug), ..SETTING };
        for seed in 0..STEPPED {
            // The verdict is counted; most schedules don't show the bug.
            drop(judge.hear(&stepped::play(setting, seed), setting.options));
        }
        judge.report(&format!("{bug:?}, forgetting"));
        assert!(judge.rejected > 0, "{bug:?} was never caught");
    }
}

#[test]
fn the_search_finds_an_order_exactly_if_trying_all_of_them_does() {
    let all = Options { may_forget: true, loads_may_fail: true, queued_flights: true };
    let (mut good, mut bad) = (0, 0);
    for seed in 0..10_000 {
        let history = enumerate::babble(seed, seed % 4 >= 2);
        if history.flaw().is_some() {
            continue;
        }
        // Failing loads switch the count of loads off, which is no search.
        let options = if seed % 2 == 0 { FAILING } else { all };
        let found = check(&history, options);
        let exists = enumerate::explains(&history, options);
        assert_eq!(found.is_ok(), exists, "seed {seed}: {found:?}");
        *(if exists { &mut good } else { &mut bad }) += 1;
    }
    println!("babble: {good} good, {bad} bad");
    assert!(good > 500 && bad > 500, "{good} good, {bad} bad");
}

/// One history of the toy on real threads.
fn threaded(invalidate: Invalidate, seed: u64) -> History {
    let (clock, recorder) = (Clock::default(), Recorder::default());
    let toy = Toy::new(&clock, &recorder, invalidate);
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (toy, clock, recorder, start) = (&toy, &clock, &recorder, &start);
            scope.spawn(move || {
                let salt = u64::try_from(number).expect("there are four");
                let dice = Dice::new(seed * 4 + salt);
                let mut log = ThreadLog::new(number);
                start.wait();
                drive(toy, clock, recorder, dice, &mut log);
                recorder.collect(log);
            });
        }
    });
    recorder.history()
}

/// What one thread does with the toy.
fn drive(toy: &Toy<'_>, clock: &Clock, recorder: &Recorder, mut dice: Dice, log: &mut ThreadLog) {
    for _ in 0..CALLS {
        let op = match dice.below(12) {
            0 => Op::Insert(recorder.fresh()),
            1 | 2 => Op::Invalidate,
            3 => Op::Remove,
            4 | 5 => Op::Get,
            6 => Op::Contains,
            7..=9 => Op::Fetch,
            _ => Op::Refresh,
        };
        let ticket = log.call(clock.tick(), op);
        let reply = match op {
            Op::Insert(value) => {
                toy.insert(value);
                Reply::Done
            }
            Op::Invalidate => {
                toy.invalidate();
                Reply::Done
            }
            Op::Remove => Reply::Value(toy.remove()),
            Op::Get => Reply::Value(toy.get()),
            Op::Contains => Reply::Present(toy.get().is_some()),
            Op::Fetch => Reply::Loaded(toy.fetch()),
            Op::Refresh => Reply::Loaded(toy.refresh()),
            _ => unreachable!("the toy knows no more than the calls above"),
        };
        log.ret(ticket, clock.tick(), reply);
    }
}

#[test]
fn a_correct_toy_on_real_threads_is_never_rejected() {
    let mut judge = Judge::default();
    for seed in 0..THREADED {
        let history = threaded(Invalidate::Whole, seed);
        if let Err(violation) = judge.hear(&history, STRICT) {
            panic!("seed {seed}: {violation}");
        }
    }
    judge.report("toy");
}

#[test]
fn a_toy_that_invalidates_in_two_steps_on_real_threads_is_caught() {
    let mut judge = Judge::default();
    let mut first = None;
    for seed in 0..THREADED {
        let history = threaded(Invalidate::TwoSteps, seed);
        if let Err(violation) = judge.hear(&history, STRICT) {
            first.get_or_insert(violation);
        }
    }
    judge.report("toy in two steps");
    println!("{}", first.as_deref().unwrap_or("never caught"));
    assert!(judge.rejected > 0, "the bug was never caught");
}

#[test]
fn the_check_runs_on_the_small_stack_of_a_model_checkers_thread() {
    let setting = Setting { leaving: Some(6), bug: Some(Bug::Forgets), ..SETTING };
    let histories: Vec<History> = (0..200).map(|seed| stepped::play(setting, seed)).collect();
    let small = thread::Builder::new().stack_size(24 * 1024);
    let checks = move || {
        let bad = |history: &&History| check(history, STRICT).is_err();
        histories.iter().filter(bad).count()
    };
    let checker = small.spawn(checks).expect("threads can be had");
    assert!(checker.join().expect("no check panics") > 0);
}
