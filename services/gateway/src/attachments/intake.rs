//! A file on its way in: what it is shows with its first bytes, and with that how long it may be.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    error::Error,
    policy::{Found, HEAD, Refused},
    settings::AttachmentSettings,
};

/// Bytes that are taken of the common memory at once.
pub(super) const UNIT: usize = 64 * 1024;

pub(super) struct Intake {
    content: Vec<u8>,
    found: Option<Found>,
    image_bytes: usize,
    pdf_bytes: usize,
    memory: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

/// A file that has come in whole. It holds its share of the common memory.
pub(super) struct Arrived {
    pub(super) found: Found,
    pub(super) content: Vec<u8>,
    pub(super) held: Option<OwnedSemaphorePermit>,
}

impl Intake {
    pub(super) fn new(settings: &AttachmentSettings, memory: Arc<Semaphore>) -> Self {
        let AttachmentSettings { image_bytes, pdf_bytes, .. } = *settings;
        Self { content: Vec::new(), found: None, image_bytes, pdf_bytes, memory, held: None }
    }

    pub(super) fn add(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.content.extend_from_slice(piece);
        if self.found.is_none() && self.content.len() >= HEAD {
            self.found = Some(Found::in_head(&self.content).ok_or(Refused::Type)?);
        }
        let limit = match self.found {
            Some(found) if found.is_image() => self.image_bytes,
            Some(_) => self.pdf_bytes,
            None => HEAD,
        };
        if self.content.len() > limit {
            return Err(Error::TooLarge(limit));
        }
        let missing =
            self.content.len().div_ceil(UNIT) - self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(missing).map_err(|_| Error::Busy)?;
        if missing > 0 {
            let more = self.memory.clone().try_acquire_many_owned(missing).map_err(|_| Error::Busy)?;
            match &mut self.held {
                Some(held) => held.merge(more),
                None => self.held = Some(more),
            }
        }
        Ok(())
    }

    pub(super) fn done(self) -> Result<Arrived, Error> {
        if self.content.is_empty() {
            return Err(Error::NoFile);
        }
        let found = self.found.ok_or(Refused::Type)?;
        Ok(Arrived { found, content: self.content, held: self.held })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intake(memory: &Arc<Semaphore>) -> Intake {
        let settings = AttachmentSettings { image_bytes: 200_000, pdf_bytes: 100_000, ..AttachmentSettings::default() };
        Intake::new(&settings, memory.clone())
    }

    #[test]
    fn a_file_is_refused_as_soon_as_it_shows_what_it_is() -> Result<(), Error> {
        let memory = Arc::new(Semaphore::new(100));
        let mut html = intake(&memory);
        html.add(b"<!doctype")?;
        assert!(matches!(html.add(b" html>"), Err(Error::Refused(Refused::Type))));
        let mut pdf = intake(&memory);
        pdf.add(b"%PDF-1.7 and so on")?;
        pdf.add(&vec![b' '; 99_982])?;
        assert!(matches!(pdf.add(b" "), Err(Error::TooLarge(100_000))));
        assert!(matches!(intake(&memory).done(), Err(Error::NoFile)));
        let mut short = intake(&memory);
        short.add(b"\xff\xd8\xff")?;
        assert!(matches!(short.done(), Err(Error::Refused(Refused::Type))));
        Ok(())
    }

    /// What begins like a picture, with so many bytes behind.
    fn jpeg(more: usize) -> Vec<u8> {
        let mut bytes = b"\xff\xd8\xff".to_vec();
        bytes.resize(bytes.len() + more, 0);
        bytes
    }

    #[test]
    fn the_common_memory_is_shared_and_given_back() -> Result<(), Error> {
        let memory = Arc::new(Semaphore::new(3));
        let mut one = intake(&memory);
        one.add(&jpeg(130_000))?;
        assert_eq!(memory.available_permits(), 1);
        let mut other = intake(&memory);
        assert!(matches!(other.add(&jpeg(70_000)), Err(Error::Busy)));
        drop(other);
        let arrived = one.done()?;
        assert_eq!((arrived.found, arrived.content.len(), memory.available_permits()), (Found::Jpeg, 130_003, 1));
        drop(arrived);
        assert_eq!(memory.available_permits(), 3);
        Ok(())
    }
}
