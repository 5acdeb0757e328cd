//! Unpacks zstd while it is read: all frames of a file, as parallel compressors write several.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Bytes that are unpacked at a time.
const STEP: usize = 1 << 16;

/// What a compressed source holds.
pub(super) struct Unpacked<R> {
    source: R,
    decoder: FrameDecoder,
}

impl<R: BufRead> Unpacked<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new() }
    }

    /// Begins the next frame. Says whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                // A frame that holds something else, such as an index.
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(unreadable(&error.to_string())),
            }
        }
        Ok(false)
    }

    /// Fails where a whole frame was read and its sum isn't the one that is written behind it.
    fn check_sum(&self) -> io::Result<()> {
        match self.decoder.get_checksum_from_data() {
            Some(written) if Some(written) != self.decoder.get_calculated_checksum() => Err(unreadable("its check sum is wrong")),
            Some(_) | None => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 {
            if self.decoder.is_finished() {
                self.check_sum()?;
                if !self.begin()? {
                    return Ok(0);
                }
            } else {
                let strategy = BlockDecodingStrategy::UptoBytes(STEP);
                self.decoder.decode_blocks(&mut self.source, strategy).map_err(|error| unreadable(&error.to_string()))?;
            }
        }
        self.decoder.read(into)
    }
}

fn unreadable(why: &str) -> io::Error {
    io::Error::other(format!("this isn't a whole file that zstd has compressed, though its name says so: {why}"))
}
