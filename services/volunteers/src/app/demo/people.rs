//! Names, numbers and skills of people who do not exist. Everything follows from a counter, so that the same seed makes the
//! same people on every machine.

use chassis::data::AreaCode;
use chrono::{NaiveDate, TimeDelta};

use super::NO_REQUEST;
use crate::{
    app::NewVolunteer,
    domain::{
        availability::{Availability, Window},
        person::{NotAPerson, PersonName, Phone},
    },
    error::Error,
};

const SURNAMES: [&str; 31] = [
    "李", "王", "张", "刘", "陈", "杨", "周", "黄", "何", "罗", "吴", "赵", "蒲", "苟", "马", "谢", "邓", "冯", "曾",
    "蒋", "彭", "廖", "岳", "郑", "胡", "唐", "徐", "魏", "袁", "余", "石",
];
const FIRST: [&str; 23] = [
    "国", "德", "明", "光", "建", "秀", "英", "兰", "芳", "玉", "桂", "浩", "宇", "俊", "欣", "雨", "雪", "佳", "静",
    "子", "晓", "文", "立",
];
const SECOND: [&str; 19] =
    ["华", "忠", "成", "清", "福", "珍", "琼", "莲", "翠", "轩", "杰", "涛", "强", "怡", "婷", "琪", "敏", "涵", "生"];
const SKILLS: [&str; 13] = [
    "shopping",
    "accompany_hospital",
    "haircut",
    "plumbing",
    "electrics",
    "tutoring",
    "cooking",
    "massage",
    "calligraphy",
    "phone_help",
    "driving",
    "first_aid",
    "listening",
];
const LANGUAGES: [&str; 3] = ["cmn-x-bazhong", "cmn", "csl"];
/// Of the range 199; the numbers are counted and belong to nobody on purpose.
const PHONE_PREFIX: &str = "1990";

/// What the `n`th person says who applies.
pub(super) fn application(seed: u64, n: u32, area: AreaCode) -> Result<NewVolunteer, Error> {
    let at = usize::try_from(seed % 1_000_003).unwrap_or_default() + n as usize;
    let name = format!("{}{}{}", SURNAMES[at % 31], FIRST[at / 31 % 23], SECOND[at * 7 % 19]);
    let damaged = |why: NotAPerson| Error::from(chassis::Fault::Internal(format!("a name of the demo {why}")));
    let day = NaiveDate::from_ymd_opt(1951, 1, 1).unwrap_or_default();
    let born = day + TimeDelta::days(i64::try_from(at * 7_919 % 20_000).unwrap_or_default());
    let window = |weekday, from, until| Window { weekday, from, until };
    // Working people at the weekend, the others in the week.
    let windows = if at.is_multiple_of(3) {
        vec![window(6, 540, 1080), window(7, 540, 1080)]
    } else {
        (1..=5).map(|weekday| window(weekday, 510, 690)).collect()
    };
    Ok(NewVolunteer {
        area,
        name: PersonName::parse(&name).map_err(damaged)?,
        phone: Phone::parse(&format!("{PHONE_PREFIX}{:07}", at % 10_000_000)).map_err(damaged)?,
        birth_date: born,
        resident_id: None,
        skills: [at % 13, at / 13 % 13].map(|skill| SKILLS[skill].to_owned()).to_vec(),
        languages: vec![LANGUAGES[0].to_owned(), LANGUAGES[if at.is_multiple_of(40) { 2 } else { 1 }].to_owned()],
        availability: Availability::new(windows)?,
        service_areas: Vec::new(),
        weekly_minutes: 0,
        risks_told: true,
        request_id: NO_REQUEST,
        content: Vec::new(),
    })
}
