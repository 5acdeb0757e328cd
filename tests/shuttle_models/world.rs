//! What the models run in: shuttle's tasks and threads as the spawner, and both of its random schedulers.

use bellwether::{BoxFuture, SpawnError, Spawner};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, MaxSteps, Runner};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

/// Runs loads as tasks and threads of the model, and knows them all: a model waits for those that nobody waits for any more.
#[derive(Clone, Default)]
pub(crate) struct OnShuttle(Arc<Mutex<Vec<Running>>>);

enum Running {
    Task(shuttle::future::JoinHandle<()>),
    Thread(shuttle::thread::JoinHandle<()>),
}

impl OnShuttle {
    fn note(&self, running: Running) {
        self.0.lock().expect("nobody panics under it").push(running);
    }

    /// Waits until no load is running any more.
    pub(crate) fn rest(&self) {
        loop {
            let next = self.0.lock().expect("nobody panics under it").pop();
            match next {
                Some(Running::Task(task)) => shuttle::future::block_on(task).expect("loads contain their panics"),
                Some(Running::Thread(thread)) => thread.join().expect("loads contain their panics"),
                None => return,
            }
        }
    }
}

impl Spawner for OnShuttle {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.note(Running::Task(shuttle::future::spawn(future)));
        Ok(())
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        self.note(Running::Thread(shuttle::thread::spawn(job)));
        Ok(())
    }
}

/// A number below `most`, chosen by the schedule.
pub(crate) fn below(most: usize) -> usize {
    use shuttle::rand::Rng;
    shuttle::rand::thread_rng().gen_range(0..most)
}

fn schedules() -> usize {
    std::env::var("BELLWETHER_SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// Tries `model` on many schedules of both schedulers. A schedule without end fails, as does one in which everybody waits.
pub(crate) fn explore(model: impl Fn() + Send + Sync + Clone + 'static) {
    explore_share(1, model);
}

/// As [`explore`], on so small a share of the schedules: for one of several variants of a model.
pub(crate) fn explore_share(share: usize, model: impl Fn() + Send + Sync + Clone + 'static) {
    let schedules = schedules().div_ceil(share);
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(50_000);
    config.stack_size = 0x20000;
    Runner::new(RandomScheduler::new(schedules), config.clone()).run(model.clone());
    Runner::new(PctScheduler::new(3, schedules), config).run(model);
}

/// Starts a thread of the model.
pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> shuttle::thread::JoinHandle<()> {
    shuttle::thread::spawn(work)
}

/// Waits for threads of the model.
pub(crate) fn join(threads: impl IntoIterator<Item = shuttle::thread::JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().expect("no call panics"));
}

/// Lets others go first, so many times.
pub(crate) struct Pause(pub(crate) usize);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
