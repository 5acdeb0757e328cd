//! A contest: several settings at work side by side on the same requests, each in a miniature simulation of the same capacity.

use super::super::policy::Bounds;
use super::setting::Setting;
use super::simulation::Simulation;

/// What a hit scores.
const HIT: u64 = 1_024;

pub(super) struct Contest {
    contestants: Vec<Contestant>,
    /// Which contestant leads.
    leader: usize,
    /// Scores lose one part in so many at each look.
    lasting: u64,
}

struct Contestant {
    /// Its number among all settings.
    setting: usize,
    simulation: Simulation,
    /// Hits, of which late ones count for more.
    score: u64,
}

impl Contest {
    /// A contest of these settings, the first of which leads until another is better. Scores last for about `lasting` looks.
    pub(super) fn new(bounds: Bounds, settings: impl IntoIterator<Item = usize>, lasting: u64) -> Self {
        let contestant = |setting| Contestant { setting, simulation: Simulation::new(bounds, Setting::ALL[setting]), score: 0 };
        Self { contestants: settings.into_iter().map(contestant).collect(), leader: 0, lasting }
    }

    /// The leader's setting.
    pub(super) fn setting(&self) -> usize {
        self.contestants[self.leader].setting
    }

    /// A key was asked for. Says whether it is a hit by the leader's setting.
    pub(super) fn request(&mut self, hash: u64, weight: u64) -> bool {
        let mut by_leader = false;
        for (at, contestant) in self.contestants.iter_mut().enumerate() {
            let is_hit = contestant.simulation.request(hash, weight);
            contestant.score += if is_hit { HIT } else { 0 };
            by_leader |= is_hit && at == self.leader;
        }
        by_leader
    }

    /// Looks at the scores. Says whether there is a new leader: one that is better by more than chance.
    pub(super) fn look(&mut self) -> bool {
        let best = (0..self.contestants.len()).rev().max_by_key(|&at| self.contestants[at].score).unwrap_or(0);
        let held = self.contestants[self.leader].score;
        let is_better = self.contestants[best].score > held + held / 100 + HIT;
        if is_better {
            self.leader = best;
        }
        for contestant in &mut self.contestants {
            contestant.score -= contestant.score / self.lasting;
        }
        is_better
    }
}
