//! What the build refuses, and what the code it makes does.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "the build uses more of it")]
#[path = "../build/contract.rs"]
mod contract;

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
};

use linju_proto::{Checker, Contract as _, METHODS, residents::v1 as r};
use prost_reflect::DescriptorPool;

/// Compiles one more contract beside the real options, as the build does.
fn compile(body: &str) -> Result<contract::Contract, String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("linju-contract-{}-{next}", std::process::id()));
    fs::create_dir_all(folder.join("linju/probe/v1")).unwrap();
    let file = |name: &str, text: &str| {
        let head = "syntax = \"proto3\";\npackage linju.probe.v1;\nimport \"linju/common/v1/options.proto\";\nimport \
                    \"buf/validate/validate.proto\";\n";
        fs::write(folder.join(format!("linju/probe/v1/{name}.proto")), format!("{head}{text}")).unwrap();
    };
    let (service, events) = body.split_once("--events--").unwrap_or((body, ""));
    file("service", service);
    file("events", events);
    let root = concat!(env!("CARGO_MANIFEST_DIR"));
    let mut compiler = protox::Compiler::new([folder.as_path(), root.as_ref()]).unwrap();
    compiler.include_imports(true);
    compiler.open_files(["linju/probe/v1/service.proto", "linju/probe/v1/events.proto"]).unwrap();
    let pool = DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    contract::Contract::read(&pool)
}

fn refusal(body: &str) -> String {
    compile(body).err().expect("the build refuses it")
}

const OPEN: &str = "option (linju.common.v1.access) = {scope: SCOPE_PUBLIC};";

#[test]
fn a_method_without_access_stops_the_build() {
    let said = refusal("message A {}\nservice S { rpc Go(A) returns (A); }");
    assert!(said.contains("linju.probe.v1.S.Go says not who may call it"), "{said}");
}

#[test]
fn a_method_for_nobody_stops_the_build() {
    let said = refusal(
        "message A {}\nservice S { rpc Go(A) returns (A) { option (linju.common.v1.access) = {scope: SCOPE_AREA}; } }",
    );
    assert!(said.contains("roles unless everybody may call it"), "{said}");
    let said = refusal(
        "message A {}\nservice S { rpc Go(A) returns (A) { option (linju.common.v1.access) = {scope: SCOPE_ACCOUNT, roles: \
         [ROLE_RESIDENT]}; } }",
    );
    assert!(said.contains("takes no roles"), "{said}");
}

#[test]
fn an_event_with_personal_data_stops_the_build() {
    let said = refusal("--events--message Gone { string name = 1 [(linju.common.v1.personal) = PERSONAL_NAME]; }");
    assert!(said.contains("linju.probe.v1.Gone holds personal data"), "{said}");
}

#[test]
fn personal_data_that_cannot_be_masked_stops_the_build() {
    let service = format!("service S {{ rpc Go(Q) returns (A) {{ {OPEN} }} }}\nmessage Q {{}}");
    let said = refusal(&format!(
        "{service}\nmessage A {{ map<string, B> b = 1; }}\nmessage B {{ string n = 1 [(linju.common.v1.personal) = \
         PERSONAL_NAME]; }}"
    ));
    assert!(said.contains("linju.probe.v1.A.b: personal data in a map or oneof cannot be masked"), "{said}");
}

#[test]
fn a_message_asked_and_answered_with_personal_data_stops_the_build() {
    let said = refusal(&format!(
        "service S {{ rpc Go(A) returns (A) {{ {OPEN} }} }}\nmessage A {{ string n = 1 [(linju.common.v1.personal) = \
         PERSONAL_NAME]; }}"
    ));
    assert!(said.contains("give the request its own"), "{said}");
}

#[test]
fn a_rule_that_nothing_enforces_stops_the_build() {
    let unasked = refusal("message A { string n = 1 [(buf.validate.field).string.min_len = 1]; }");
    assert!(unasked.contains("never checked"), "{unasked}");
    let service = format!("service S {{ rpc Go(Q) returns (A) {{ {OPEN} }} }}\nmessage A {{}}");
    let broken =
        refusal(&format!("{service}\nmessage Q {{ string n = 1 [(buf.validate.field).string.pattern = \"[\"]; }}"));
    assert!(broken.contains("pattern ["), "{broken}");
}

#[test]
fn options_survive_only_in_the_encoded_descriptors() {
    // The set that is handed to code generators has lost custom options: reading routes or rules from it finds none.
    let root = env!("CARGO_MANIFEST_DIR");
    let file = "linju/residents/v1/service.proto";
    let lost = protox::compile([file], [root]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(lost).unwrap();
    assert!(contract::Contract::read(&pool).is_err());
    let pool = DescriptorPool::decode(linju_proto::DESCRIPTORS).unwrap();
    assert_eq!(contract::Contract::read(&pool).unwrap().methods.len(), METHODS.len());
    for method in
        pool.services().filter(|s| s.full_name().starts_with("linju.")).flat_map(|s| s.methods().collect::<Vec<_>>())
    {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        assert!(METHODS.iter().any(|m| m.path == path), "{path}");
    }
}

#[test]
fn every_broken_rule_is_told_with_its_field() {
    let request = r::CreateResidentRequest {
        resident: Some(r::Resident {
            name: "张".repeat(61),
            birth_date: "1990-2-3".to_owned(),
            sex: 9,
            phone: "139\0".to_owned(),
            care_tags: vec![r::CareTag { kind: 0, observed_on: "2026-01-01".to_owned(), ..r::CareTag::default() }],
            ..r::Resident::default()
        }),
        household_id: "x".to_owned(),
        request_id: "01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11".to_owned(),
        observed_on: String::new(),
    };
    let mut checker = Checker::default();
    request.check(&mut checker);
    let told: Vec<_> = checker.into_violations().into_iter().map(|v| (v.field, v.rule)).collect();
    let expected = [
        ("resident.name", "string.max_len"),
        ("resident.sex", "enum.defined_only"),
        ("resident.birth_date", "string.pattern"),
        ("resident.phone", "string.no_nul"),
        ("resident.care_tags[0].kind", "enum.not_in"),
        ("resident.care_tags[0].source", "string.in"),
        ("household_id", "string.uuid"),
    ];
    assert_eq!(told, expected.map(|(f, r)| (f.to_owned(), r)));
}

#[test]
fn a_flood_of_violations_is_cut() {
    let tags = vec![r::CareTag::default(); 500];
    let mut checker = Checker::default();
    r::UpdateResidentRequest {
        resident: Some(r::Resident { care_tags: tags, ..r::Resident::default() }),
        ..r::UpdateResidentRequest::default()
    }
    .check(&mut checker);
    assert_eq!(checker.into_violations().len(), Checker::MOST);
}

#[test]
fn masking_reaches_every_depth_and_printing_shows_nothing() {
    let person = r::Resident {
        name: "张清秀".to_owned(),
        national_id: "511903199001010033".to_owned(),
        care_tags: vec![r::CareTag::default()],
        area_code: "511903001008001".to_owned(),
        ..r::Resident::default()
    };
    let mut list = r::DrawCareListResponse {
        entries: vec![r::CareListEntry {
            resident: Some(person),
            dwelling: Some(r::Dwelling {
                building: "2栋".to_owned(),
                room: "1201".to_owned(),
                ..r::Dwelling::default()
            }),
            age: 36,
        }],
        residents: 1,
    };
    assert_eq!(format!("{list:?}"), "DrawCareListResponse { .. }");
    list.mask();
    let entry = &list.entries[0];
    let (resident, dwelling) = (entry.resident.as_ref().unwrap(), entry.dwelling.as_ref().unwrap());
    assert_eq!((resident.name.as_str(), resident.national_id.as_str()), ("张*", "511903**********33"));
    assert!(resident.care_tags.is_empty());
    assert_eq!(resident.area_code, "511903001008001");
    assert_eq!((dwelling.building.as_str(), dwelling.room.as_str()), ("2栋", ""));
}
