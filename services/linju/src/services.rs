//! The services this program knows. Only here do they meet.

use chassis::run::Service;
use linju_gateway::GatewayService;
use linju_incidents::IncidentsService;
use linju_residents::ResidentsService;
use linju_volunteers::VolunteersService;

/// All of them, in the order in which they are listed to people.
pub(crate) static ALL: [&dyn Service; 4] = [&ResidentsService, &IncidentsService, &VolunteersService, &GatewayService];

/// Those that are named, or all where none is.
pub(crate) fn named(names: &[String]) -> anyhow::Result<Vec<&'static dyn Service>> {
    if names.is_empty() {
        return Ok(ALL.to_vec());
    }
    names.iter().map(|name| one(name)).collect()
}

/// The service of this name.
pub(crate) fn one(name: &str) -> anyhow::Result<&'static dyn Service> {
    ALL.into_iter().find(|s| s.name() == name).ok_or_else(|| {
        let known: Vec<_> = ALL.iter().map(|s| s.name()).collect();
        crate::output::Usage(format!("there is no service {name:?}: choose from {}", known.join(", "))).into()
    })
}
