//! Grants in plain words, for those who hold them.

use chassis::{
    access::{Cover, Grant, Role},
    data::{AreaCode, AreaLevel},
};
use linju_proto::ROLE_LABELS;
use std::fmt::Write as _;

/// What people call the role.
fn role_name(role: Role) -> &'static str {
    ROLE_LABELS.iter().find(|(number, _)| *number == role as i32).map_or("", |(_, label)| label)
}

fn level_name(level: AreaLevel) -> &'static str {
    match level {
        AreaLevel::County => "区县",
        AreaLevel::Subdistrict => "街道",
        AreaLevel::Community => "社区",
        AreaLevel::Grid => "网格",
    }
}

fn cover_name(cover: Cover) -> &'static str {
    match cover {
        Cover::Unspecified => "无",
        Cover::See => "查看资料",
        Cover::Correct => "申请更正和提出反对",
        Cover::Report => "反映事项并查看进展",
    }
}

fn area_words(area: AreaCode) -> String {
    format!("{area}（{}）", level_name(area.level()))
}

/// `网格员：511903001008（社区）`
pub(super) fn words(grant: &Grant, own_only: bool) -> String {
    let Grant { role, areas, unit, place, persons, covers } = grant;
    let place_of = match areas {
        None => "全部区域".to_owned(),
        Some(areas) if areas.is_empty() => "没有任何区域".to_owned(),
        Some(areas) => areas.iter().map(|area| area_words(*area)).collect::<Vec<_>>().join("、"),
    };
    let mut text = format!("{}：{place_of}", role_name(*role));
    if let Some(unit) = unit {
        let _ = write!(text, "，单位 {unit}");
    }
    if place.is_some() {
        text += "，限本人工作的场所";
    }
    match covers {
        Some(covers) => {
            let covers: Vec<_> = covers.iter().map(|cover| cover_name(*cover)).collect();
            let _ = write!(text, "，受委托代办：{}", covers.join("、"));
        }
        None if own_only && !persons.is_empty() => text += "，限与本人有关的记录",
        None if own_only => text += "，限本人提交的记录",
        None => {}
    }
    text
}

/// All of it in a few sentences.
pub(super) fn summary(words: &[String], mandates: usize, on_behalf: bool) -> String {
    if words.is_empty() && mandates == 0 {
        return "您目前没有任何权限，只能查看公开信息。".to_owned();
    }
    let mut text = String::new();
    if on_behalf {
        text += "您现在正代他人办理。";
    }
    if !words.is_empty() {
        let _ = write!(text, "您的权限：{}。", words.join("；"));
    }
    if mandates > 0 {
        let _ = write!(text, "您受 {mandates} 项委托，可以代他人办理。");
    }
    text
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn area(code: &str) -> Vec<AreaCode> {
        vec![code.parse().expect("a code")]
    }

    #[test]
    fn a_grant_reads_as_a_sentence() {
        let worker = Grant::new(Role::GridWorker, Some(area("511903001008")));
        assert_eq!(words(&worker, false), "网格员：511903001008（社区）");
        let own = Grant { persons: vec![Uuid::nil()], ..Grant::new(Role::Resident, Some(area("511903001"))) };
        assert_eq!(words(&own, true), "居民：511903001（街道），限与本人有关的记录");
        let acting = Grant { covers: Some(vec![Cover::See]), ..own };
        assert_eq!(words(&acting, true), "居民：511903001（街道），受委托代办：查看资料");
        assert_eq!(words(&Grant::new(Role::Auditor, None), false), "审计员：全部区域");
    }
}
