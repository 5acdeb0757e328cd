//! A fuse makes one chosen call of user code panic: the n-th hash, comparison, clone or drop of a key from now on.

use crate::hush::{ON_PURPOSE, hush};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    Hash,
    Eq,
    Clone,
    Drop,
}

pub(crate) const DEEDS: [Deed; 4] = [Deed::Hash, Deed::Eq, Deed::Clone, Deed::Drop];

/// Lit for one deed, it blows once. Clones are the same fuse.
#[derive(Clone, Default)]
pub(crate) struct Fuse(Arc<Mutex<State>>);

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Cold,
    Lit {
        deed: Deed,
        /// Deeds to let pass.
        pass: u32,
    },
    Blown,
}

impl Fuse {
    /// Has the deed after the next `pass` panic.
    pub(crate) fn light(&self, deed: Deed, pass: u32) {
        hush();
        *self.0.lock().expect("no holder panics") = State::Lit { deed, pass };
    }

    /// Whether it has blown. Nothing panics from here on.
    pub(crate) fn put_out(&self) -> bool {
        let was = std::mem::take(&mut *self.0.lock().expect("no holder panics"));
        matches!(was, State::Blown)
    }

    fn does(&self, doing: Deed) {
        let blows = {
            let mut state = self.0.lock().expect("no holder panics");
            match &mut *state {
                State::Lit { deed, pass: 0 } if *deed == doing => {
                    *state = State::Blown;
                    true
                }
                State::Lit { deed, pass } if *deed == doing => {
                    *pass -= 1;
                    false
                }
                State::Cold | State::Lit { .. } | State::Blown => false,
            }
        };
        assert!(!blows, "{doing:?} of a key fails {ON_PURPOSE}");
    }
}

/// A key whose every deed may panic.
pub(crate) struct Key {
    pub(crate) id: u32,
    /// Keys with the same one have the same hash.
    hash: u32,
    fuse: Fuse,
}

/// Whether the keys of a test have hashes of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hashes {
    Equal,
    Own,
}

/// Makes keys that share a fuse.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) hashes: Hashes,
    pub(crate) fuse: Fuse,
}

impl Keys {
    pub(crate) fn new(hashes: Hashes) -> Self {
        Self { hashes, fuse: Fuse::default() }
    }

    pub(crate) fn key(&self, id: u32) -> Key {
        let hash = match self.hashes {
            Hashes::Equal => 0,
            Hashes::Own => id,
        };
        Key { id, hash, fuse: self.fuse.clone() }
    }
}

impl Key {
    /// Another one that is equal, without the use of `Clone`.
    pub(crate) fn twin(&self) -> Self {
        Self { id: self.id, hash: self.hash, fuse: self.fuse.clone() }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fuse.does(Deed::Hash);
        self.hash.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.fuse.does(Deed::Eq);
        self.id == other.id
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        self.fuse.does(Deed::Clone);
        self.twin()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // A second panic on one thread would end the process, whoever catches the first.
        if !thread::panicking() {
            self.fuse.does(Deed::Drop);
        }
    }
}
