//! Looks, as the one who was looked at is told of them.

use chrono::TimeDelta;
use linju_proto::{
    PURPOSE_LABELS, ROLE_LABELS,
    common::v1::{Look, Purpose},
};

use super::{audit::Looked, look::staff_code, token::role_of};

/// A look without the account that took it. `viewer` is who asks, `label` gives what people call a field.
pub fn told<'f>(looked: &'f Looked, viewer: &str, label: impl Fn(&'f str) -> &'f str) -> Look {
    let Looked { id: _, at, who, acting, on_behalf, purpose, method, subject: _, fields, basis } = looked;
    let purpose = Purpose::from_str_name(&format!("PURPOSE_{}", purpose.to_ascii_uppercase())).unwrap_or_default();
    let by_mandate = on_behalf.is_some() && purpose == Purpose::OwnMatter;
    let by_oneself = !by_mandate && who == viewer;
    let roles: Vec<String> = acting.split(',').filter(|text| !text.is_empty()).map(role_words).collect();
    let fields: Vec<&str> = fields.split(',').filter(|field| !field.is_empty()).collect();
    let what = fields.iter().map(|field| label(field)).collect::<Vec<_>>().join("、");
    let code = staff_code(who);
    // China has one time.
    let shift = TimeDelta::hours(8);
    let day = (*at + shift).format("%Y年%-m月%-d日%H:%M");
    let summary = if by_mandate {
        format!("{day}，受您委托的人（编号{code}）查看了您的{what}。")
    } else if by_oneself {
        format!("{day}，您本人查看了自己的{what}。")
    } else {
        let who = if roles.is_empty() { "工作人员".to_owned() } else { roles.join("、") };
        let approved = if basis.is_some() { "，此次查看有专门的审批或复核" } else { "" };
        format!("{day}，{who}（编号{code}）为了{}查看了您的{what}{approved}。", purpose_label(purpose))
    };
    Look {
        at: Some(prost_types::Timestamp {
            seconds: at.timestamp(),
            nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
        }),
        roles,
        staff_code: code,
        by_oneself,
        by_mandate,
        purpose: purpose.into(),
        method: method.trim_start_matches('/').to_owned(),
        fields: fields.into_iter().map(str::to_owned).collect(),
        approved: basis.is_some(),
        summary,
    }
}

fn purpose_label(purpose: Purpose) -> &'static str {
    PURPOSE_LABELS.iter().find(|(number, _)| *number == purpose as i32).map_or("工作", |(_, label)| label)
}

/// `handler:sanitation` -> 处置人员（sanitation）
fn role_words(text: &str) -> String {
    let (role, unit) = text.split_once(':').unwrap_or((text, ""));
    let number = role_of(role).map(|role| role as i32);
    let label = ROLE_LABELS.iter().find(|(known, _)| Some(*known) == number).map_or(role, |(_, label)| label);
    if unit.is_empty() { label.to_owned() } else { format!("{label}（{unit}）") }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn looked() -> Looked {
        Looked {
            id: Uuid::nil(),
            at: DateTime::from_timestamp(1_795_420_800, 0).expect("a time"),
            who: "u-worker".to_owned(),
            acting: "grid_worker".to_owned(),
            on_behalf: None,
            purpose: "home_visit".to_owned(),
            method: "/m".to_owned(),
            subject: "r1".to_owned(),
            fields: "name,phone".to_owned(),
            basis: None,
        }
    }

    fn label(field: &str) -> &str {
        if field == "name" { "姓名" } else { "手机号" }
    }

    #[test]
    fn a_look_reads_as_a_sentence() {
        let code = staff_code("u-worker");
        let worker = told(&looked(), "u-mother", label);
        assert_eq!(
            worker.summary,
            format!("2026年11月23日16:00，网格员（编号{code}）为了上门走访和照护查看了您的姓名、手机号。")
        );
        assert!(!format!("{worker:?}").contains("u-worker"), "the account is not told");
        let own = Looked { who: "u-mother".to_owned(), purpose: "own_matter".to_owned(), ..looked() };
        assert_eq!(told(&own, "u-mother", label).summary, "2026年11月23日16:00，您本人查看了自己的姓名、手机号。");
        let daughter = Looked { on_behalf: Some("r1".to_owned()), purpose: "own_matter".to_owned(), ..looked() };
        let seen = [told(&daughter, "u-mother", label), told(&daughter, "u-worker", label)];
        assert!(seen.iter().all(|look| look.by_mandate && !look.by_oneself && look.summary.contains("受您委托")));
    }

    #[test]
    fn units_and_approvals_are_told() {
        let handler =
            Looked { acting: "handler:sanitation".to_owned(), basis: Some(Uuid::nil().to_string()), ..looked() };
        let told = told(&handler, "u-mother", label);
        assert_eq!(told.roles, ["处置人员（sanitation）"]);
        assert!(told.approved && told.summary.contains("审批或复核"));
    }
}
