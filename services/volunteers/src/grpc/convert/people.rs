//! Volunteers, in the contract's words and in ours.

use chassis::{
    Fault,
    data::{Code, Page, etag},
};
use chrono::NaiveDate;
use linju_proto::{Contract as _, volunteers::v1};
use prost::Message as _;

use super::{area, areas, codes, day, id, id_or_none, masked, missing, time};
use crate::{
    Error,
    app::{NewVolunteer, Shown, VolunteerUpdate, VolunteersOf},
    domain::{
        VolunteerId,
        availability::{Availability, Window, clock, minutes},
        duty::Span,
        gate::{Needs, Obstacle},
        life::By,
        person::{NotAPerson, PersonName, Phone},
    },
    store::volunteer::{Model, Wanted, change},
};

/// What can be changed of a volunteer, and how it is called.
const NAME: &str = "name";
const PHONE: &str = "phone";
const BIRTH_DATE: &str = "birth_date";
const AREA: &str = "area_code";
const RESIDENT: &str = "resident_id";
const SKILLS: &str = "skills";
const LANGUAGES: &str = "languages";
const AVAILABILITY: &str = "availability";
const SERVICE_AREAS: &str = "service_area_codes";
const WEEKLY_MINUTES: &str = "weekly_minutes";
const RISKS_TOLD: &str = "risks_told";

fn of_person<T>(field: &'static str, parsed: Result<T, NotAPerson>) -> Result<T, Error> {
    parsed.map_err(|why| Fault::field(field, "person", why.to_string()).into())
}

impl TryFrom<v1::CreateVolunteerRequest> for NewVolunteer {
    type Error = Error;

    fn try_from(request: v1::CreateVolunteerRequest) -> Result<Self, Error> {
        let content = request.encode_to_vec();
        let v1::CreateVolunteerRequest { volunteer, request_id } = request;
        let said = volunteer.ok_or_else(|| missing("volunteer"))?;
        Ok(Self {
            area: area("volunteer.area_code", &said.area_code)?,
            name: of_person("volunteer.name", PersonName::parse(&said.name))?,
            phone: of_person("volunteer.phone", Phone::parse(&said.phone))?,
            birth_date: day("volunteer.birth_date", &said.birth_date)?,
            resident_id: id_or_none("volunteer.resident_id", &said.resident_id)?,
            availability: availability(&said.availability)?,
            service_areas: areas("volunteer.service_area_codes", &said.service_area_codes)?,
            skills: said.skills,
            languages: said.languages,
            weekly_minutes: said.weekly_minutes,
            risks_told: said.risks_told,
            request_id: id("request_id", &request_id)?,
            content,
        })
    }
}

/// Which volunteer, and what is changed of it.
pub fn update(request: v1::UpdateVolunteerRequest) -> Result<((VolunteerId, String), VolunteerUpdate), Error> {
    let v1::UpdateVolunteerRequest { volunteer, update_mask } = request;
    let said = volunteer.ok_or_else(|| missing("volunteer"))?;
    let fields = [
        (NAME, !said.name.is_empty()),
        (PHONE, !said.phone.is_empty()),
        (BIRTH_DATE, !said.birth_date.is_empty()),
        (AREA, !said.area_code.is_empty()),
        (RESIDENT, !said.resident_id.is_empty()),
        (SKILLS, !said.skills.is_empty()),
        (LANGUAGES, !said.languages.is_empty()),
        (AVAILABILITY, !said.availability.is_empty()),
        (SERVICE_AREAS, !said.service_area_codes.is_empty()),
        (WEEKLY_MINUTES, said.weekly_minutes != 0),
        (RISKS_TOLD, said.risks_told),
    ];
    let mut update = VolunteerUpdate::default();
    for field in masked(update_mask, &fields)? {
        match field {
            NAME => update.name = Some(of_person("volunteer.name", PersonName::parse(&said.name))?),
            PHONE => update.phone = Some(of_person("volunteer.phone", Phone::parse(&said.phone))?),
            BIRTH_DATE => update.birth_date = Some(day("volunteer.birth_date", &said.birth_date)?),
            AREA => update.area = Some(area("volunteer.area_code", &said.area_code)?),
            RESIDENT => update.resident_id = Some(id_or_none("volunteer.resident_id", &said.resident_id)?),
            SKILLS => update.skills = Some(said.skills.clone()),
            LANGUAGES => update.languages = Some(said.languages.clone()),
            AVAILABILITY => update.availability = Some(availability(&said.availability)?),
            SERVICE_AREAS => {
                update.service_areas = Some(areas("volunteer.service_area_codes", &said.service_area_codes)?);
            }
            WEEKLY_MINUTES => update.weekly_minutes = Some(said.weekly_minutes),
            _ => update.risks_told = Some(said.risks_told),
        }
    }
    Ok(((id("volunteer.id", &said.id)?, said.etag), update))
}

fn availability(windows: &[v1::Availability]) -> Result<Availability, Error> {
    let read = |text: &str| {
        let no_time = || Fault::field("volunteer.availability", "time", "has no time of the day: write HH:MM");
        minutes(text).ok_or_else(no_time)
    };
    let window = |window: &v1::Availability| {
        let v1::Availability { weekday, from, until } = window;
        let weekday = u8::try_from(*weekday).unwrap_or_default();
        Ok::<_, Error>(Window { weekday, from: read(from)?, until: read(until)? })
    };
    let windows = windows.iter().map(window).collect::<Result<_, _>>()?;
    Ok(Availability::new(windows)?)
}

/// Which volunteers a list is about; a qualification is asked for today.
pub fn volunteers_of(request: v1::ListVolunteersRequest, today: NaiveDate) -> Result<VolunteersOf, Error> {
    let v1::ListVolunteersRequest { area_code, states, skill, language, qualification, page_size, page_token } =
        request;
    let mut states = states.into_iter().map(codes::some_state).collect::<Result<Vec<_>, _>>()?;
    states.sort_unstable();
    states.dedup();
    let names: Vec<_> = states.iter().map(|state| state.code()).collect();
    let kind = if qualification == 0 { None } else { Some(codes::some_qualification(qualification)?) };
    let names = names.join(",");
    let query = [area_code.as_str(), &names, &skill, &language, kind.map_or("", |kind| kind.code())];
    let page = Page::read(&query, page_size, &page_token)?;
    let wanted = Wanted {
        area: area("area_code", &area_code)?,
        states,
        skill: Some(skill).filter(|skill| !skill.is_empty()),
        language: Some(language).filter(|language| !language.is_empty()),
        qualified: kind.map(|kind| (kind, today)),
    };
    Ok(VolunteersOf { wanted, page })
}

/// A volunteer as the contract shows it. A record that may not be shown is masked here, whatever the codec does.
pub fn volunteer(shown: Shown) -> Result<v1::Volunteer, Error> {
    let Shown { row, phone, minor, clear, office } = shown;
    let (skills, languages) = (row.skills()?, row.languages()?);
    let (windows, service_areas) = (row.availability()?, row.service_areas()?);
    let Model {
        id,
        number,
        area_code,
        state: Code(state),
        reason,
        resume_on,
        state_by: _,
        name,
        phone: _,
        identity_index: _,
        birth_date,
        resident_id,
        account,
        skills: _,
        languages: _,
        availability: _,
        service_areas: _,
        weekly_minutes,
        risks_told,
        synthetic: _,
        created_at,
        updated_at: _,
        version,
    } = row;
    let window = |window: &Window| v1::Availability {
        weekday: window.weekday.into(),
        from: clock(window.from),
        until: clock(window.until),
    };
    let mut message = v1::Volunteer {
        id: id.to_string(),
        number,
        area_code: area_code.to_string(),
        state: codes::state(state).into(),
        name,
        phone: phone.map(|phone| phone.expose().to_owned()).unwrap_or_default(),
        birth_date: birth_date.to_string(),
        resident_id: resident_id.map(|id| id.to_string()).unwrap_or_default(),
        skills,
        languages,
        availability: windows.windows().iter().map(window).collect(),
        service_area_codes: service_areas.iter().map(ToString::to_string).collect(),
        weekly_minutes,
        risks_told,
        minor,
        reason: codes::reason_or_none(reason.map(|Code(reason)| reason)).into(),
        resume_on: resume_on.map(|day| day.to_string()).unwrap_or_default(),
        account: account.filter(|_| office).unwrap_or_default(),
        created_at: Some(codes::time(created_at)),
        etag: etag(version),
    };
    if !clear {
        message.mask();
    }
    Ok(message)
}

/// One step of a life cycle.
pub fn change(row: &change::Model) -> v1::VolunteerChange {
    let change::Model {
        id: _,
        volunteer_id: _,
        version: _,
        at,
        from_state: Code(from),
        state: Code(state),
        reason,
        state_by: Code(by),
        actor: _,
    } = *row;
    v1::VolunteerChange {
        at: Some(codes::time(at)),
        from_state: codes::state(from).into(),
        state: codes::state(state).into(),
        reason: codes::reason_or_none(reason.map(|Code(reason)| reason)).into(),
        by_oneself: by == By::Oneself,
    }
}

/// What a piece of work asks.
pub fn needs(message: Option<v1::Needs>) -> Result<Needs, Error> {
    let v1::Needs { qualifications, risky, with_minors, adults_only } = message.unwrap_or_default();
    let qualifications = qualifications.into_iter().map(codes::some_qualification).collect::<Result<_, _>>()?;
    Ok(Needs { qualifications, risky, with_minors, adults_only })
}

/// The same as the contract shows it.
pub fn shown_needs(needs: Needs) -> v1::Needs {
    let Needs { qualifications, risky, with_minors, adults_only } = needs;
    let qualifications = qualifications.into_iter().map(|kind| codes::qualification(kind).into()).collect();
    v1::Needs { qualifications, risky, with_minors, adults_only }
}

/// Who is to do what from when until when.
pub fn eligibility_of(request: v1::CheckEligibilityRequest) -> Result<(VolunteerId, Needs, Span), Error> {
    let v1::CheckEligibilityRequest { id: who, needs: asked, starts_at, ends_at } = request;
    let (from, until) = (time("starts_at", starts_at)?, time("ends_at", ends_at)?);
    if until <= from {
        return Err(Fault::field("ends_at", "period", "is not after `starts_at`: give a later time").into());
    }
    Ok((id("id", &who)?, needs(asked)?, Span { from, until }))
}

/// Whether somebody may, and what stands against it.
pub fn eligibility(obstacles: Vec<Obstacle>) -> v1::Eligibility {
    let found = |obstacle: Obstacle| v1::ObstacleFound {
        obstacle: codes::obstacle(obstacle).into(),
        qualification: obstacle.qualification().map_or(v1::QualificationKind::Unspecified, codes::qualification).into(),
        text: obstacle.zh(),
    };
    v1::Eligibility { eligible: obstacles.is_empty(), obstacles: obstacles.into_iter().map(found).collect() }
}
