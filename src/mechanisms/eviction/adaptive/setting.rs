//! What the tuner sets: how much of a shard the window takes, and whether what was turned away comes back to a better place.

/// One way to run the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Setting {
    /// The window's share of the capacity, in thousandths.
    pub(super) window: u64,
    /// Whether what the ghost table remembers goes straight to the protected queue.
    pub(super) ghost: bool,
}

impl Setting {
    /// The settings that are tried; the first is the one to begin with.
    pub(super) const ALL: [Self; 6] = [
        Self { window: 100, ghost: true },
        Self { window: 10, ghost: false },
        Self { window: 100, ghost: false },
        Self { window: 500, ghost: false },
        Self { window: 400, ghost: true },
        Self { window: 20, ghost: true },
    ];

    /// The window's share of so much.
    pub(super) fn window_of(self, capacity: u64) -> u64 {
        let share = u128::from(capacity) * u128::from(self.window) / 1_000;
        u64::try_from(share).unwrap_or(u64::MAX).max(1)
    }
}
