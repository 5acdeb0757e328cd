//! Drivers of the parts of the policies against plain models. Property tests and the fuzz targets share them.

pub(super) mod ghost;
pub(super) mod held;
pub(super) mod shard;
pub(super) mod sketch;

fn hash(key: u8) -> u64 {
    (u64::from(key) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A number of entries that is likely to be an awkward one; few of them are many.
fn number(shape: u8, amount: u8) -> u64 {
    let (power, amount) = (1_u64 << (amount % 16), u64::from(amount));
    match shape % 8 {
        0..=3 => amount % 16,
        4 => amount,
        5 => power,
        6 => power + 1,
        _ => amount * 20,
    }
}
