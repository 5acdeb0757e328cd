//! The policies by their names.

use std::fmt;
use std::str::FromStr;

/// Which entry makes room when the cache is full.
///
/// Each has a name, by which it is displayed and parsed: see [`name`](Self::name).
///
/// # Examples
/// ```
/// use bellwether::{Cache, EvictionPolicy};
///
/// let cache = Cache::<u32, u32>::builder().capacity(2).shards(1).eviction(EvictionPolicy::Lru).build()?;
/// cache.insert(1, 10);
/// cache.insert(2, 20);
/// cache.fetch(&1);
/// cache.insert(3, 30);
/// assert!(cache.contains_key(&1) && !cache.contains_key(&2));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum EvictionPolicy {
    /// The default: a window of new entries, in front of entries that have shown to be wanted more often than what they took the place of. The
    /// cache tries other sizes of the window on a sample of its keys, and moves to the one that would have hit most. A hit sets one bit.
    ///
    /// It is `TinyLFU` (Einziger, Friedman, Manes, ACM Transactions on Storage 2017) with lazy promotion, remembered rejections, and tuned by
    /// miniature simulations (Waldspurger, Saemundsson, Ahmad, Park, USENIX ATC 2017).
    #[default]
    Adaptive,
    /// The entry that was used longest ago. A hit leaves an event that the next write works in.
    Lru,
    /// Segmented LRU: what was used once leaves before what was used again. (Karedla, Love, Wherry, IEEE Computer 1994.) A hit leaves an event.
    Slru,
    /// The entry that came first. Hits cost nothing.
    Fifo,
    /// The entry that came first of those that weren't hit since they were last looked at; the others begin anew. (Corbató, 1968.) A hit sets one bit.
    Clock,
    /// A hand walks from the oldest entry to the newest and takes the first that wasn't hit since it last came by; a hit sets one bit. (Zhang, Yang,
    /// Yue, Vigfusson, Rashmi: "SIEVE is Simpler than LRU", NSDI 2024.)
    Sieve,
    /// Three queues: a small one for what is new, a main one, and the keys of what left the small one unused. (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO
    /// queues are all you need for cache eviction", SOSP 2023.) A hit counts up to three in two bits.
    S3Fifo,
    /// `TinyLFU` with a fixed window of one per cent before a segmented LRU. (Einziger, Friedman, Manes, ACM Transactions on Storage 2017.) A hit leaves
    /// an event.
    TinyLfu,
    /// ARC: two queues by recency and frequency, balanced by which one's lost keys are asked for again. (Megiddo, Modha, FAST 2003.) A hit leaves an event.
    AdaptiveReplacement,
    /// LIRS: by the distance of an entry's last two uses. (Jiang, Zhang, SIGMETRICS 2002.) A hit leaves an event.
    Lirs,
    /// The entry that was used least often; of several, the one used longest ago. Uses, up to 31, count on top
    /// of the cache's age, which rises to the rank of each entry that leaves, so that yesterday's favourites leave (`LFU-DA`: Arlitt, Cherkasova, Dilley,
    /// Friedrich, Jin, ACM SIGMETRICS Performance Evaluation Review 2000). A hit leaves an event.
    Lfu,
    /// The entry whose loss is cheapest for the room it takes: by how long its load took, how often it was used, and its weight. (Cherkasova: `GDSF`,
    /// 1998.) A hit leaves an event.
    CostAware,
    /// Any entry. Hits cost nothing.
    Random,
    /// None: a new entry is refused while the cache is full, and [`try_insert`](crate::Cache::try_insert) says so. Entries leave when they
    /// expire or are removed.
    None,
}

impl EvictionPolicy {
    /// All of them, in the order of their declaration.
    ///
    /// # Examples
    /// ```
    /// use bellwether::EvictionPolicy;
    ///
    /// assert!(EvictionPolicy::ALL.contains(&EvictionPolicy::default()));
    /// ```
    pub const ALL: [Self; 14] = [
        Self::Adaptive,
        Self::Lru,
        Self::Slru,
        Self::Fifo,
        Self::Clock,
        Self::Sieve,
        Self::S3Fifo,
        Self::TinyLfu,
        Self::AdaptiveReplacement,
        Self::Lirs,
        Self::Lfu,
        Self::CostAware,
        Self::Random,
        Self::None,
    ];

    /// Its name on command lines and in configurations: `adaptive`, `lru`, `slru`, `fifo`, `clock`, `sieve`, `s3-fifo`, `tiny-lfu`, `arc`,
    /// `lirs`, `lfu`, `cost-aware`, `random` or `none`.
    ///
    /// # Examples
    /// ```
    /// use bellwether::EvictionPolicy;
    ///
    /// assert_eq!(EvictionPolicy::S3Fifo.name(), "s3-fifo");
    /// assert_eq!("arc".parse(), Ok(EvictionPolicy::AdaptiveReplacement));
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Adaptive => "adaptive",
            Self::Lru => "lru",
            Self::Slru => "slru",
            Self::Fifo => "fifo",
            Self::Clock => "clock",
            Self::Sieve => "sieve",
            Self::S3Fifo => "s3-fifo",
            Self::TinyLfu => "tiny-lfu",
            Self::AdaptiveReplacement => "arc",
            Self::Lirs => "lirs",
            Self::Lfu => "lfu",
            Self::CostAware => "cost-aware",
            Self::Random => "random",
            Self::None => "none",
        }
    }
}

impl fmt::Display for EvictionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EvictionPolicy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        Self::ALL.into_iter().find(|policy| policy.name() == name).ok_or_else(|| UnknownPolicy { name: name.to_owned() })
    }
}

/// A name that is none of an eviction policy.
///
/// # Examples
/// ```
/// use bellwether::EvictionPolicy;
///
/// let error = "lru2".parse::<EvictionPolicy>().expect_err("there is no such policy");
/// assert!(error.to_string().contains("lru2") && error.to_string().contains("s3-fifo"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownPolicy {
    name: String,
}

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = EvictionPolicy::ALL.iter().map(|policy| policy.name()).collect();
        write!(f, "there is no eviction policy {:?}; use one of: {}", self.name, names.join(", "))
    }
}

impl std::error::Error for UnknownPolicy {}
