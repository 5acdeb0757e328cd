//! A flight as something that a load waits for: what the search for rings needs to know of it.

use super::map::MOST_ALOFT;
use super::{Begun, Flight};
use crate::ground::sync::atomic::Ordering;
use crate::ground::waits::{Awaited, Queue};

impl<K: Send + Sync, V: Send + Sync> Awaited for Flight<K, V> {
    fn serial(&self) -> u64 {
        self.serial
    }

    fn node(&self) -> u64 {
        match self.crew.load(Ordering::Relaxed) {
            0 => self.serial,
            crew => crew,
        }
    }

    fn berths(&self, takes: &mut dyn FnMut(u64)) {
        let begun = self.begun.load(Ordering::Relaxed);
        if self.kind.is_load() && (begun == Begun::Free as u8 || begun == Begun::OnPermit as u8) {
            takes(self.name.berth);
        }
    }

    fn is_privileged(&self) -> bool {
        // Until it has ended, landed or not: who runs it may be waited for by the very thread.
        self.is_on_permit() || (self.urgent.load(Ordering::Relaxed) && self.begun.load(Ordering::Relaxed) != Begun::Ended as u8)
    }

    fn privilege(&self) {
        self.urgent.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.has_landed()
    }

    fn queue(&self) -> Option<Queue> {
        (!self.has_begun() && self.kind.is_load()).then(|| Queue { berth: self.name.berth, ahead: MOST_ALOFT })
    }
}
