//! The only place that knows both the words of the contract and those of the domain.

use chassis::data::{AreaLevel, etag};
use chrono::{DateTime, NaiveDate, Utc};
use linju_proto::{
    Contract as _,
    residents::v1::{self as proto, cell},
};

use crate::{
    app::{
        CallListView, CallView, CareList, CareListEntry, DwellingView, FiguresOf, HouseholdView, MemberView, Opened,
        Record,
    },
    domain::{
        call::CallOutcome,
        care::CareTag,
        facts::{FactGroup, Source},
        figures::{Figures, PyramidStep},
        person::{Living, Registration, Relation, Sex},
        standing::Status,
        suppression::Cell,
    },
    store::{area, care_tag as tag, dwelling, household, resident},
};

/// Two enums that say the same. What is unspecified in the contract is none here, or the default that is named.
macro_rules! same {
    ($to:ident, $from:ident, $domain:ident = $proto:ident { $($word:ident = $name:ident),+ $(,)? }) => {
        pub(crate) fn $to(word: $domain) -> proto::$proto {
            match word {
                $( $domain::$word => proto::$proto::$name, )+
            }
        }

        pub(crate) fn $from(name: proto::$proto) -> Option<$domain> {
            match name {
                proto::$proto::Unspecified => None,
                $( proto::$proto::$name => Some($domain::$word), )+
            }
        }
    };
}

same!(sex_name, sex, Sex = Sex { Male = Male, Female = Female });
same!(registration_name, registration, Registration = Registration {
    Registered = Registered,
    MovedIn = MovedIn,
    Separated = Separated,
    Overseas = Overseas,
});
same!(living_name, living, Living = Living {
    Here = Resident,
    WorkingAway = WorkingAway,
    StudyingAway = StudyingAway,
    Vacant = Vacant,
});
same!(relation_name, some_relation, Relation = Relation {
    Head = Head,
    Spouse = Spouse,
    Child = Child,
    Parent = Parent,
    Grandparent = Grandparent,
    Grandchild = Grandchild,
    Sibling = Sibling,
    Other = Other,
});
same!(call_outcome_name, call_outcome, CallOutcome = CallOutcome {
    Reached = Reached,
    PassedOn = PassedOn,
    NobodyThere = NobodyThere,
    Away = Away,
});
same!(care_tag_kind, care_tag, CareTag = CareTagKind {
    LivingAlone = LivingAlone,
    EmptyNest = EmptyNest,
    OldestOld = OldestOld,
    Dementia = Dementia,
    Dependent = Dependent,
    Disabled = Disabled,
    SeverelyDisabled = SeverelyDisabled,
    Wheelchair = Wheelchair,
    LowIncome = LowIncome,
    LeftBehindChild = LeftBehindChild,
    LeftBehindElder = LeftBehindElder,
    SpecialFamily = SpecialFamily,
});

pub(crate) fn resident_state(status: Status) -> proto::ResidentState {
    match status {
        Status::Living => proto::ResidentState::Living,
        Status::Left => proto::ResidentState::Left,
        Status::Died => proto::ResidentState::Died,
        Status::Merged => proto::ResidentState::Merged,
    }
}

/// Whose place in the household is not stated is some other member of it.
pub(crate) fn relation(name: proto::Relation) -> Relation {
    some_relation(name).unwrap_or(Relation::Other)
}

pub(crate) fn timestamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

impl From<area::Model> for proto::Area {
    fn from(row: area::Model) -> Self {
        let area::Model { code, name, parent } = row;
        let level = match code.level() {
            AreaLevel::County => proto::AreaLevel::County,
            AreaLevel::Subdistrict => proto::AreaLevel::Subdistrict,
            AreaLevel::Community => proto::AreaLevel::Community,
            AreaLevel::Grid => proto::AreaLevel::Grid,
        };
        let parent_code = parent.map(|parent| parent.to_string()).unwrap_or_default();
        Self { code: code.to_string(), name, level: level.into(), parent_code }
    }
}

impl From<tag::Model> for proto::CareTag {
    fn from(row: tag::Model) -> Self {
        let tag::Model { resident_id: _, kind, source, observed_on, expires_on, cleared_on: _ } = row;
        Self {
            kind: care_tag_kind(kind).into(),
            source: source.to_string(),
            observed_on: observed_on.to_string(),
            expires_on: expires_on.map(|day| day.to_string()).unwrap_or_default(),
        }
    }
}

/// A record as an answer holds it: masked here, whatever the call states, where it is a minor's that is not opened.
pub(crate) fn resident(record: Record, opened: &Opened) -> proto::Resident {
    let shown = opened.shows(record.row.id);
    let mut answer = in_clear(record);
    if !shown {
        answer.mask();
    }
    answer
}

/// In clear, so only for what asks [`Opened`] right after.
fn in_clear(record: Record) -> proto::Resident {
    let Record { row, tags, national_id, phone } = record;
    let clear = |text: Option<chassis::data::SecretText>| text.map(|text| text.expose().to_owned());
    proto::Resident {
        freshness: freshness(&row),
        id: row.id.to_string(),
        name: row.name,
        sex: sex_name(row.sex).into(),
        birth_date: row.birth_date.to_string(),
        national_id: clear(national_id).unwrap_or_default(),
        phone: clear(phone).unwrap_or_default(),
        registration: row.registration.map(|word| registration_name(word).into()).unwrap_or_default(),
        living: row.living.map(|word| living_name(word).into()).unwrap_or_default(),
        state: resident_state(row.state).into(),
        area_code: row.area_code.to_string(),
        household_id: row.household_id.map(|id| id.to_string()).unwrap_or_default(),
        relation: relation_name(row.relation).into(),
        care_tags: tags.into_iter().map(proto::CareTag::from).collect(),
        merged_into: row.merged_into.map(|id| id.to_string()).unwrap_or_default(),
        created_at: Some(timestamp(row.created_at)),
        updated_at: Some(timestamp(row.updated_at)),
        etag: etag(row.version),
    }
}

fn freshness(row: &resident::Model) -> Vec<proto::Freshness> {
    let of = |group: FactGroup, on: Option<NaiveDate>, from: Option<Source>| {
        let (on, from) = on.zip(from)?;
        Some(proto::Freshness { group: group.to_string(), observed_on: on.to_string(), source: from.to_string() })
    };
    [
        of(FactGroup::Identity, Some(row.identity_on), Some(row.identity_from)),
        of(FactGroup::Contact, row.contact_on, row.contact_from),
        of(FactGroup::Registration, row.registration_on, row.registration_from),
        of(FactGroup::Living, row.living_on, row.living_from),
        of(FactGroup::Household, Some(row.household_on), Some(row.household_from)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl From<DwellingView> for proto::Dwelling {
    fn from(view: DwellingView) -> Self {
        let DwellingView { row, unit, room } = view;
        let dwelling::Model { id, area_code, compound, building, unit: _, room: _, address_index: _, created_at: _ } =
            row;
        Self {
            id: id.to_string(),
            area_code: area_code.to_string(),
            compound,
            building,
            unit: unit.map(|text| text.expose().to_owned()).unwrap_or_default(),
            room: room.map(|text| text.expose().to_owned()).unwrap_or_default(),
        }
    }
}

impl From<CallListView> for proto::CallList {
    fn from(view: CallListView) -> Self {
        let CallListView { list, calls } = view;
        Self {
            first_warning_id: list.id.to_string(),
            exercise: list.exercise,
            calls: calls.into_iter().map(Into::into).collect(),
            to_call: list.to_call,
            reached: list.reached,
            closed: list.closed,
        }
    }
}

impl From<CallView> for proto::Call {
    fn from(view: CallView) -> Self {
        let CallView { call, name, dwelling, household_phone } = view;
        Self {
            resident_id: call.resident_id.to_string(),
            name,
            dwelling: dwelling.map(Into::into),
            household_phone: household_phone.map(|text| text.expose().to_owned()).unwrap_or_default(),
            outcome: call.outcome.map(|outcome| call_outcome_name(outcome).into()).unwrap_or_default(),
            tried_at: call.tried_at.map(timestamp),
        }
    }
}

/// A household as an answer holds it; members who are minors and not opened are masked.
pub(crate) fn household(view: HouseholdView, opened: &Opened) -> proto::Household {
    let HouseholdView { row, dwelling, members } = view;
    let household::Model { id, dwelling_id: _, area_code: _, number, number_key: _, observed_on: _, created_at: _ } =
        row;
    let members = members.into_iter().map(|member| {
        let MemberView { whose, name, relation, from, until } = member;
        let mut answer = proto::Member {
            resident_id: whose.id.to_string(),
            name,
            relation: relation_name(relation).into(),
            from: from.to_string(),
            until: until.map(|day| day.to_string()).unwrap_or_default(),
        };
        if !opened.shows(whose.id) {
            answer.mask();
        }
        answer
    });
    proto::Household { id: id.to_string(), dwelling: Some(dwelling.into()), members: members.collect(), number }
}

/// A care list as an answer holds it; the rows of minors that are not opened are masked.
pub(crate) fn care_list(list: CareList, opened: &Opened) -> proto::DrawCareListResponse {
    let CareList { entries, residents } = list;
    let entries = entries.into_iter().map(|entry| {
        let CareListEntry { record, dwelling, age } = entry;
        let shown = opened.shows(record.row.id);
        let mut answer = proto::CareListEntry {
            resident: Some(in_clear(record)),
            dwelling: dwelling.map(proto::Dwelling::from),
            age: i32::try_from(age).unwrap_or(i32::MAX),
        };
        if !shown {
            answer.mask();
        }
        answer
    });
    proto::DrawCareListResponse { entries: entries.collect(), residents: i32::try_from(residents).unwrap_or(i32::MAX) }
}

fn shown(cell: Cell) -> proto::Cell {
    let value = match cell {
        Cell::Count(count) => cell::Value::Count(i64::try_from(count).unwrap_or(i64::MAX)),
        Cell::Suppressed => cell::Value::Suppressed(true),
    };
    proto::Cell { value: Some(value) }
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl From<FiguresOf> for proto::Figures {
    fn from(of: FiguresOf) -> Self {
        let FiguresOf { area, figures, as_of } = of;
        let Figures {
            people,
            male: _,
            female: _,
            pyramid,
            dependency,
            registrations,
            care,
            households,
            household_sizes,
        } = figures;
        let registered = |wanted| registrations.iter().find(|(kind, _)| *kind == wanted).map(|(_, cell)| shown(*cell));
        Self {
            area_code: area.to_string(),
            residents: Some(shown(people)),
            households: Some(shown(households)),
            age_bands: pyramid
                .into_iter()
                .map(|PyramidStep { band, male, female }| proto::AgeBand {
                    from_age: number(band.from_age()),
                    male: Some(shown(male)),
                    female: Some(shown(female)),
                })
                .collect(),
            household_sizes: household_sizes
                .into_iter()
                .map(|(members, cell)| proto::SizeBand { members: number(members), households: Some(shown(cell)) })
                .collect(),
            registered: registered(Registration::Registered),
            moved_in: registered(Registration::MovedIn),
            care_tags: care
                .into_iter()
                .map(|(kind, cell)| proto::TagCount { kind: care_tag_kind(kind).into(), residents: Some(shown(cell)) })
                .collect(),
            child_dependency: dependency.children,
            elder_dependency: dependency.elders,
            as_of: as_of.to_string(),
        }
    }
}
