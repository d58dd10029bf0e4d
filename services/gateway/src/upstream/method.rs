//! What the way of a call depends on, by method.

use std::collections::HashMap;

use linju_proto::METHODS;
use prost_reflect::DescriptorPool;

/// How a method is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind {
    /// The same call may be made again without harm.
    pub(super) retry_safe: bool,
    /// The caller sends messages as it goes; they cannot be sent twice.
    pub(super) streams_in: bool,
    /// The service answers as it goes; only a deadline that the caller names ends it.
    pub(super) streams_out: bool,
}

/// All methods of the contracts.
#[derive(Debug)]
pub(super) struct Methods(HashMap<String, Kind>);

impl Methods {
    pub(super) fn of_contracts() -> Self {
        // The build has decoded the same bytes.
        let pool = DescriptorPool::decode(linju_proto::DESCRIPTORS).unwrap_or_default();
        let safe = |path: &str| METHODS.iter().any(|method| method.path == path && method.retry_safe);
        let mut all = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                let kind = Kind {
                    retry_safe: safe(&path),
                    streams_in: method.is_client_streaming(),
                    streams_out: method.is_server_streaming(),
                };
                all.insert(path, kind);
            }
        }
        Self(all)
    }

    /// An unknown method is refused where it arrives.
    pub(super) fn kind(&self, path: &str) -> Kind {
        self.0.get(path).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_may_be_made_again_and_a_report_may_not() {
        let methods = Methods::of_contracts();
        assert!(methods.kind("/linju.residents.v1.ResidentService/GetResident").retry_safe);
        assert!(!methods.kind("/linju.incidents.v1.IncidentService/CloseIncident").retry_safe);
        assert_eq!(methods.kind("/linju.nothing.v1.X/Y"), Kind::default());
    }
}
