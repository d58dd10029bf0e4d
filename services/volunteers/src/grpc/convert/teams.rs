//! Teams and memberships, in the contract's words and in ours.

use chassis::{
    Fault,
    data::{Code, Page, etag},
};
use linju_proto::{Contract as _, volunteers::v1};

use super::{area, areas, codes, day, day_or_none, id, id_or_none, masked, missing, people, request};
use crate::{
    Error,
    app::{NewTeam, Request, ShownMember, ShownTeam, TeamUpdate, TeamsOf},
    domain::TeamId,
    store::team::{Model, Wanted, membership as places},
};

const NAME: &str = "name";
const KIND: &str = "kind";
const AREA: &str = "area_code";
const SERVICE_AREAS: &str = "service_area_codes";
const FOUNDED_ON: &str = "founded_on";
const ORGANISATION: &str = "organisation_id";
const NEEDS: &str = "needs";

fn name(text: String) -> Result<String, Error> {
    if text.trim().is_empty() {
        return Err(Fault::field("team.name", "blank", "is blank: give the team a name").into());
    }
    Ok(text)
}

/// A team to be founded.
pub fn new_team(message: v1::CreateTeamRequest) -> Result<(Request, NewTeam), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::CreateTeamRequest { team, request_id: _ } = message;
    let said = team.ok_or_else(|| missing("team"))?;
    let new = NewTeam {
        name: name(said.name)?,
        kind: codes::some_team_kind(said.kind)?,
        area: area("team.area_code", &said.area_code)?,
        service_areas: areas("team.service_area_codes", &said.service_area_codes)?,
        founded_on: day_or_none("team.founded_on", &said.founded_on)?,
        organisation_id: id_or_none("team.organisation_id", &said.organisation_id)?,
        needs: people::needs(said.needs)?,
    };
    Ok((request, new))
}

/// Which team, and what is changed of it.
pub fn update(message: v1::UpdateTeamRequest) -> Result<((TeamId, String), TeamUpdate), Error> {
    let v1::UpdateTeamRequest { team, update_mask } = message;
    let said = team.ok_or_else(|| missing("team"))?;
    let fields = [
        (NAME, !said.name.is_empty()),
        (KIND, said.kind != 0),
        (AREA, !said.area_code.is_empty()),
        (SERVICE_AREAS, !said.service_area_codes.is_empty()),
        (FOUNDED_ON, !said.founded_on.is_empty()),
        (ORGANISATION, !said.organisation_id.is_empty()),
        (NEEDS, said.needs.is_some()),
    ];
    let mut update = TeamUpdate::default();
    for field in masked(update_mask, &fields)? {
        match field {
            NAME => update.name = Some(name(said.name.clone())?),
            KIND => update.kind = Some(codes::some_team_kind(said.kind)?),
            AREA => update.area = Some(area("team.area_code", &said.area_code)?),
            SERVICE_AREAS => update.service_areas = Some(areas("team.service_area_codes", &said.service_area_codes)?),
            FOUNDED_ON => update.founded_on = Some(day("team.founded_on", &said.founded_on)?),
            ORGANISATION => {
                update.organisation_id = Some(id_or_none("team.organisation_id", &said.organisation_id)?);
            }
            _ => update.needs = Some(people::needs(said.needs.clone())?),
        }
    }
    Ok(((id("team.id", &said.id)?, said.etag), update))
}

impl TryFrom<v1::ListTeamsRequest> for TeamsOf {
    type Error = Error;

    fn try_from(message: v1::ListTeamsRequest) -> Result<Self, Error> {
        let v1::ListTeamsRequest { area_code, kind, include_disbanded, page_size, page_token } = message;
        let kind = if kind == 0 { None } else { Some(codes::some_team_kind(kind)?) };
        let disbanded = if include_disbanded { "all" } else { "" };
        let query = ["teams", &area_code, kind.map_or("", |kind| kind.code()), disbanded];
        let page = Page::read(&query, page_size, &page_token)?;
        let wanted = Wanted { area: area("area_code", &area_code)?, kind, disbanded: include_disbanded };
        Ok(Self { wanted, page })
    }
}

/// A team as the contract shows it.
pub fn team(shown: ShownTeam) -> Result<v1::Team, Error> {
    let ShownTeam { row, members } = shown;
    let (service_areas, needs) = (row.service_areas()?, row.own_needs()?);
    let Model {
        id,
        name,
        kind: Code(kind),
        area_code,
        service_areas: _,
        founded_on,
        organisation_id,
        needs: _,
        state: Code(state),
        disband_reason,
        synthetic: _,
        updated_at: _,
        version,
    } = row;
    Ok(v1::Team {
        id: id.to_string(),
        name,
        kind: codes::team_kind(kind).into(),
        area_code: area_code.to_string(),
        service_area_codes: service_areas.iter().map(ToString::to_string).collect(),
        founded_on: founded_on.to_string(),
        organisation_id: organisation_id.map(|id| id.to_string()).unwrap_or_default(),
        needs: Some(people::shown_needs(needs)),
        state: codes::team_state(state).into(),
        members: i32::try_from(members).unwrap_or(i32::MAX),
        disband_reason: disband_reason
            .map_or(v1::DisbandReason::Unspecified, |Code(reason)| codes::disband_reason(reason))
            .into(),
        etag: etag(version),
    })
}

/// A membership as the contract shows it.
pub fn membership(row: &places::Model) -> v1::Membership {
    let places::Model {
        id,
        team_id,
        volunteer_id,
        standing: Code(standing),
        role: Code(role),
        asked_at,
        asked_by: _,
        joined_at,
        ended_at,
        end_reason,
    } = *row;
    v1::Membership {
        id: id.to_string(),
        team_id: team_id.to_string(),
        volunteer_id: volunteer_id.to_string(),
        state: codes::standing(standing).into(),
        role: codes::role(role).into(),
        asked_at: Some(codes::time(asked_at)),
        joined_at: joined_at.map(codes::time),
        ended_at: ended_at.map(codes::time),
        end: end_reason.map_or(v1::MembershipEnd::Unspecified, |Code(end)| codes::end(end)).into(),
    }
}

/// A member as the contract shows them. A record that may not be shown is masked here, whatever the codec does.
pub fn member(shown: ShownMember) -> v1::Member {
    let ShownMember { row, volunteer, phone, clear } = shown;
    let mut message = v1::Member {
        membership: Some(membership(&row)),
        number: volunteer.number,
        name: volunteer.name,
        phone: phone.map(|phone| phone.expose().to_owned()).unwrap_or_default(),
        state: codes::state(volunteer.state.0).into(),
    };
    if !clear {
        message.mask();
    }
    message
}
