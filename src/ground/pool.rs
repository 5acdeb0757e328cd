//! The process's own threads: for blocking loads that have no thread of their own, and for async loads where no runtime is.

use super::contain::{contain, drop_contained};
use super::sync::{Arc, Condvar, Mutex, Weak, per_thread, spawn_thread};
use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// A boxed future that may move between threads: what a [`Spawner`](crate::Spawner) is given to run.
///
/// # Examples
/// ```
/// let future: bellwether::BoxFuture<'static, u32> = Box::pin(async { 7 });
/// assert_eq!(futures::executor::block_on(future), 7);
/// ```
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A piece of work that may block.
pub(crate) type Job = Box<dyn FnOnce() + Send + 'static>;

/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(10);

/// Threads that come with the work and go ten seconds after it.
pub(crate) struct Pool {
    state: Mutex<State>,
    work: Condvar,
    /// Most threads at a time; further jobs wait in the queue.
    most: usize,
    /// For jobs that come back to the queue.
    own: Weak<Pool>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    /// Threads whose job waits for another load: they count as if they weren't there, so that a chain of loads always finds a thread.
    waiting: usize,
}

/// What this thread is to the pool.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Stranger,
    /// It runs a job, which holds it for as long as it takes.
    Job,
    /// It polls a future, which doesn't hold it while it waits.
    Poll,
}

per_thread! {
    static ROLE: Cell<Role> = Cell::new(Role::Stranger);
}

/// Held while a job holds a thread of the pool and waits for another load.
pub(crate) struct Away(Arc<Pool>);

impl Drop for Away {
    fn drop(&mut self) {
        self.0.state.lock().waiting -= 1;
    }
}

/// No thread could be had to run anything on.
#[derive(Debug)]
pub(crate) struct NoThread;

impl Pool {
    /// A pool of at most 64 threads, or eight for each core where that is more.
    pub(crate) fn new() -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_most(cores.saturating_mul(8).max(64))
    }

    fn with_most(most: usize) -> Arc<Self> {
        Arc::new_cyclic(|own| Self { state: Mutex::default(), work: Condvar::default(), most, own: Weak::clone(own) })
    }

    /// Runs `job` on a thread of the pool, soon.
    ///
    /// # Errors
    /// If the system gives no thread and the pool has none; the job is dropped.
    pub(crate) fn run(&self, job: Job) -> Result<(), NoThread> {
        let grow = {
            let mut state = self.state.lock();
            state.queue.push_back(job);
            state.grows(self.most)
        };
        if grow {
            return self.add_thread();
        }
        self.work.notify_one();
        Ok(())
    }

    /// Has this thread not count while it is parked, if it is one of the pool's.
    pub(crate) fn parked(self: &Arc<Self>) -> Option<Away> {
        match ROLE.try_with(Cell::get) {
            Ok(Role::Job | Role::Poll) => Some(self.away()),
            Ok(Role::Stranger) | Err(_) => None,
        }
    }

    /// Has this thread not count while a future that it polls is pending, if it is one of the pool's and a job holds it until then.
    pub(crate) fn pending(self: &Arc<Self>) -> Option<Away> {
        match ROLE.try_with(Cell::get) {
            Ok(Role::Job) => Some(self.away()),
            Ok(Role::Poll | Role::Stranger) | Err(_) => None,
        }
    }

    fn away(self: &Arc<Self>) -> Away {
        let grow = {
            let mut state = self.state.lock();
            state.waiting += 1;
            state.grows(self.most)
        };
        let away = Away(Arc::clone(self));
        if grow {
            // Without a thread the job stays where it was, for those that there are.
            drop(self.add_thread());
        }
        away
    }

    /// Polls `future` to its end on threads of the pool.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn drive(&self, future: BoxFuture<'static, ()>) -> Result<(), NoThread> {
        let task = Arc::new(Task { stage: Mutex::new(Stage::Queued(future)), pool: Weak::clone(&self.own) });
        self.run(Box::new(move || task.poll()))
    }

    fn add_thread(&self) -> Result<(), NoThread> {
        let Some(pool) = self.own.upgrade() else { return Err(NoThread) };
        if spawn_thread("bellwether-load", move || pool.work_off()).is_ok() {
            return Ok(());
        }
        let orphans = {
            let mut state = self.state.lock();
            state.threads -= 1;
            // The threads that there are will come to them; without any, nobody would.
            if state.threads == 0 { std::mem::take(&mut state.queue) } else { VecDeque::new() }
        };
        let result = if orphans.is_empty() { Ok(()) } else { Err(NoThread) };
        orphans.into_iter().for_each(drop_contained);
        result
    }

    fn work_off(&self) {
        ROLE.with(|role| role.set(Role::Job));
        let mut idle_since = Instant::now();
        let mut state = self.state.lock();
        loop {
            if state.threads > self.most + state.waiting {
                // Those that waited are back. Whatever this thread was woken for is another's now.
                state.threads -= 1;
                self.work.notify_one();
                return;
            }
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                if let Err(panic) = contain(job) {
                    panic.forget();
                }
                idle_since = Instant::now();
                state = self.state.lock();
                continue;
            }
            let Some(left) = IDLE.checked_sub(idle_since.elapsed()) else {
                state.threads -= 1;
                return;
            };
            state.idle += 1;
            state = self.work.wait_for(state, left);
            state.idle -= 1;
        }
    }
}

impl State {
    /// Whether a thread is to be added for the jobs in the queue, which then is counted.
    fn grows(&mut self, most: usize) -> bool {
        let grows = self.idle < self.queue.len() && self.threads < most + self.waiting;
        self.threads += usize::from(grows);
        grows
    }
}

/// A future on the pool: each waking puts it back into the queue once.
struct Task {
    stage: Mutex<Stage>,
    pool: Weak<Pool>,
}

enum Stage {
    /// Pending, and nothing has woken it.
    Asleep(BoxFuture<'static, ()>),
    /// In the queue.
    Queued(BoxFuture<'static, ()>),
    /// Being polled.
    Running,
    /// Being polled, and woken meanwhile: it goes back into the queue.
    WokenWhileRunning,
    Done,
}

impl Task {
    fn poll(self: Arc<Self>) {
        let taken = std::mem::replace(&mut *self.stage.lock(), Stage::Running);
        let Stage::Queued(mut future) = taken else { return };
        let waker = Waker::from(Arc::clone(&self));
        let role = ROLE.with(|role| role.replace(Role::Poll));
        // Both the poll and the drop of what is done are user code; a panic in either ends the task.
        let pending = contain(|| match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => Some(future),
            Poll::Ready(()) => {
                drop(future);
                None
            }
        });
        ROLE.with(|mine| mine.set(role));
        let pending = pending.unwrap_or_else(|panic| {
            panic.forget();
            None
        });
        let again = {
            let mut stage = self.stage.lock();
            let woken = matches!(*stage, Stage::WokenWhileRunning);
            *stage = match pending {
                None => Stage::Done,
                Some(future) if woken => Stage::Queued(future),
                Some(future) => Stage::Asleep(future),
            };
            matches!(*stage, Stage::Queued(_))
        };
        if again {
            self.requeue();
        }
    }

    fn requeue(self: Arc<Self>) {
        let Some(pool) = self.pool.upgrade() else { return };
        let task = Arc::clone(&self);
        if pool.run(Box::new(move || task.poll())).is_err() {
            // Nobody will ever poll it: the future is dropped, and its guard tells those who wait.
            let stage = std::mem::replace(&mut *self.stage.lock(), Stage::Done);
            drop_contained(stage);
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let wakes = {
            let mut stage = self.stage.lock();
            match std::mem::replace(&mut *stage, Stage::Done) {
                Stage::Asleep(future) => {
                    *stage = Stage::Queued(future);
                    true
                }
                Stage::Running => {
                    *stage = Stage::WokenWhileRunning;
                    false
                }
                other @ (Stage::Queued(_) | Stage::WokenWhileRunning | Stage::Done) => {
                    *stage = other;
                    false
                }
            }
        };
        if wakes {
            self.requeue();
        }
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn jobs_beyond_the_most_threads_wait_and_are_all_done() {
        let pool = Pool::with_most(3);
        let (send, receive) = mpsc::channel();
        for n in 0..100 {
            let send = send.clone();
            pool.run(Box::new(move || send.send(n).expect("the test listens"))).expect("there are threads");
        }
        let mut seen: Vec<i32> = receive.iter().take(100).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        assert!(pool.state.lock().threads <= 3);
    }

    #[test]
    fn g7_jobs_that_wait_for_jobs_in_the_queue_always_find_a_thread() {
        let pool = Pool::with_most(2);
        let (send, receive) = mpsc::channel();
        for n in 0..20 {
            let (pool_of_job, send) = (Arc::clone(&pool), send.clone());
            pool.run(Box::new(move || {
                let (done, child) = mpsc::channel();
                pool_of_job.run(Box::new(move || done.send(n).expect("the parent listens"))).expect("there are threads");
                let _away = pool_of_job.parked();
                send.send(child.recv().expect("the child runs")).expect("the test listens");
            }))
            .expect("there are threads");
        }
        let mut seen: Vec<i32> = receive.iter().take(20).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        // The last of them tells before it is back.
        let start = Instant::now();
        let has_gone_back = || {
            let state = pool.state.lock();
            state.threads <= 2 && state.waiting == 0
        };
        while !has_gone_back() {
            assert!(start.elapsed() < Duration::from_secs(30), "some count as waiting for ever, or are too many");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_thread_too_many_hands_on_what_it_was_woken_for() {
        let pool = Pool::with_most(2);
        let (send, receive) = mpsc::channel::<()>();
        let (away_at, busy) = (mpsc::channel::<()>(), mpsc::channel::<()>());
        let (pool_of_job, gone) = (Arc::clone(&pool), away_at.0);
        let (go_on, back) = mpsc::channel::<()>();
        pool.run(Box::new(move || {
            let away = pool_of_job.parked();
            gone.send(()).expect("the test listens");
            back.recv().expect("the test lets it go on");
            drop(away);
            busy.0.send(()).expect("the test listens");
            back.recv().expect("the test lets it end");
        }))
        .expect("there are threads");
        away_at.1.recv().expect("the job runs");
        // Two more threads, as the first counts as away, and both idle soon.
        let meeting = Arc::new(std::sync::Barrier::new(3));
        for _ in 0..2 {
            let meeting = Arc::clone(&meeting);
            pool.run(Box::new(move || {
                meeting.wait();
            }))
            .expect("there are threads");
        }
        meeting.wait();
        while pool.state.lock().idle < 2 {
            std::thread::yield_now();
        }
        go_on.send(()).expect("the job listens");
        busy.1.recv().expect("the job goes on");
        pool.run(Box::new(move || send.send(()).expect("the test listens"))).expect("there are threads");
        receive.recv_timeout(Duration::from_secs(30)).expect("a thread that isn't too many runs it");
        go_on.send(()).expect("the job listens");
    }

    #[test]
    fn a_panicking_job_leaves_its_thread_usable() {
        let pool = Pool::with_most(1);
        pool.run(Box::new(|| panic!("a job's panic"))).expect("there is a thread");
        let (send, receive) = mpsc::channel();
        pool.run(Box::new(move || send.send(()).expect("the test listens"))).expect("there is a thread");
        receive.recv().expect("the second job runs");
    }

    #[test]
    fn a_future_is_polled_until_it_is_done_however_it_is_woken() {
        let pool = Pool::with_most(2);
        let (send, receive) = mpsc::channel();
        let mut left = 50;
        pool.drive(Box::pin(std::future::poll_fn(move |cx| {
            if left == 0 {
                send.send(()).expect("the test listens");
                return Poll::Ready(());
            }
            left -= 1;
            if left % 2 == 0 {
                cx.waker().wake_by_ref();
            } else {
                let waker = cx.waker().clone();
                std::thread::spawn(move || waker.wake());
            }
            Poll::Pending
        })))
        .expect("there are threads");
        receive.recv().expect("the future ends");
    }
}
