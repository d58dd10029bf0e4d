//! Names, numbers and reasons for care of people who do not exist.

use std::collections::HashSet;

use chrono::{Datelike, Days, NaiveDate};

use super::random::Random;
use crate::domain::{
    care::CareTag,
    name::PersonName,
    national_id::NationalId,
    person::{Sex, age_on},
    phone::Phone,
};

/// The commonest surnames of Sichuan, the more common ones more than once.
const SURNAMES: &[&str] = &[
    "李", "李", "李", "王", "王", "王", "张", "张", "张", "刘", "刘", "陈", "陈", "杨", "杨", "周", "黄", "何", "罗",
    "吴", "赵", "蒲", "苟", "马", "谢", "邓", "冯", "曾", "蒋", "彭", "廖", "岳", "郑", "胡", "唐", "徐", "魏", "袁",
    "余", "石",
];
const OF_OLD_MEN: &[&str] =
    &["国", "德", "明", "光", "建", "华", "忠", "友", "成", "清", "福", "良", "正", "安", "全", "贵"];
const OF_OLD_WOMEN: &[&str] =
    &["秀", "英", "兰", "芳", "珍", "玉", "桂", "琼", "淑", "碧", "素", "莲", "凤", "清", "翠", "蓉"];
const OF_YOUNG_MEN: &[&str] =
    &["浩", "宇", "轩", "杰", "俊", "博", "涛", "鹏", "磊", "强", "嘉", "泽", "子", "晨", "航", "睿"];
const OF_YOUNG_WOMEN: &[&str] =
    &["欣", "怡", "雨", "婷", "雪", "梦", "佳", "琪", "静", "丽", "敏", "玲", "诗", "涵", "悦", "琳"];
/// Enyang, and for people from elsewhere its neighbours.
const HERE: u32 = 511_903;
const ELSEWHERE: &[u32] = &[511_902, 511_921, 511_922, 511_923, 511_324];
/// Made-up numbers lie in the order numbers from here on.
const FIRST_ORDER: u16 = 900;

/// Makes numbers that nobody else in the town has.
#[derive(Debug, Default)]
pub(super) struct Numbers(HashSet<(u32, NaiveDate, u16)>);

impl Numbers {
    /// A number for somebody born about that day; a day that is full pushes them a day back.
    pub(super) fn next(&mut self, random: &mut Random, sex: Sex, born: NaiveDate, is_from_here: bool) -> NationalId {
        let mut day = born;
        loop {
            let place = if is_from_here { HERE } else { random.one_of(ELSEWHERE) };
            // Odd numbers are men's.
            let first = FIRST_ORDER + u16::from(sex == Sex::Male);
            let free = (0..50).map(|n| first + 2 * n).find(|order| self.0.insert((place, day, *order)));
            if let Some(number) = free.and_then(|order| NationalId::of_parts(place, day, order)) {
                return number;
            }
            day = day - Days::new(1);
        }
    }
}

/// A name as people of that age have.
pub(super) fn name(random: &mut Random, surname: &str, sex: Sex, born: NaiveDate) -> PersonName {
    let characters = match (sex, born.year() < 1980) {
        (Sex::Male, true) => OF_OLD_MEN,
        (Sex::Female, true) => OF_OLD_WOMEN,
        (Sex::Male, false) => OF_YOUNG_MEN,
        (Sex::Female, false) => OF_YOUNG_WOMEN,
    };
    let first = random.one_of(characters);
    let second = if random.per_cent(75) { random.one_of(characters) } else { "" };
    PersonName::parse(&format!("{surname}{first}{second}")).expect("characters make a name")
}

pub(super) fn surname(random: &mut Random) -> &'static str {
    random.one_of(SURNAMES)
}

/// A mobile number.
pub(super) fn phone(random: &mut Random) -> Phone {
    let start = random.one_of(&["133", "139", "151", "158", "173", "183", "187", "199"]);
    Phone::parse(&format!("{start}{:08}", random.below(100_000_000))).expect("eleven digits make a mobile number")
}

/// Somebody of about that age, born on a day of the year that is theirs alone.
pub(super) fn born(random: &mut Random, today: NaiveDate, years: u32) -> NaiveDate {
    today - Days::new(u64::from(years) * 365 + u64::from(years / 4) + u64::from(random.below(365)))
}

/// Reasons for care that come with age and with living alone, and some that come to anybody.
pub(super) fn care(random: &mut Random, born: NaiveDate, today: NaiveDate, lives: Lives) -> Vec<CareTag> {
    let age = age_on(born, today).unwrap_or_default();
    let mut tags = Vec::new();
    match lives {
        Lives::Alone if age >= 60 => tags.push(CareTag::LivingAlone),
        Lives::AsOldCouple if age >= 60 => tags.push(CareTag::EmptyNest),
        Lives::WithGrandparents if age < 16 => tags.push(CareTag::LeftBehindChild),
        Lives::Alone | Lives::AsOldCouple | Lives::WithGrandparents | Lives::AsFamily => {}
    }
    let mut may_be = |tag, chance| tags.extend(random.per_cent(chance).then_some(tag));
    if age >= 80 {
        may_be(CareTag::OldestOld, 100);
        may_be(CareTag::Dementia, 6);
        may_be(CareTag::Dependent, 5);
    }
    may_be(CareTag::Wheelchair, if age >= 70 { 5 } else { 0 });
    may_be(CareTag::Disabled, if age >= 50 { 5 } else { 1 });
    may_be(CareTag::LowIncome, 3);
    tags
}

/// How somebody lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lives {
    Alone,
    AsOldCouple,
    AsFamily,
    WithGrandparents,
}
