//! Calls for many keys that are judged by the oracle: each of two keys has a history of its own, and none that could not be.

use crate::oracle::history::{Op, Reply, Value};
use crate::oracle::recorder::{Clock, Recorder, ThreadLog};
use crate::oracle::{Options, check};
use crate::world::{OnShuttle, Pause, below, explore, join, spawn};
use bellwether::{BoxError, Cache, CacheBuilder, CacheLoader, LoadError, LoadSink, Loaded, async_trait};
use std::sync::Arc;

/// Two keys, each with a history of its own: the cache is asked for both at once, and no key's history is one that could not be.
#[derive(Clone, Default)]
struct TwoKeys {
    clock: Arc<Clock>,
    recorders: Arc<[Recorder; 2]>,
}

#[async_trait]
impl CacheLoader<u8, Value> for TwoKeys {
    type Error = BoxError;

    async fn load(&self, key: &u8) -> Result<Loaded<Value>, BoxError> {
        let value = self.begin(*key);
        Pause(below(2)).await;
        Loaded::ok(value)
    }

    async fn load_many(&self, keys: &[u8], out: LoadSink<u8, Value>) -> Result<(), BoxError> {
        let begun: Vec<_> = keys.iter().map(|key| (*key, self.begin(*key))).collect();
        for (key, value) in begun {
            Pause(below(3)).await;
            out.put(&key, value);
        }
        Ok(())
    }
}

fn loaded(result: Result<Arc<Value>, LoadError>) -> Reply {
    result.map_or(Reply::Failed, |value| Reply::Loaded(*value))
}

fn seen(value: Option<Arc<Value>>) -> Reply {
    Reply::Value(value.map(|value| *value))
}

impl TwoKeys {
    /// A load's start.
    fn begin(&self, key: u8) -> Value {
        self.recorders[usize::from(key)].load(self.clock.tick())
    }

    /// Makes a call of `op` for all `keys`, whose answers come in the same order.
    fn note(&self, logs: &mut [ThreadLog; 2], keys: &[u8], op: impl Fn(u8) -> Op, call: impl FnOnce() -> Vec<Reply>) {
        let tickets: Vec<_> = keys.iter().map(|key| logs[usize::from(*key)].call(self.clock.tick(), op(*key))).collect();
        for ((key, ticket), reply) in keys.iter().zip(tickets).zip(call()) {
            logs[usize::from(*key)].ret(ticket, self.clock.tick(), reply);
        }
    }

    fn play(&self, thread: usize, cache: &Cache<u8, Value>) {
        let mut logs = [ThreadLog::new(thread), ThreadLog::new(thread)];
        for _ in 0..3 {
            self.call(&mut logs, cache);
        }
        for (recorder, log) in self.recorders.iter().zip(logs) {
            recorder.collect(log);
        }
    }

    fn call(&self, logs: &mut [ThreadLog; 2], cache: &Cache<u8, Value>) {
        let both: &[u8] = if below(2) == 0 { &[0, 1] } else { &[1, 0] };
        let one = &both[..1];
        let values = |found: bellwether::MultiFetch<u8, Value>| found.into_iter().map(|(_, result)| loaded(result)).collect();
        match below(10) {
            0 | 1 => self.note(logs, both, |_| Op::Fetch, || values(cache.multi_fetch_with(both))),
            2 => self.note(logs, both, |_| Op::Fetch, || values(shuttle::future::block_on(cache.to_async().multi_fetch_with(both)))),
            3 => {
                // One that looks and goes away: its loads may land at any time, or never.
                for key in both {
                    let _called = logs[usize::from(*key)].call(self.clock.tick(), Op::Fetch);
                }
                drop(cache.to_async().multi_fetch_with(both));
            }
            4 => self.note(logs, one, |_| Op::Fetch, || vec![loaded(cache.fetch_with(&one[0]))]),
            5 => self.note(
                logs,
                both,
                |_| Op::Get,
                || {
                    let held = cache.multiget(both);
                    both.iter().map(|key| seen(held.get(key).cloned())).collect()
                },
            ),
            6 => self.note(
                logs,
                both,
                |_| Op::Invalidate,
                || {
                    cache.multi_invalidate(both);
                    vec![Reply::Done; 2]
                },
            ),
            7 => self.note(
                logs,
                both,
                |_| Op::Remove,
                || {
                    let removed = cache.multi_remove(both);
                    both.iter()
                        .map(|key| seen(removed.iter().find(|(other, _)| other == key).map(|(_, value)| Arc::clone(value))))
                        .collect()
                },
            ),
            8 => self.note(
                logs,
                one,
                |_| Op::Invalidate,
                || {
                    cache.invalidate(&one[0]);
                    vec![Reply::Done]
                },
            ),
            _ => {
                let fresh = both.iter().map(|key| (*key, self.recorders[usize::from(*key)].fresh())).collect::<Vec<_>>();
                let value_of = |key: u8| fresh.iter().find(|(other, _)| *other == key).map_or(0, |(_, value)| *value);
                let items = fresh.clone();
                self.note(
                    logs,
                    both,
                    |key| Op::Insert(value_of(key)),
                    || {
                        cache.multi_insert(items);
                        vec![Reply::Done; 2]
                    },
                );
            }
        }
    }
}

fn histories(set: fn(CacheBuilder<u8, Value>) -> CacheBuilder<u8, Value>) {
    const OPTIONS: Options = Options { may_forget: false, loads_may_fail: false, queued_flights: true };
    explore(move || {
        let (keys, running) = (TwoKeys::default(), OnShuttle::default());
        let builder = CacheBuilder::new().loader(keys.clone()).shards(1 + below(2)).spawner(running.clone());
        let cache = set(builder).build().expect("the settings make sense");
        let threads = (0..3).map(|thread| {
            let (keys, cache) = (keys.clone(), cache.clone());
            spawn(move || keys.play(thread, &cache))
        });
        join(threads.collect::<Vec<_>>());
        running.rest();
        cache.validate();
        for recorder in &*keys.recorders {
            if let Err(violation) = check(&recorder.history(), OPTIONS) {
                panic!("{violation}");
            }
        }
    });
}

#[test]
fn g2_bulk_every_history_of_each_of_two_keys_is_linearizable() {
    histories(|builder| builder);
}

#[test]
fn g2_bulk_every_history_with_one_permit_is_linearizable() {
    histories(|builder| builder.max_concurrent_loads(1));
}
