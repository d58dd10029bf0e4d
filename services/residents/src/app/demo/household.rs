//! Households of a town that ages: many elders alone or in pairs, many children with their grandparents.

use chassis::data::AreaCode;
use chrono::{Days, NaiveDate};

use super::{
    people::{self, Lives, Numbers},
    random::Random,
};
use crate::{
    domain::person::{Living, Registration, Relation, Sex},
    survey::row::SurveyRow,
};

/// Communities of the subdistrict, and whether they are villages.
const COMMUNITIES: [(u32, &str, bool); 16] = [
    (1, "新场", false),
    (2, "登科寺社区", false),
    (7, "麻石社区", false),
    (8, "白玉社区", false),
    (9, "两路社区", false),
    (10, "天星寨社区", false),
    (11, "赵台社区", false),
    (12, "石马社区", false),
    (13, "秋溪社区", false),
    (14, "燕飞社区", false),
    (15, "古溪社区", false),
    (16, "红岩坝社区", false),
    (232, "团包垭村", true),
    (233, "五台山村", true),
    (234, "狮子山村", true),
    (236, "方山村", true),
];
const COMPOUNDS: [&str; 8] =
    ["滨河小区", "翰林苑", "锦绣花园", "登科苑", "阳光家园", "义阳小区", "文治花园", "安置小区"];
const GRIDS: u32 = 4;
/// No visit lies further back than this many days.
const VISITED_WITHIN: u32 = 60;

/// Makes households, one after the other.
pub(super) struct Town {
    random: Random,
    numbers: Numbers,
    today: NaiveDate,
    households: u32,
}

/// A member to be made: relation, sex, years of age.
type Member = (Relation, Sex, u32);

/// Where a household lives and when it was visited.
struct Home {
    area: AreaCode,
    community: &'static str,
    estate: Option<&'static str>,
    building: String,
    unit: Option<String>,
    room: String,
    number: String,
    visited_on: NaiveDate,
    is_from_here: bool,
}

impl Town {
    pub(super) fn new(random: Random, today: NaiveDate) -> Self {
        Self { random, numbers: Numbers::default(), today, households: 0 }
    }

    /// Everybody of the next household, the head first.
    pub(super) fn next_household(&mut self) -> Vec<SurveyRow> {
        self.households += 1;
        let home = self.home();
        let (lives, members) = self.members();
        let (of_head, of_spouse) = (people::surname(&mut self.random), people::surname(&mut self.random));
        members
            .into_iter()
            .map(|member| {
                let is_in_law = matches!(member.0, Relation::Spouse | Relation::Other);
                self.person(&home, lives, member, if is_in_law { of_spouse } else { of_head })
            })
            .collect()
    }

    fn home(&mut self) -> Home {
        let random = &mut self.random;
        let (code, community, is_village) = random.one_of(&COMMUNITIES);
        let grid = random.between(1, GRIDS);
        let area = format!("511903001{code:03}{grid:03}").parse().expect("fifteen digits make a grid");
        let (estate, building, unit, room) = if is_village {
            (None, format!("{}组", random.between(1, 8)), None, format!("{}号", random.between(1, 200)))
        } else {
            (
                Some(random.one_of(&COMPOUNDS)),
                format!("{}栋", random.between(1, 20)),
                Some(format!("{}单元", random.between(1, 3))),
                format!("{}0{}", random.between(1, 18), random.between(1, 4)),
            )
        };
        Home {
            area,
            community,
            estate,
            building,
            unit,
            room,
            number: format!("D{:06}", self.households),
            visited_on: self.today - Days::new(u64::from(random.below(VISITED_WITHIN))),
            is_from_here: random.per_cent(80),
        }
    }

    fn members(&mut self) -> (Lives, Vec<Member>) {
        let random = &mut self.random;
        let head = if random.per_cent(65) { Sex::Male } else { Sex::Female };
        let other = if head == Sex::Male { Sex::Female } else { Sex::Male };
        let any = |random: &mut Random| if random.per_cent(51) { Sex::Male } else { Sex::Female };
        match random.below(100) {
            0..14 => (Lives::Alone, vec![(Relation::Head, any(random), random.between(62, 94))]),
            14..32 => {
                let age = random.between(60, 88);
                (
                    Lives::AsOldCouple,
                    vec![(Relation::Head, head, age), (Relation::Spouse, other, age - random.below(5))],
                )
            }
            32..40 => (Lives::Alone, vec![(Relation::Head, any(random), random.between(24, 58))]),
            40..50 => {
                let age = random.between(26, 58);
                (Lives::AsFamily, vec![(Relation::Head, head, age), (Relation::Spouse, other, age - random.below(4))])
            }
            50..60 => {
                let age = random.between(55, 72);
                let mut members = vec![(Relation::Head, head, age), (Relation::Spouse, other, age - random.below(5))];
                for _ in 0..random.between(1, 2) {
                    members.push((Relation::Grandchild, any(random), random.between(3, 15)));
                }
                (Lives::WithGrandparents, members)
            }
            rest => {
                let age = random.between(28, 52);
                let mut members = vec![(Relation::Head, head, age), (Relation::Spouse, other, age - random.below(4))];
                for _ in 0..random.between(1, 2) {
                    members.push((Relation::Child, any(random), random.below(age - 23)));
                }
                if rest >= 80 {
                    members.push((Relation::Parent, Sex::Female, age + random.between(22, 32)));
                }
                (Lives::AsFamily, members)
            }
        }
    }

    fn person(&mut self, home: &Home, lives: Lives, (relation, sex, years): Member, surname: &str) -> SurveyRow {
        let random = &mut self.random;
        let about = people::born(random, self.today, years);
        let number = self.numbers.next(random, sex, about, home.is_from_here);
        let birth_date = number.birth_date();
        let is_away = (18..60).contains(&years) && random.per_cent(15);
        SurveyRow {
            line: u64::from(self.households),
            area: home.area,
            community: home.community.to_owned(),
            estate: home.estate.map(str::to_owned),
            building: home.building.clone(),
            unit: home.unit.clone(),
            room: home.room.clone(),
            household_no: home.number.clone(),
            relation,
            name: people::name(random, surname, sex, birth_date),
            sex,
            birth_date,
            phone: (years >= 14).then(|| people::phone(random)),
            registration: Some(if home.is_from_here { Registration::Registered } else { Registration::MovedIn }),
            living: Some(if is_away { Living::WorkingAway } else { Living::Here }),
            care_tags: people::care(random, birth_date, self.today, lives),
            national_id: Some(number),
            visited_on: home.visited_on,
            worker: None,
        }
    }
}
