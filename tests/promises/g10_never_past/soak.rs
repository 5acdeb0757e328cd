//! By the system's clock, on threads that read all the time: no value is seen past the last deadline that it can have.

use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, Fetched, LoadError, Loaded};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

type Of<F> = <F as Kind>::Of<u64, Value>;

const KEYS: u64 = 4;
const WINDOW: Duration = Duration::from_millis(10);
/// How long values are written and read.
const SOAK: Duration = Duration::from_millis(800);

const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Knows the latest instants that its end and its last deadline can be, once whoever stored it has told.
#[derive(Clone)]
struct Value {
    live: Duration,
    /// After it was stored.
    told: Arc<OnceLock<Instant>>,
}

impl Value {
    /// Lives for twenty to fifty milliseconds.
    fn new(number: u64) -> Self {
        Self { live: millis(20 + number % 31), told: Arc::default() }
    }

    fn loaded(&self) -> Loaded<Self> {
        Loaded::value(self.clone()).time_to_live(self.live)
    }

    /// It is stored by now.
    fn tell(&self) {
        self.told.get_or_init(Instant::now);
    }

    /// Asserts that one who asked at `asked` could get it, `window` beyond its end.
    fn is_not_past(&self, asked: Instant, window: Duration, method: &str) {
        let Some(&told) = self.told.get() else { return };
        let last = told + self.live + window;
        assert!(asked < last, "{method}: {:?} past its last deadline", asked - last);
    }
}

/// Loads fail but now and then, so that stale values are wanted.
fn cache<F: Kind>(janitor: bool) -> (Of<F>, Arc<AtomicU64>) {
    let (numbers, loads) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let load = {
        let numbers = Arc::clone(&numbers);
        move |_: &u64| match loads.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => Ok(Value::new(numbers.fetch_add(1, Ordering::Relaxed)).loaded()),
            _ => Err::<_, BoxError>("down".into()),
        }
    };
    let builder = CacheBuilder::new().loader_fn(load).stale_while_revalidate(WINDOW).stale_if_error(2 * WINDOW);
    (F::Of::build(if janitor { builder } else { builder.no_janitor() }), numbers)
}

/// Stores a value, and tells it so.
fn write<F: Kind>(cache: &Of<F>, numbers: &AtomicU64, key: u64) {
    let value = Value::new(numbers.fetch_add(1, Ordering::Relaxed));
    cache.insert_with(key, value.loaded());
    value.tell();
}

/// One round of all ways of reading. Gives how many values it has seen.
fn read<F: Kind>(cache: &Of<F>, key: u64) -> u64 {
    let mut seen = 0;
    let mut check = |asked: Instant, window: Duration, method: &str, value: Option<&Value>| {
        if let Some(value) = value {
            value.is_not_past(asked, window, method);
            seen += 1;
        }
    };
    let now = Instant::now;
    let asked = now();
    check(asked, Duration::ZERO, "fetch", cache.fetch(&key).as_deref());
    let asked = now();
    check(asked, Duration::ZERO, "get", cache.get(&key, Clone::clone).as_ref());
    let asked = now();
    check(asked, Duration::ZERO, "peek", cache.peek(&key).as_deref());
    let asked = now();
    check(asked, 2 * WINDOW, "fetch_stale", cache.fetch_stale(&key).map(|fetched| fetched.value).as_deref());
    let asked = now();
    cache.entries().iter().for_each(|(_, value)| check(asked, Duration::ZERO, "iter", Some(value)));
    let asked = now();
    let fetched: Result<Fetched<Value>, LoadError> = cache.fetch_detailed(&key);
    if let Ok(fetched) = fetched {
        check(asked, 2 * WINDOW, "fetch_detailed", Some(&fetched.value));
        // A load's value was stored before anybody had it, though not told.
        fetched.value.tell();
    }
    seen
}

fn g10_no_value_is_seen_past_its_last_deadline_by_the_system_s_clock<F: Kind>() {
    for janitor in [true, false] {
        let (cache, numbers) = cache::<F>(janitor);
        let (start, seen) = (Instant::now(), AtomicU64::new(0));
        together(3, |thread| {
            let mut round = thread as u64;
            // On a busy machine the time may be over before anybody has looked.
            while start.elapsed() < SOAK || seen.load(Ordering::Relaxed) == 0 {
                let key = round % KEYS;
                if thread == 0 && round % 64 == 0 {
                    write::<F>(&cache, &numbers, key);
                }
                seen.fetch_add(read::<F>(&cache, key), Ordering::Relaxed);
                round += 1;
            }
        });
        assert!(seen.into_inner() > 0);
        at_rest(&cache.sync());
    }
}

/// Nobody reads until the time is over; then everybody does at once.
fn g10_nobody_sees_a_value_that_lay_there_past_its_end<F: Kind>() {
    for janitor in [true, false] {
        for idle in [true, false] {
            let time = millis(30);
            let builder = if idle { CacheBuilder::new().time_to_idle(time) } else { CacheBuilder::new().time_to_live(time) };
            let cache: Of<F> = F::Of::build(if janitor { builder } else { builder.no_janitor() });
            for round in 0..5 {
                (0..KEYS).for_each(|key| cache.insert(key, Value::new(round)));
                let over = Instant::now() + time;
                // To the nanosecond, and not as late as a sleep is.
                std::thread::sleep(over.saturating_duration_since(Instant::now()).saturating_sub(millis(5)));
                while Instant::now() < over {
                    std::hint::spin_loop();
                }
                for key in 0..KEYS {
                    assert!(cache.peek(&key).is_none() && cache.fetch(&key).is_none() && cache.fetch_stale(&key).is_none());
                    assert!(cache.entry_info(&key).is_none() && cache.entries().is_empty() && !cache.contains_key(&key));
                }
            }
            at_rest(&cache.sync());
        }
    }
}

/// A value in use stays, however short its idle time, as long as the uses come in time.
fn g10_an_idle_time_is_not_cut_short_by_the_clock_that_is_read_at_uses<F: Kind>() {
    for time in [millis(60), millis(400), millis(700)] {
        let cache: Of<F> = F::Of::build(CacheBuilder::new().time_to_idle(time));
        let inserted = Instant::now();
        cache.insert(0, Value::new(0));
        let (start, mut used) = (Instant::now(), inserted);
        while start.elapsed() < 2 * time {
            let asked = Instant::now();
            let held = cache.fetch(&0).is_some();
            let answered = Instant::now();
            // Uses are noted to one tick of the kernel's coarse clock, which is ten milliseconds at most, and read as late as two.
            if answered < used + time - millis(25) {
                assert!(held, "used {:?} ago", answered - used);
            }
            match held {
                true => used = asked,
                // The machine was so busy that the use came too late.
                false => break,
            }
        }
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g10_no_value_is_seen_past_its_last_deadline_by_the_system_s_clock,
    g10_nobody_sees_a_value_that_lay_there_past_its_end,
    g10_an_idle_time_is_not_cut_short_by_the_clock_that_is_read_at_uses,
);
