//! Snapshots made by hand, with checksums that are right, so that what they say gets as far as it can.

/// A snapshot in the making: its bytes so far and the last checksum.
pub(super) struct Forged {
    pub(super) bytes: Vec<u8>,
    checksum: u32,
}

fn checksum(before: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(bytes);
    hasher.finalize()
}

impl Forged {
    /// A header of version 1 with this after the length.
    pub(super) fn header(version: u16, length: u16, rest: &[u8]) -> Self {
        let mut bytes = b"bellwether cache".to_vec();
        bytes.extend(version.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(rest);
        let checksum = checksum(0, &bytes);
        bytes.extend(checksum.to_le_bytes());
        Self { bytes, checksum }
    }

    /// As a save by the default settings begins.
    pub(super) fn begun() -> Self {
        let mut rest = vec![0; 16];
        for _ in 0..2 {
            rest.push(8);
            rest.extend(b"postcard");
        }
        Self::header(1, u16::try_from(rest.len()).expect("it is short"), &rest)
    }

    /// A frame that says it has this length, with this body.
    pub(super) fn frame(mut self, kind: u8, length: u32, body: &[u8]) -> Self {
        let mut head = vec![kind];
        head.extend(length.to_le_bytes());
        let head_sum = checksum(self.checksum, &head);
        self.checksum = checksum(head_sum, body);
        self.bytes.extend(head);
        self.bytes.extend(head_sum.to_le_bytes());
        self.bytes.extend(body);
        self.bytes.extend(self.checksum.to_le_bytes());
        self
    }

    pub(super) fn entry(self, body: &[u8]) -> Self {
        let length = u32::try_from(body.len()).expect("it is short");
        self.frame(b'+', length, body)
    }

    pub(super) fn end(self, entries: u64) -> Vec<u8> {
        self.frame(b'.', 8, &entries.to_le_bytes()).bytes
    }
}

/// An entry that lives for ever, with no flags: heat, weight, cost, age, unused, then the key with its length and the value.
pub(super) fn plain(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0, 0, 1, 1, 0, 0];
    body.push(u8::try_from(key.len()).expect("it is short"));
    body.extend(key);
    body.extend(value);
    body
}
