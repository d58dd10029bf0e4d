//! What a proposed correction would change.

use chassis::data::{Keyring, SecretText};
use chrono::NaiveDate;

use super::ResidentChange;
use crate::{
    Error,
    domain::{
        UnknownCode,
        my_data::CorrectionField,
        name::PersonName,
        national_id::NationalId,
        person::{Living, Registration, Relation, Sex},
        phone::Phone,
    },
    store::resident,
};

/// The change of the register that the proposal asks for; none where the field has methods of its own. An empty value asks
/// to remove the fact, where that can be.
pub(super) fn change_of(field: CorrectionField, value: &str) -> Result<Option<ResidentChange>, Error> {
    use CorrectionField as Field;
    let wrong = |reason: String| Error::field("value", "correction", format!("is refused: {reason}"));
    let unknown = |error: UnknownCode| wrong(error.to_string());
    let mut change = ResidentChange::default();
    match field {
        Field::Dwelling | Field::CareTags | Field::Other => return Ok(None),
        Field::Name => change.name = Some(PersonName::parse(value).map_err(|e| wrong(e.to_string()))?),
        Field::Sex => change.sex = Some(Sex::parse(value).map_err(unknown)?),
        Field::BirthDate => {
            let day = NaiveDate::parse_from_str(value, "%Y-%m-%d");
            change.birth_date = Some(day.map_err(|_| wrong("write the day as 1990-02-03".to_owned()))?);
        }
        Field::NationalId => {
            let number = optional(value, NationalId::parse);
            change.national_id = Some(number.map_err(|e| wrong(e.to_string()))?);
        }
        Field::Phone => change.phone = Some(optional(value, Phone::parse).map_err(|e| wrong(e.to_string()))?),
        Field::Registration => change.registration = Some(optional(value, Registration::parse).map_err(unknown)?),
        Field::Living => change.living = Some(optional(value, Living::parse).map_err(unknown)?),
        Field::Relation => change.relation = Some(Relation::parse(value).map_err(unknown)?),
    }
    Ok(Some(change))
}

fn optional<T, E>(value: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, E> {
    if value.is_empty() { Ok(None) } else { parse(value).map(Some) }
}

/// What the register keeps of the field, in the words in which it would be proposed; empty where it keeps nothing.
pub(super) async fn kept(keys: &Keyring, row: &resident::Model, field: CorrectionField) -> Result<String, Error> {
    use CorrectionField as Field;
    let clear = |text: Option<SecretText>| text.map(|text| text.expose().to_owned()).unwrap_or_default();
    Ok(match field {
        Field::Name => row.name.clone(),
        Field::Sex => row.sex.to_string(),
        Field::BirthDate => row.birth_date.to_string(),
        Field::NationalId => clear(row.open_national_id(keys).await?),
        Field::Phone => clear(row.open_phone(keys).await?),
        Field::Registration => row.registration.map(|word| word.to_string()).unwrap_or_default(),
        Field::Living => row.living.map(|word| word.to_string()).unwrap_or_default(),
        Field::Relation => row.relation.to_string(),
        Field::Dwelling | Field::CareTags | Field::Other => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_register_cannot_take_is_refused() {
        use CorrectionField as Field;
        for (field, value) in [
            (Field::Name, ""),
            (Field::Sex, "f"),
            (Field::BirthDate, "1990-02-30"),
            (Field::NationalId, "511903199001010034"),
            (Field::Phone, "139"),
            (Field::Living, "abroad"),
        ] {
            assert!(change_of(field, value).is_err(), "{field} {value}");
        }
        for (field, value) in [(Field::Phone, ""), (Field::Sex, "female"), (Field::Living, "here")] {
            assert!(matches!(change_of(field, value), Ok(Some(_))), "{field} {value}");
        }
        assert!(matches!(change_of(Field::Dwelling, "3栋"), Ok(None)));
    }
}
