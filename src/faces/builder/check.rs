//! Checks of what a builder was told: each refusal names the setting, its value and the remedy.

use super::CacheBuilder;
use crate::core::places::Caller;
use crate::core::shared::WithJanitor;
use crate::vocabulary::error::BuildError;
use crate::vocabulary::expiry::Refresh;
use crate::vocabulary::loader::AnyLoader;
use crate::vocabulary::spawner::Spawner;
use std::time::Duration;

impl<K, V, S> CacheBuilder<K, V, S> {
    pub(super) fn check(&self, callers: Caller) -> Result<(), BuildError> {
        let refusals = [self.limits(), self.times(), self.remembering(), self.keepers(callers), self.recurring()];
        refusals.into_iter().flatten().next().map_or(Ok(()), |refusal| Err(BuildError::new(refusal)))
    }

    fn limits(&self) -> Option<String> {
        if self.load_timeout.is_some_and(|limit| limit.is_zero()) {
            return Some("load_timeout is 0: no load could end in time; use Duration::MAX for no limit".to_owned());
        }
        if self.max_concurrent_loads == Some(0) {
            return Some("max_concurrent_loads is 0: no load could ever begin; leave it out for no limit".to_owned());
        }
        if let (None, Some(most)) = (self.max_concurrent_loads, self.max_queued_loads) {
            return Some(format!("max_queued_loads is {most}, but no load is ever queued: set max_concurrent_loads, too, or leave it out"));
        }
        if self.freshness.max_concurrent_refreshes == Some(0) {
            return Some("max_concurrent_refreshes is 0: no value could ever be refreshed; leave it out for no limit".to_owned());
        }
        if self.batch_window.is_some_and(|wait| wait.is_zero()) {
            return Some("batch_window is 0: no miss could wait for another; leave it out to load each at once".to_owned());
        }
        if self.max_batch == 0 {
            return Some("max_batch is 0: no key could ever be loaded; leave it out for no limit".to_owned());
        }
        if self.load_fn.is_none() && self.load_many_fn.is_none() && self.reload_fn.is_some() {
            return Some("async_reload_fn is set without async_loader_fn: give both, or a CacheLoader with `reload`".to_owned());
        }
        None
    }

    fn times(&self) -> Option<String> {
        let rules = &self.freshness.rules;
        let (live, stale, fallback) = (rules.time_to_live, rules.stale_while_revalidate, rules.stale_if_error);
        match rules.refresh {
            Refresh::After(after) if after > live => {
                return Some(format!("refresh_after is {after:?}, longer than time_to_live, which is {live:?}: make it shorter"));
            }
            Refresh::Ahead(part) if !(part > 0.0 && part < 1.0) => {
                return Some(format!("refresh_ahead is {part}: it must be between 0 and 1, both exclusive, 0.8 say"));
            }
            Refresh::Early(early) if !(early.beta > 0.0 && early.beta.is_finite()) => {
                return Some(format!("the factor of refresh_early is {}: it must be above 0 and finite, 1.0 say", early.beta));
            }
            Refresh::Never | Refresh::After(_) | Refresh::Ahead(_) | Refresh::Early(_) => {}
        }
        if !fallback.is_zero() && stale > fallback {
            return Some(format!(
                "stale_while_revalidate is {stale:?}, longer than stale_if_error, which is {fallback:?}: \
                 both count from the end of the time to live; make it shorter, or leave stale_if_error out"
            ));
        }
        if !(0.0..=1.0).contains(&rules.jitter) {
            return Some(format!("ttl_jitter is {}: it must be between 0 and 1, 0.1 say", rules.jitter));
        }
        if self.freshness.soft_timeout.is_zero() {
            return Some("soft_timeout is 0: no load could end in time; use stale_while_revalidate for calls that don't wait".to_owned());
        }
        None
    }

    fn remembering(&self) -> Option<String> {
        if self.freshness.negative_weight == 0 {
            return Some("negative_weight is 0: there would be no bound for what is remembered; use 1".to_owned());
        }
        let backoff = self.freshness.error_backoff?;
        if !(backoff.factor >= 1.0 && backoff.factor.is_finite()) {
            return Some(format!("the factor of error_backoff is {}: it must be 1 or more, and finite", backoff.factor));
        }
        if backoff.first > backoff.max {
            return Some(format!("error_backoff begins with {:?}, more than its longest wait, {:?}", backoff.first, backoff.max));
        }
        None
    }

    /// Whether somebody keeps the time of what is done at intervals.
    #[cfg(feature = "snapshot")]
    fn recurring(&self) -> Option<String> {
        let every = self.recurring.as_ref()?.every;
        if every.is_zero() {
            return Some("autosave is every 0 s: there would be no end of it; use a minute, say".to_owned());
        }
        let is_kept = self.janitor == WithJanitor::Yes || self.clock.mock().is_some() || every == Duration::MAX;
        (!is_kept).then(|| {
            format!("autosave is every {every:?}, but without a janitor nobody keeps it: leave out no_janitor, or save when you choose with Snapshot")
        })
    }

    #[cfg(not(feature = "snapshot"))]
    #[expect(clippy::unused_self, reason = "there is nothing to check without the feature")]
    fn recurring(&self) -> Option<String> {
        None
    }

    /// Whether somebody keeps the time-outs that were asked for.
    fn keepers(&self, callers: Caller) -> Option<String> {
        // Threads keep the time of what they wait for.
        let blocking = callers == Caller::Thread
            && self.load_fn.is_none()
            && self.load_many_fn.is_none()
            && matches!(self.loader, Some(AnyLoader::Blocking(_)));
        if self.janitor == WithJanitor::Yes || blocking || self.clock.mock().is_some() {
            return None;
        }
        let keeps_time = |spawner: &dyn Spawner| spawner.sleep(Duration::ZERO).is_some();
        if self.spawner.as_ref().is_some_and(|spawner| keeps_time(&**spawner)) {
            return None;
        }
        let soft = Some(self.freshness.soft_timeout).filter(|&limit| limit < Duration::MAX);
        let (name, limit) = match (self.load_timeout.filter(|&limit| limit < Duration::MAX), soft) {
            (Some(limit), _) => ("load_timeout", limit),
            (None, Some(limit)) => ("soft_timeout", limit),
            (None, None) => return None,
        };
        Some(format!(
            "{name} is {limit:?}, but without a janitor nobody keeps it for tasks and async loads: \
             give a spawner whose `sleep` has timers, or leave out {name} or no_janitor"
        ))
    }
}
