//! A cache played in single steps by dice: each step is one critical section, so
//! a seed is a schedule. Without a bug it keeps its promises in every schedule,
//! and so the oracle must accept all that it plays; with one, the oracle must
//! find it out.

#[path = "changing.rs"]
mod changing;

use super::dice::Dice;
use crate::oracle::Options;
use crate::oracle::history::{History, Op, Reply, Value, carries_tag};
use crate::oracle::recorder::{Clock, Recorder, ThreadLog, Ticket};

/// One thing that is wrong with a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The value goes in one critical section, the flight in a later one.
    InvalidateInTwoSteps,
    /// An insert leaves the flight where it is.
    InsertKeepsFlight,
    /// So does an invalidate.
    InvalidateKeepsFlight,
    /// So does a remove.
    RemoveKeepsFlight,
    /// A superseded flight isn't stored, but can still be joined.
    SupersededIsJoined,
    /// A flight lands whether or not the map still holds it.
    LandsUnowned,
    /// A superseded flight takes whichever flight the map holds out of it.
    RemovesByKey,
    /// A fetch that found nothing claims without looking again.
    ClaimsBlindly,
    /// A fetch that found nothing starts a flight of its own beside another.
    NeverJoins,
    /// A refresh delivers its value but stores nothing.
    RefreshIsLost,
    /// A refresh is content with the value held.
    RefreshHits,
    /// A flight that landed is published first and stored later.
    PublishesFirst,
    /// Values vanish.
    Forgets,
    /// An expire leaves the flight where it is.
    ExpireKeepsFlight,
    /// What is stale is seen by all.
    StaleIsShown,
    /// What is stale is loaded anew while the fetch waits.
    StaleWaits,
    /// An expire leaves nothing.
    ExpireForgets,
    /// A refresh lands though its value was removed.
    RefreshBringsBack,
    /// A write that depends on what is held leaves the flight where it is.
    ConditionKeepsFlight,
    /// One that does nothing supersedes the flight all the same.
    UnmetSupersedes,
    /// A compare and swap compares in one critical section and swaps in another.
    ComparesFirst,
    /// A change of a copy doesn't ask whether what was copied is still held.
    LosesUpdates,
    /// A replace stores its value though none is held.
    ReplacesNothing,
    /// An insert if absent looks in one critical section and stores in another.
    LooksFirst,
    /// An occupied entry removes whatever is held.
    TakesAny,
    /// A change in place leaves the flight where it is.
    ChangeKeepsFlight,
    /// A predicate leaves the flights where they are.
    OvertakesNothing,
    /// What a predicate was asked of isn't looked at again before it goes.
    DoomsAny,
    /// A strike leaves what is held.
    StrikeSparesHeld,
    /// A flight lands though the tag of what it brings was struck.
    StruckLands,
    /// What a struck flight brings is given to those who came after the strike, too.
    StruckIsDelivered,
    /// A value that takes the place of another hasn't got its tag.
    TagIsLost,
}

/// How the cache is built and used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// What the cache may do; the oracle is told the same.
    pub(crate) options: Options,
    /// How many loads may run at a time.
    pub(crate) loads_at_once: usize,
    /// One in how many steps of a waiting caller is that he goes away.
    pub(crate) leaving: Option<usize>,
    /// Whether calls are made that change what is held in dependence on it, and strikes of the tag.
    pub(crate) changing: bool,
    /// What is wrong.
    pub(crate) bug: Option<Bug>,
}

/// How many threads play, and how many calls each makes.
pub(crate) const THREADS: usize = 4;
pub(crate) const CALLS: usize = 8;
/// The same where one call may be recorded as three.
const CHANGES: usize = 5;

/// Where a thread is.
enum At {
    Idle,
    /// Called, but nothing done yet.
    Called(Op),
    /// A fetch that found nothing at its first look.
    Missed(Op),
    /// A fetch that found a stale value, and is about to have it loaded anew.
    Renewing(Value),
    /// An invalidate in two steps, between them.
    Halfway,
    /// Waits for a flight.
    Waiting(Op, usize),
    /// Has seen what is held, and is about to write if it still is.
    Writing(Op, Option<Value>),
    /// Has changed a value in place from the first to the second, and is about to store that anew.
    Restoring(Value, Value),
    /// Has overtaken all flights, and is about to ask of what is held.
    Asking(Ticket),
    /// Is about to remove what it has asked of.
    Dooming(Value),
    /// Has its answer, but hasn't returned.
    Answered(Reply),
}

struct Thread {
    at: At,
    left: usize,
    looked_again: bool,
    /// How many strikes there had been when it last began to wait.
    came: u64,
    /// What it last saw.
    seen: Option<Value>,
    ticket: Option<Ticket>,
    log: ThreadLog,
}

/// How far a flight is.
#[derive(Clone, Copy)]
enum Stage {
    Queued,
    Loading(Value),
    /// Has left the map, but the waiters don't know.
    Landed(Result<Value, ()>),
    /// Delivered, but not stored: only with a bug.
    Unstored(Value),
    Over(Result<Value, ()>),
}

struct Flight {
    stage: Stage,
    superseded: bool,
    refreshes: bool,
    /// Whether a fetch left it behind that was served a stale value.
    background: bool,
    /// How many wait for it.
    waiting: usize,
    /// How many strikes there had been when its load began.
    stamp: u64,
    /// Whether it was struck since.
    is_struck: bool,
}

struct Cache {
    setting: Setting,
    dice: Dice,
    clock: Clock,
    recorder: Recorder,
    held: Option<Value>,
    /// Whether that is stale.
    stale: bool,
    /// Whether that carries the tag.
    tagged: bool,
    /// How many strikes of the tag there were.
    strikes: u64,
    /// The flight in the map.
    flying: Option<usize>,
    flights: Vec<Flight>,
}

/// Plays one history.
pub(crate) fn play(setting: Setting, seed: u64) -> History {
    let calls = if setting.changing { CHANGES } else { CALLS };
    let mut threads: Vec<Thread> = (0..THREADS).map(|number| Thread::new(number, calls)).collect();
    let mut cache = Cache::new(setting, seed);
    while threads.iter().any(|thread| !thread.is_done()) {
        let choice = cache.dice.below(THREADS + cache.flights.len() + 1);
        if let Some(thread) = threads.get_mut(choice) {
            cache.step(thread);
        } else if choice - THREADS < cache.flights.len() {
            cache.fly(choice - THREADS);
        } else {
            cache.forget();
        }
    }
    for thread in threads {
        cache.recorder.collect(thread.log);
    }
    cache.recorder.history()
}

impl Thread {
    fn new(number: usize, calls: usize) -> Self {
        Self { at: At::Idle, left: calls, looked_again: false, came: 0, seen: None, ticket: None, log: ThreadLog::new(number) }
    }

    fn is_done(&self) -> bool {
        self.left == 0 && matches!(self.at, At::Idle)
    }
}

impl Cache {
    fn new(setting: Setting, seed: u64) -> Self {
        Self {
            setting,
            dice: Dice::new(seed),
            clock: Clock::default(),
            recorder: Recorder::default(),
            held: None,
            stale: false,
            tagged: false,
            strikes: 0,
            flying: None,
            flights: Vec::new(),
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.setting.bug == Some(bug)
    }

    fn forget(&mut self) {
        let may = self.setting.options.may_forget || self.has(Bug::Forgets);
        if may && self.dice.once_in(8) {
            self.held = None;
        }
    }

    fn step(&mut self, thread: &mut Thread) {
        thread.at = match std::mem::replace(&mut thread.at, At::Idle) {
            At::Idle if thread.left == 0 => At::Idle,
            At::Idle => {
                let op = if self.setting.changing { self.choose_change(thread.seen) } else { self.choose() };
                thread.left -= 1;
                thread.looked_again = false;
                thread.ticket = Some(thread.log.call(self.clock.tick(), op));
                At::Called(op)
            }
            At::Called(Op::Overtake) => self.overtake(thread),
            At::Called(op) => self.act(op),
            At::Missed(op) => {
                thread.came = self.strikes;
                self.claim(op)
            }
            At::Renewing(value) => self.renew(value),
            At::Halfway => {
                self.supersede();
                At::Answered(Reply::Done)
            }
            At::Waiting(op, flight) => self.wait(thread, op, flight),
            At::Writing(op, seen) => self.write_over(op, seen),
            At::Restoring(old, new) => self.restore(old, new),
            At::Asking(glimpse) => self.ask(thread, glimpse),
            At::Dooming(value) => self.doom(value),
            At::Answered(reply) => {
                let ticket = thread.ticket.take().expect("it was taken at the call");
                if let Reply::Value(Some(value)) | Reply::Loaded(value) | Reply::Stale(value) = reply {
                    thread.seen = Some(value);
                }
                thread.log.ret(ticket, self.clock.tick(), reply);
                At::Idle
            }
        };
    }

    fn choose(&mut self) -> Op {
        match self.dice.below(17) {
            12 | 13 => Op::Expire,
            14 => Op::FetchStale,
            15 => Op::Entry,
            16 => Op::Fetch,
            0 => Op::Insert(self.recorder.fresh()),
            1 => Op::Invalidate,
            2 => Op::Remove,
            3 | 4 => Op::Get,
            5 => Op::Contains,
            6..=9 => Op::Fetch,
            _ => Op::Refresh,
        }
    }

    fn act(&mut self, op: Op) -> At {
        match op {
            Op::Insert(value) => {
                (self.held, self.stale, self.tagged) = (Some(value), false, carries_tag(value));
                match self.queued() {
                    Some(flight) => self.answer(flight, value),
                    None => self.supersede_unless(Bug::InsertKeepsFlight),
                }
                At::Answered(Reply::Done)
            }
            Op::Invalidate => {
                self.held = None;
                if self.has(Bug::InvalidateInTwoSteps) {
                    return At::Halfway;
                }
                self.supersede_unless(Bug::InvalidateKeepsFlight);
                At::Answered(Reply::Done)
            }
            Op::Remove => {
                self.supersede_unless(Bug::RemoveKeepsFlight);
                let shown = self.shown();
                self.held = None;
                At::Answered(Reply::Value(shown))
            }
            Op::Expire => {
                let shown = self.shown();
                self.stale = true;
                if self.has(Bug::ExpireForgets) {
                    self.held = None;
                }
                self.supersede_unless(Bug::ExpireKeepsFlight);
                At::Answered(Reply::Present(shown.is_some()))
            }
            Op::Get => At::Answered(Reply::Value(if self.has(Bug::StaleIsShown) { self.held } else { self.shown() })),
            Op::FetchStale => At::Answered(match self.held {
                Some(value) if self.stale => Reply::Stale(value),
                held => Reply::Value(held),
            }),
            Op::Contains => At::Answered(Reply::Present(self.shown().is_some())),
            Op::Entry => self.shown().map_or(At::Missed(op), |value| At::Answered(Reply::Loaded(value))),
            Op::Fetch => match self.held {
                Some(value) if self.stale && !self.has(Bug::StaleWaits) => At::Renewing(value),
                Some(value) if !self.stale => At::Answered(Reply::Loaded(value)),
                _ => At::Missed(op),
            },
            Op::Refresh => match self.held {
                Some(value) if self.has(Bug::RefreshHits) => At::Answered(Reply::Loaded(value)),
                _ => At::Missed(op),
            },
            _ => self.change(op),
        }
    }

    fn claim(&mut self, op: Op) -> At {
        let again = op != Op::Refresh && !self.has(Bug::ClaimsBlindly);
        match self.held {
            Some(value) if again && !self.stale => return At::Answered(Reply::Loaded(value)),
            Some(value) if again && op == Op::Fetch && !self.has(Bug::StaleWaits) => return At::Answered(Reply::Stale(value)),
            _ => {}
        }
        if let (false, Some(flight)) = (self.has(Bug::NeverJoins), self.flying) {
            return self.join(op, flight);
        }
        let flight = self.lead(op == Op::Refresh, false);
        self.join(op, flight)
    }

    fn join(&mut self, op: Op, flight: usize) -> At {
        self.flights[flight].waiting += 1;
        At::Waiting(op, flight)
    }

    fn lead(&mut self, refreshes: bool, background: bool) -> usize {
        let stage = Stage::Queued;
        self.flights.push(Flight { stage, superseded: false, refreshes, background, waiting: 0, stamp: 0, is_struck: false });
        let flight = self.flights.len() - 1;
        self.flying = Some(flight);
        flight
    }

    /// Has a stale value loaded anew, if it is held still and nobody does so.
    fn renew(&mut self, value: Value) -> At {
        if self.held.is_some() && self.stale && self.flying.is_none() {
            self.lead(false, true);
        }
        At::Answered(Reply::Stale(value))
    }

    /// What is held, unless it is stale.
    fn shown(&self) -> Option<Value> {
        self.held.filter(|_| !self.stale)
    }

    fn wait(&mut self, thread: &mut Thread, op: Op, flight: usize) -> At {
        let Flight { superseded, is_struck, stamp, .. } = self.flights[flight];
        // The first strike since the load began is the one that counts.
        let came_late = is_struck && thread.came > stamp && !self.has(Bug::StruckIsDelivered);
        match self.flights[flight].stage {
            Stage::Over(Ok(_)) if came_late => At::Called(op),
            Stage::Over(Ok(value)) | Stage::Unstored(value) => At::Answered(Reply::Loaded(value)),
            Stage::Over(Err(())) if superseded && !thread.looked_again => {
                thread.looked_again = true;
                At::Called(op)
            }
            Stage::Over(Err(())) => At::Answered(Reply::Failed),
            Stage::Queued | Stage::Loading(_) | Stage::Landed(_) => {
                let leaves = self.setting.leaving;
                if leaves.is_some_and(|times| self.dice.once_in(times)) {
                    thread.ticket = None;
                    self.flights[flight].waiting -= 1;
                    return At::Idle;
                }
                At::Waiting(op, flight)
            }
        }
    }

    fn supersede_unless(&mut self, bug: Bug) {
        if !self.has(bug) {
            self.supersede();
        }
    }

    fn supersede(&mut self) {
        let Some(flight) = self.flying else {
            return;
        };
        if self.queued().is_some() {
            return;
        }
        self.flights[flight].superseded = true;
        if !self.has(Bug::SupersededIsJoined) {
            self.flying = None;
        }
    }

    /// The key's flight, if it waits for its turn.
    fn queued(&self) -> Option<usize> {
        let waits = |&flight: &usize| self.setting.options.queued_flights && matches!(self.flights[flight].stage, Stage::Queued);
        self.flying.filter(waits)
    }

    /// An insert makes a queued flight's load needless.
    fn answer(&mut self, flight: usize, value: Value) {
        self.flights[flight].stage = Stage::Landed(Ok(value));
        self.flying = None;
    }

    /// Takes a flight one step on.
    fn fly(&mut self, flight: usize) {
        let stage = match self.flights[flight].stage {
            Stage::Queued if self.running() < self.setting.loads_at_once => {
                self.flights[flight].stamp = self.strikes;
                Stage::Loading(self.recorder.load(self.clock.tick()))
            }
            Stage::Queued => Stage::Queued,
            // A load takes a while.
            Stage::Loading(value) if self.dice.once_in(2) => Stage::Loading(value),
            Stage::Loading(value) => self.land(flight, value),
            Stage::Landed(result) => Stage::Over(result),
            Stage::Unstored(value) => {
                self.store(flight, value);
                Stage::Over(Ok(value))
            }
            Stage::Over(result) => Stage::Over(result),
        };
        self.flights[flight].stage = stage;
    }

    fn running(&self) -> usize {
        let loading = |flight: &&Flight| matches!(flight.stage, Stage::Loading(_));
        self.flights.iter().filter(loading).count()
    }

    fn land(&mut self, flight: usize, value: Value) -> Stage {
        if self.setting.options.loads_may_fail && self.dice.once_in(4) {
            if self.flying == Some(flight) {
                self.flying = None;
            }
            return Stage::Landed(Err(()));
        }
        if self.has(Bug::PublishesFirst) {
            return Stage::Unstored(value);
        }
        self.store(flight, value);
        Stage::Landed(Ok(value))
    }

    fn store(&mut self, flight: usize, value: Value) {
        let owned = self.flying == Some(flight);
        if owned || self.has(Bug::RemovesByKey) || self.has(Bug::LandsUnowned) {
            self.flying = None;
        }
        let superseded = self.flights[flight].superseded;
        let lost = self.flights[flight].refreshes && self.has(Bug::RefreshIsLost);
        // For the sake of a value that is gone nothing is stored, unless somebody waits.
        let Flight { background, waiting, .. } = self.flights[flight];
        let needless = background && self.held.is_none() && waiting == 0;
        let back = background && self.has(Bug::RefreshBringsBack);
        self.flights[flight].is_struck = carries_tag(value) && self.strikes > self.flights[flight].stamp;
        if self.flights[flight].is_struck && !self.has(Bug::StruckLands) {
            return;
        }
        if (owned && !superseded && !lost && !needless) || self.has(Bug::LandsUnowned) || back {
            (self.held, self.stale, self.tagged) = (Some(value), false, carries_tag(value));
        }
    }
}
