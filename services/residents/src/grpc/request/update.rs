//! Which fields an update names, and with what (AIP-134).

use linju_proto::residents::v1::{Relation, Resident};

use super::{date_of, name_of, national_id_of, phone_of, relation_of};
use crate::{
    Error,
    app::ResidentChange,
    grpc::convert::{living, registration, sex},
};

/// The fields that may be changed by an update; the others have methods of their own or follow from these.
const KNOWN: [&str; 8] = ["name", "sex", "birth_date", "national_id", "phone", "registration", "living", "relation"];

/// An empty mask names every field that is set.
pub(super) fn change(resident: &Resident, mask: &[String]) -> Result<ResidentChange, Error> {
    if let Some(unknown) = mask.iter().find(|path| !KNOWN.contains(&path.as_str())) {
        let message = format!("names {unknown:?}, which cannot be changed here: use some of {}", KNOWN.join(", "));
        return Err(Error::field("update_mask", "field_mask.known", message));
    }
    let is_named = |path: &str, is_set: bool| {
        if mask.is_empty() { is_set } else { mask.iter().any(|named| named == path) }
    };
    let missing = |field: &'static str| Error::field(field, "required", "cannot be emptied: set it");
    let mut change = ResidentChange::default();
    if is_named("name", !resident.name.is_empty()) {
        change.name = Some(name_of(&resident.name)?);
    }
    if is_named("sex", resident.sex != 0) {
        change.sex = Some(sex(resident.sex()).ok_or_else(|| missing("resident.sex"))?);
    }
    if is_named("birth_date", !resident.birth_date.is_empty()) {
        if resident.birth_date.is_empty() {
            return Err(missing("resident.birth_date"));
        }
        change.birth_date = Some(date_of("resident.birth_date", &resident.birth_date)?);
    }
    if is_named("national_id", !resident.national_id.is_empty()) {
        change.national_id = Some(national_id_of(&resident.national_id)?);
    }
    if is_named("phone", !resident.phone.is_empty()) {
        change.phone = Some(phone_of(&resident.phone)?);
    }
    if is_named("registration", resident.registration != 0) {
        change.registration = Some(registration(resident.registration()));
    }
    if is_named("living", resident.living != 0) {
        change.living = Some(living(resident.living()));
    }
    if is_named("relation", resident.relation != 0) {
        if resident.relation() == Relation::Unspecified {
            return Err(missing("resident.relation"));
        }
        change.relation = Some(relation_of(resident.relation));
    }
    Ok(change)
}
