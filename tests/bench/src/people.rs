//! Made-up towns of any size: subdistricts of 10,000 people, in 16 communities and 32 grids each, three to a household.
//! Person `n` is the same in every run, so that whoever was imported can be looked up. The ID numbers are valid after
//! GB 11643 and nobody's: no province has the code 19 (GB/T 2260).

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    ops::Range,
    path::Path,
};

use anyhow::{Context as _, Result};
use chrono::{Days, NaiveDate};

/// People of one subdistrict.
pub(crate) const SUBDISTRICT: u32 = 10_000;
const COMMUNITY: u32 = SUBDISTRICT / 16;
const COUNTY: &str = "511903";

/// One person as the survey states it.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) community: String,
    pub(crate) grid: String,
    pub(crate) name: String,
    pub(crate) birth_date: NaiveDate,
    pub(crate) national_id: String,
    phone: String,
}

/// The code of a subdistrict, counted from 0.
pub(crate) fn subdistrict(n: u32) -> String {
    format!("{COUNTY}{:03}", n + 1)
}

/// The `n`th person, counted from 0; at most a few millions.
pub(crate) fn person(n: u32) -> Person {
    const SURNAMES: [&str; 16] =
        ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林"];
    const GIVEN: [&str; 32] = [
        "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀",
        "霞", "平", "刚", "桂", "英", "华", "文", "玉", "建", "春", "梅", "晓", "红", "波",
    ];
    const DAYS: u32 = 30_000;
    let mixed = mix(n);
    let pick = |list: &[&'static str], shift: u32| list[(mixed >> shift) as usize % list.len()];
    let name = format!("{}{}{}", pick(&SURNAMES, 0), pick(&GIVEN, 8), pick(&GIVEN, 16));
    let first = NaiveDate::from_ymd_opt(1930, 1, 1).unwrap_or_default();
    let birth_date = first + Days::new(u64::from(n % DAYS));
    let order = n / DAYS * 2 + (mixed >> 31);
    let digits = format!("190000{}{order:03}", birth_date.format("%Y%m%d"));
    let (district, community) = (n / SUBDISTRICT, n % SUBDISTRICT / COMMUNITY);
    Person {
        community: community_name(district, community),
        grid: format!("{}{:03}{:03}", subdistrict(district), community + 1, n / 3 % 2 + 1),
        name,
        birth_date,
        national_id: format!("{digits}{}", check_character(&digits)),
        phone: format!("199{n:08}"),
    }
}

fn community_name(district: u32, community: u32) -> String {
    format!("幸福{district:03}{community:02}社区")
}

/// GB 11643, 4: the weighted sum of the 17 digits, modulo 11.
fn check_character(digits: &str) -> char {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    char::from(b"10X98765432"[sum as usize % 11])
}

/// Spreads numbers that follow each other (the finalizer of `MurmurHash3`).
fn mix(n: u32) -> u32 {
    let mut x = n.wrapping_add(0x9e37_79b9);
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

/// Writes the tree of the areas in which the first `people` live.
pub(crate) fn write_areas(path: &Path, people: u32) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "code,name,level,parent_code\n{COUNTY}000000,恩阳区,county,")?;
    for district in 0..people.div_ceil(SUBDISTRICT) {
        let code = subdistrict(district);
        writeln!(file, "{code}000,第{district}街道,subdistrict,{COUNTY}000000")?;
        for community in 0..16 {
            let name = community_name(district, community);
            writeln!(file, "{code}{:03},{name}居民委员会,community,{code}000", community + 1)?;
        }
    }
    file.flush().context("cannot write the areas")
}

/// Writes the survey of some people.
pub(crate) fn write_survey(path: &Path, people: Range<u32>) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(
        file,
        "社区,网格,小区,楼栋,单元,房号,户编号,与户主关系,姓名,性别,出生日期,身份证号,手机号,户籍类型,居住情况,关爱标签,\
         摸底日期,网格员"
    )?;
    for n in people {
        let Person { community, grid, name, birth_date, national_id, phone } = person(n);
        let household = n / 3;
        let relation = ["户主", "配偶", "子女"][n as usize % 3];
        let sex = if national_id.as_bytes()[16] % 2 == 1 { "男" } else { "女" };
        let tag = if n % 20 == 0 { "残疾" } else { "" };
        writeln!(
            file,
            "{community},{grid},滨河小区,{}栋,{}单元,{},H{household:07},{relation},{name},{sex},{birth_date},{national_id},\
             {phone},户籍,常住,{tag},2026-10-18,网格员",
            household % 40 + 1,
            household % 4 + 1,
            household % 900 + 101,
        )?;
    }
    file.flush().context("cannot write the survey")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{check_character, person};

    #[test]
    fn the_check_character_is_that_of_the_standard() {
        assert_eq!(check_character("11010519491231002"), 'X');
        assert_eq!(check_character("36042619910101007"), '1');
    }

    #[test]
    fn no_two_people_have_one_number() {
        let numbers: HashSet<String> = (0..200_000).map(|n| person(n).national_id).collect();
        assert_eq!(numbers.len(), 200_000);
        assert!(numbers.iter().all(|number| number.len() == 18));
    }
}
