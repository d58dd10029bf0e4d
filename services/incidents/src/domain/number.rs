//! What the office calls an incident: short enough to be said on the telephone, and made without asking anybody.

use chrono::{DateTime, Utc};

use super::decide::china_date;
use super::incident::IncidentId;

/// Crockford's base 32: no I, L, O or U, which are heard or read as something else.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: u32 = 6;

/// The day of the report in China and six digits from the random end of the id, for example `20261122-7K3M9Q`. There are
/// 2^30 numbers a day, so two reports may meet on one: the store keeps numbers unique, and who loses takes another id.
pub fn number(id: IncidentId, reported_at: DateTime<Utc>) -> String {
    let tail = id.0.as_u128();
    let digits: String = (0..LENGTH)
        .rev()
        .map(|place| {
            let digit = (tail >> (5 * place)) & 31;
            char::from(DIGITS[usize::try_from(digit).unwrap_or_default()])
        })
        .collect();
    format!("{}-{digits}", china_date(reported_at).format("%Y%m%d"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_day_is_the_one_in_china() {
        let at = |text: &str| text.parse().expect("a time");
        let id = IncidentId(Uuid::from_u128(0x0193_9c5e_7b1a_7cc3_98a5_2f6d_0000_0000 | (17 << 5) | 31));
        assert_eq!(number(id, at("2026-11-21T15:59:59Z")), "20261121-0000HZ");
        assert_eq!(number(id, at("2026-11-21T16:00:00Z")), "20261122-0000HZ");
    }
}
