//! Alarms as partners' systems write them: JSON, or MANSCDP XML of GB/T 28181. Every byte may be hostile.

mod json;
mod manscdp;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::domain::alarm::{NotTaken, Raised};

/// Bytes of a message that are looked at.
pub const MOST_BYTES: usize = 32 * 1024;
const MOST_ID: usize = 64;
const MOST_TEXT: usize = 500;

/// A message: what it says, and how to answer it.
pub struct Message {
    pub form: Form,
    pub said: Result<Said, NotTaken>,
}

/// What a message says.
#[derive(Clone, PartialEq)]
pub enum Said {
    Alarm(Raised),
    /// The device is alive.
    Heartbeat {
        device: String,
    },
}

/// The form of a message, and so of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    /// What an answer repeats: letters and digits only.
    Manscdp {
        command: String,
        number: String,
        device: String,
    },
}

/// What became of a message.
pub type Outcome = Result<Taken, NotTaken>;

/// It was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    /// The same had been taken before; nothing has changed.
    Again,
}

/// Reads a message; `kind` is the last part of its subject: `alarm` or `heartbeat`.
pub fn read(kind: &str, body: &[u8]) -> Message {
    let is_xml = body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<');
    if body.len() > MOST_BYTES {
        let said = Err(NotTaken::TooLarge { bytes: body.len(), most: MOST_BYTES });
        return Message { form: Form::Json, said };
    }
    if is_xml { manscdp::read(body) } else { Message { form: Form::Json, said: json::read(kind, body) } }
}

/// The answer to a message.
pub fn answer(form: &Form, outcome: &Outcome) -> Bytes {
    match form {
        Form::Json => json::answer(outcome),
        Form::Manscdp { command, number, device } => manscdp::answer(command, number, device, outcome),
    }
}

/// What holds for the fields of an alarm whatever it came in.
pub(crate) fn checked(raised: Raised) -> Result<Raised, NotTaken> {
    name("id", &raised.id)?;
    name("device", &raised.device)?;
    if !(0..=4).contains(&raised.priority) {
        return Err(field("priority", "must be 1 (most urgent) to 4, or 0"));
    }
    if let Some((latitude, longitude)) = raised.point
        && !((-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude))
    {
        return Err(field("latitude", "and `longitude` must be degrees of WGS84"));
    }
    for (name, text) in [("note", &raised.note), ("video", &raised.video)] {
        if text.chars().count() > MOST_TEXT {
            return Err(field(name, "may have 500 characters"));
        }
    }
    Ok(raised)
}

/// Visible ASCII, 1 to 64 characters.
fn name(which: &'static str, text: &str) -> Result<(), NotTaken> {
    if (1..=MOST_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(field(which, "must have 1 to 64 visible ASCII characters"))
    }
}

/// Both halves of a point, or none.
fn point(latitude: Option<f64>, longitude: Option<f64>) -> Result<Option<(f64, f64)>, NotTaken> {
    match (latitude, longitude) {
        (Some(latitude), Some(longitude)) => Ok(Some((latitude, longitude))),
        (None, None) => Ok(None),
        _ => Err(field("latitude", "and `longitude` come together, or neither does")),
    }
}

fn field(field: &'static str, rule: &str) -> NotTaken {
    NotTaken::Field { field, rule: rule.to_owned() }
}
