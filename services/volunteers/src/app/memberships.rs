//! Who belongs to which team: asked, answered, ended. Nobody belongs who has not said yes.

use chassis::{
    Fault,
    access::Call,
    data::{Code, Tx},
};
use sea_orm::{Condition, IntoActiveModel, entity::prelude::*};

use super::{App, teams::office};
use crate::{
    domain::{
        MembershipId, Refused, TeamId, VolunteerId,
        life::State,
        team::{End, Role, Side, Standing, TeamState},
    },
    error::Error,
    events,
    store::{
        team::{self, Model, membership},
        volunteer,
    },
};

impl App {
    /// Asks a volunteer to join.
    pub async fn invite(
        &self,
        call: &Call,
        (team_id, volunteer_id): (TeamId, VolunteerId),
    ) -> Result<membership::Model, Error> {
        self.ask(call, team_id, Some(volunteer_id)).await
    }

    /// Asks to join, as the volunteer that the caller is.
    pub async fn request_membership(&self, call: &Call, team_id: TeamId) -> Result<membership::Model, Error> {
        self.ask(call, team_id, None).await
    }

    async fn ask(
        &self,
        call: &Call,
        team_id: TeamId,
        invited: Option<VolunteerId>,
    ) -> Result<membership::Model, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call) = (app.clone(), caller.clone());
            Box::pin(async move {
                let team = team::get(tx, team_id).await?;
                if team.state.0 == TeamState::Disbanded {
                    return Err(Refused::TeamIsOver.into());
                }
                let (who, standing) = match invited {
                    None => (app.me(tx, &call).await?, Standing::Requested),
                    Some(_) if !app.speaks_for(tx, &call, &team).await? => return Err(Error::NotYourTeam),
                    Some(id) => {
                        let found = volunteer::of_ids(tx, &[id]).await?.pop();
                        (found.ok_or(Fault::NotFound("volunteer"))?, Standing::Invited)
                    }
                };
                if who.state.0 == State::Archived {
                    return Err(Refused::WrongState { state: State::Archived, action: "join" }.into());
                }
                let row = app.new_membership((team_id, who.id), (standing, Role::Member), call.subject());
                tx.append(row.clone().into_active_model());
                Ok::<_, Error>(row)
            })
        });
        match written.await {
            Err(error) if error.is_duplicate() => Err(Error::MembershipKnown),
            written => written,
        }
    }

    pub(crate) fn new_membership(
        &self,
        (team_id, volunteer_id): (TeamId, VolunteerId),
        (standing, role): (Standing, Role),
        by: &str,
    ) -> membership::Model {
        let now = self.clock.now();
        membership::Model {
            id: self.ids.next(),
            team_id,
            volunteer_id,
            standing: Code(standing),
            role: Code(role),
            asked_at: now,
            asked_by: by.to_owned(),
            joined_at: (standing == Standing::Member).then_some(now),
            ended_at: None,
            end_reason: None,
        }
    }

    /// Says yes.
    pub async fn confirm_membership(
        &self,
        call: &Call,
        id: MembershipId,
        told_by_volunteer: bool,
    ) -> Result<membership::Model, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call) = (app.clone(), caller.clone());
            Box::pin(async move {
                let (team, mut row, part) = app.place_of(tx, &call, id).await?;
                let side = match part {
                    Part::Volunteer => Side::Volunteer,
                    Part::Office if told_by_volunteer && row.standing.0 == Standing::Invited => Side::Volunteer,
                    Part::Office | Part::Leader => Side::Team,
                };
                row.standing = Code(row.standing.0.confirm(side)?);
                row.joined_at = Some(app.clock.now());
                team::save_membership(tx, row.clone()).await?;
                app.membership_moved(tx, team, &row).await?;
                Ok::<_, Error>(row)
            })
        });
        written.await
    }

    /// Says no, leaves, or lets go.
    pub async fn end_membership(&self, call: &Call, id: MembershipId, end: End) -> Result<membership::Model, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call) = (app.clone(), caller.clone());
            Box::pin(async move {
                let (team, mut row, part) = app.place_of(tx, &call, id).await?;
                let was = row.standing.0;
                let ended = match part {
                    Part::Volunteer => was.end(Side::Volunteer, end),
                    Part::Leader => was.end(Side::Team, end),
                    // The office also writes down what a volunteer has told it.
                    Part::Office => was.end(Side::Team, end).or_else(|_| was.end(Side::Volunteer, end)),
                };
                row.standing = Code(ended?);
                row.ended_at = Some(app.clock.now());
                row.end_reason = Some(Code(end));
                team::save_membership(tx, row.clone()).await?;
                if was == Standing::Member {
                    app.give_up_of_team(tx, row.volunteer_id, team.id).await?;
                    app.membership_moved(tx, team, &row).await?;
                }
                Ok::<_, Error>(row)
            })
        });
        written.await
    }

    /// Makes a member leader, deputy or member again.
    pub async fn set_role(&self, call: &Call, id: MembershipId, role: Role) -> Result<membership::Model, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call) = (app.clone(), caller.clone());
            Box::pin(async move {
                let (team, mut row, part) = app.place_of(tx, &call, id).await?;
                if part != Part::Office {
                    return Err(Error::NotYourTeam);
                }
                if row.standing.0 != Standing::Member {
                    return Err(Refused::NotAMember.into());
                }
                let was = row.role.0;
                row.role = Code(role);
                team::save_membership(tx, row.clone()).await?;
                let demoted = was == Role::Leader && role != Role::Leader;
                if demoted && !has_leader(tx, team.id).await? {
                    return Err(Refused::LastLeader.into());
                }
                app.membership_moved(tx, team, &row).await?;
                Ok::<_, Error>(row)
            })
        });
        written.await
    }

    /// A membership and its team, both locked, and the part in which the caller acts.
    async fn place_of(
        &self,
        tx: &Tx,
        call: &Call,
        id: MembershipId,
    ) -> Result<(Model, membership::Model, Part), Error> {
        let hidden = || Error::from(Fault::NotFound("membership"));
        let team = team::lock(tx, team::membership(tx, id).await?.team_id).await?;
        let row = team::membership(tx, id).await?;
        let me = volunteer::of_account(tx, call.subject()).await?;
        let part = if me.is_some_and(|me| me.id == row.volunteer_id) {
            Part::Volunteer
        } else if office(call, team.area_code) {
            Part::Office
        } else if self.leads(tx, call, team.id).await? {
            Part::Leader
        } else {
            return Err(hidden());
        };
        Ok((team, row, part))
    }

    /// Ends all open places of a team or a volunteer. A team that loses its last leader so is forming again.
    pub(crate) async fn end_memberships(&self, tx: &Tx, of: Condition, end: End) -> Result<(), Error> {
        for mut row in team::open_memberships(tx, of).await? {
            let (was, team_id) = (row.standing.0, row.team_id);
            row.standing = Code(Standing::Ended);
            row.ended_at = Some(self.clock.now());
            row.end_reason = Some(Code(end));
            team::save_membership(tx, row.clone()).await?;
            if was == Standing::Member {
                let team = team::lock(tx, team_id).await?;
                self.membership_moved(tx, team, &row).await?;
            }
        }
        Ok(())
    }

    /// Tells of a member who came, went or has another role, and brings the team's state up to it.
    async fn membership_moved(&self, tx: &Tx, mut team: Model, row: &membership::Model) -> Result<(), Error> {
        team.version += 1;
        team.updated_at = self.clock.now();
        self.outbox.add(tx, events::membership_changed(&self.ids, &team, row));
        let led = has_leader(tx, team.id).await?;
        let becomes = match team.state.0 {
            TeamState::Disbanded => TeamState::Disbanded,
            TeamState::Forming | TeamState::Active if led => TeamState::Active,
            TeamState::Forming | TeamState::Active => TeamState::Forming,
        };
        if becomes == team.state.0 {
            return Ok(team::save(tx, team).await?);
        }
        team.state = Code(becomes);
        self.save_team(tx, team).await
    }
}

/// In which part somebody acts on a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Volunteer,
    Leader,
    Office,
}

async fn has_leader(tx: &Tx, team: TeamId) -> Result<bool, Error> {
    let of = Condition::all()
        .add(membership::Column::TeamId.eq(team))
        .add(membership::Column::Standing.eq(Code(Standing::Member)))
        .add(membership::Column::Role.eq(Code(Role::Leader)));
    Ok(membership::Entity::find().filter(of).one(tx).await?.is_some())
}
