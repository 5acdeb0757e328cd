//! Places where loads run, and how a thread may block without holding up a runtime.

use crate::ground::contain::contain;
use crate::ground::janitor;
use crate::ground::pool::{BoxFuture, Job};
use crate::ground::process::Process;
use crate::ground::sync::Arc;
use crate::vocabulary::spawner::{SpawnError, Spawner};
use std::time::Duration;

/// Where a cache's loads may run.
pub(crate) struct Places {
    /// The builder's, which comes before all others.
    spawner: Option<Arc<dyn Spawner>>,
    /// The runtime that the cache was built in.
    #[cfg(feature = "tokio")]
    built_in: Option<tokio::runtime::Handle>,
}

/// What the caller that missed is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Task,
    Thread,
}

/// The place chosen for one load.
#[derive(Clone)]
pub(crate) enum Chosen {
    Spawner(Arc<dyn Spawner>),
    #[cfg(feature = "tokio")]
    Runtime(tokio::runtime::Handle),
    /// The runtime of the build; if it has ended, the cache's own threads.
    #[cfg(feature = "tokio")]
    RuntimeOrElse(tokio::runtime::Handle, Arc<Process>),
    OwnThreads(Arc<Process>),
}

impl Places {
    /// The places of a cache that is built here and now.
    pub(crate) fn new(spawner: Option<Arc<dyn Spawner>>) -> Self {
        Self {
            spawner,
            #[cfg(feature = "tokio")]
            built_in: tokio::runtime::Handle::try_current().ok().filter(runs_by_itself),
        }
    }

    /// A timer of the builder's spawner, if it has some.
    pub(super) fn sleep(&self, wait: Duration) -> Option<BoxFuture<'static, ()>> {
        let spawner = self.spawner.as_ref()?;
        contain(|| spawner.sleep(wait)).unwrap_or_else(|panic| {
            panic.forget();
            None
        })
    }

    /// Where an async load runs: the builder's spawner, else the runtime of the call, else that of the build, else the cache's own threads.
    pub(super) fn for_async(&self, caller: Caller, process: &Arc<Process>) -> Chosen {
        if let Some(spawner) = &self.spawner {
            return Chosen::Spawner(Arc::clone(spawner));
        }
        #[cfg(feature = "tokio")]
        {
            // A thread that waits in a current-thread runtime is the one that would have to drive it.
            let here = tokio::runtime::Handle::try_current().ok();
            let here = here.filter(|runtime| caller == Caller::Task || runs_by_itself(runtime));
            if let Some(runtime) = here {
                return Chosen::Runtime(runtime);
            }
            if let Some(runtime) = &self.built_in {
                return Chosen::RuntimeOrElse(runtime.clone(), Arc::clone(process));
            }
        }
        let _ = caller;
        Chosen::OwnThreads(Arc::clone(process))
    }

    /// Where a blocking load runs that has no thread of its own.
    pub(super) fn for_blocking(&self, process: &Arc<Process>) -> Chosen {
        match &self.spawner {
            Some(spawner) => Chosen::Spawner(Arc::clone(spawner)),
            None => Chosen::OwnThreads(Arc::clone(process)),
        }
    }
}

impl Chosen {
    /// This place, or the cache's own threads where it is a runtime that may have ended since it was chosen.
    pub(super) fn or_own_threads(self, process: &Arc<Process>) -> Self {
        match self {
            #[cfg(feature = "tokio")]
            Self::Runtime(runtime) => Self::RuntimeOrElse(runtime, Arc::clone(process)),
            other => {
                let _ = process;
                other
            }
        }
    }

    /// Runs a load. One that is refused is dropped, and its guard tells those who wait; so it is if the spawner panics.
    pub(super) fn drive(&self, load: BoxFuture<'static, ()>) {
        match self {
            Self::Spawner(spawner) => {
                let spawner = Arc::clone(spawner);
                ask(move || spawner.spawn(load));
            }
            #[cfg(feature = "tokio")]
            Self::Runtime(runtime) => drop(runtime.spawn(load)),
            #[cfg(feature = "tokio")]
            Self::RuntimeOrElse(runtime, process) => {
                let relay = Relay { load: Some(load), process: Arc::clone(process) };
                drop(runtime.spawn(relay.arrive()));
            }
            Self::OwnThreads(process) => drop(process.pool.drive(load)),
        }
    }

    /// A timer of the place's own, where the builder's spawner has some.
    pub(super) fn sleep(&self, wait: Duration) -> Option<BoxFuture<'static, ()>> {
        let Self::Spawner(spawner) = self else { return None };
        if janitor::is_here() {
            // A user's code, and not for the thread that keeps everybody's time: which then keeps this load's, too.
            return None;
        }
        contain(|| spawner.sleep(wait)).unwrap_or_else(|panic| {
            panic.forget();
            None
        })
    }

    /// Runs a load that blocks.
    pub(super) fn run(&self, load: Job) {
        match self {
            Self::Spawner(spawner) => {
                let spawner = Arc::clone(spawner);
                ask(move || spawner.spawn_blocking(load));
            }
            #[cfg(feature = "tokio")]
            Self::Runtime(runtime) => drop(runtime.spawn_blocking(load)),
            #[cfg(feature = "tokio")]
            Self::RuntimeOrElse(_, process) => drop(process.pool.run(load)),
            Self::OwnThreads(process) => drop(process.pool.run(load)),
        }
    }
}

/// Asks a user's spawner, which may take its time. What it doesn't take, or panics over, is dropped.
fn ask(spawn: impl FnOnce() -> Result<(), SpawnError> + Send + 'static) {
    if janitor::is_here() {
        // Not on the thread that keeps everybody's time.
        drop(Process::current().pool.run(Box::new(move || contained(spawn))));
    } else {
        contained(spawn);
    }
}

fn contained(spawn: impl FnOnce() -> Result<(), SpawnError>) {
    if let Err(panic) = contain(spawn) {
        panic.forget();
    }
}

/// A load on its way to a runtime that may have ended, or may end before it begins: then it goes to the cache's own threads.
#[cfg(feature = "tokio")]
struct Relay {
    load: Option<BoxFuture<'static, ()>>,
    process: Arc<Process>,
}

#[cfg(feature = "tokio")]
impl Relay {
    async fn arrive(mut self) {
        if let Some(load) = self.load.take() {
            load.await;
        }
    }
}

#[cfg(feature = "tokio")]
impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(load) = self.load.take() {
            drop(self.process.pool.drive(load));
        }
    }
}

/// Whether a runtime has threads of its own, so that its tasks go on while this thread waits.
#[cfg(feature = "tokio")]
fn runs_by_itself(runtime: &tokio::runtime::Handle) -> bool {
    runtime.runtime_flavor() != tokio::runtime::RuntimeFlavor::CurrentThread
}

/// What to do where a runtime doesn't let its thread block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IfRefused {
    /// Block all the same: nobody is waited for.
    Go,
    /// Panic: whoever is waited for may need this very thread.
    Panic,
}

/// Runs `work`, which blocks, and lets the runtime that this thread belongs to go on meanwhile.
///
/// # Panics
/// If the runtime has no other thread to go on with, and `if_refused` says so.
pub(super) fn blocking<R>(if_refused: IfRefused, work: impl FnOnce() -> R) -> R {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        return blocking_in(&runtime, if_refused, work);
    }
    let _ = if_refused;
    work()
}

/// Runs `work`, which blocks, and lets the runtime that this thread belongs to go on meanwhile; not where that has no other thread to go on with.
pub(super) fn unless_alone<R>(work: impl FnOnce() -> R) -> Option<R> {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        if !runs_by_itself(&runtime) {
            return None;
        }
        let mut work = Some(work);
        return match contain(|| tokio::task::block_in_place(|| work.take().map(|work| work()))) {
            Ok(result) => result,
            // It didn't begin: the runtime refuses to let this thread block, as in a `LocalSet`.
            Err(refusal) if work.is_some() => {
                refusal.forget();
                None
            }
            Err(panic) => std::panic::resume_unwind(panic.0),
        };
    }
    Some(work())
}

#[cfg(feature = "tokio")]
fn blocking_in<R>(runtime: &tokio::runtime::Handle, if_refused: IfRefused, work: impl FnOnce() -> R) -> R {
    if if_refused == IfRefused::Go && !runs_by_itself(runtime) {
        return work();
    }
    let mut work = Some(work);
    let done = contain(|| tokio::task::block_in_place(|| work.take().map(|work| work())));
    match (done, work) {
        (Ok(Some(result)), _) => result,
        (Err(_refusal), Some(work)) => match if_refused {
            IfRefused::Go => work(),
            IfRefused::Panic => panic!(
                "a blocking fetch can't wait on the only thread of a tokio runtime, which the load may need: \
                 use `to_async()` and await, or call it in `spawn_blocking`, or build a multi-thread runtime"
            ),
        },
        (Err(panic), None) => std::panic::resume_unwind(panic.0),
        (Ok(None), _) => unreachable!("block_in_place runs its closure once"),
    }
}
