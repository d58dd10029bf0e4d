//! Who is to be cared for, and who needs help when a building is in danger.

text_code! {
    /// Why somebody is to be looked in on. The classes are those of the national order on visiting (独居, 空巢,
    /// 留守, 失能, 重残, 计划生育特殊家庭) and of the community's own list. There are no classes of suspicion.
    pub enum CareTag("care_tag") {
        LivingAlone = "living_alone", ["独居老人", "独居"];
        EmptyNest = "empty_nest", ["空巢老人", "空巢"];
        /// Eighty or older.
        OldestOld = "oldest_old", ["高龄", "高龄老人"];
        Dementia = "dementia", ["失智", "失智老人", "认知障碍"];
        /// Cannot look after themselves (失能).
        Dependent = "dependent", ["失能", "失能老人", "半失能"];
        Disabled = "disabled", ["残疾", "残疾人"];
        SeverelyDisabled = "severely_disabled", ["重残", "重度残疾"];
        Wheelchair = "wheelchair", ["轮椅", "坐轮椅"];
        LowIncome = "low_income", ["低保", "低保户", "低收入"];
        LeftBehindChild = "left_behind_child", ["留守儿童"];
        LeftBehindElder = "left_behind_elder", ["留守老人"];
        /// Lost their only child, or the child is disabled.
        SpecialFamily = "special_family", ["计划生育特殊家庭", "计生特殊家庭", "失独家庭", "失独"];
    }
}

/// From this age on a person is helped out of a building first, tags or none.
pub const HELP_AGE: u32 = 80;

/// A child is "left behind" below sixteen (State Council opinion of 2016); a tag that was never taken back
/// does not count for an adult.
const ADULT_AGE: u32 = 16;

/// Whether somebody has to be helped out when the building is in danger: people of eighty and more, elders living
/// alone or left behind, whoever cannot walk, see, hear or understand well enough to leave (disabled, wheelchair,
/// dependent, dementia), and children left behind. An elder couple (empty nest), a low income or a lost child are
/// reasons to visit, not signs that somebody cannot get out. An unknown age counts as none.
pub fn needs_help(tags: &[CareTag], age: Option<u32>) -> bool {
    age.is_some_and(|age| age >= HELP_AGE) || tags.iter().any(|tag| calls_for_help(*tag, age))
}

/// How helpless somebody is who needs help: whoever cannot move or understand before whoever can but is alone, and of
/// equals the one with more reasons. Higher is more helpless; the older one goes first among equals.
pub fn urgency(tags: &[CareTag], age: Option<u32>) -> (u8, usize) {
    let reasons = tags.iter().filter(|tag| calls_for_help(**tag, age));
    let gravest = reasons.clone().map(|tag| gravity(*tag)).max().unwrap_or_default();
    (gravest, reasons.count())
}

fn gravity(tag: CareTag) -> u8 {
    match tag {
        CareTag::Dependent | CareTag::SeverelyDisabled => 4,
        CareTag::Wheelchair | CareTag::Dementia => 3,
        CareTag::Disabled | CareTag::LeftBehindChild => 2,
        CareTag::LivingAlone | CareTag::OldestOld | CareTag::LeftBehindElder => 1,
        CareTag::EmptyNest | CareTag::LowIncome | CareTag::SpecialFamily => 0,
    }
}

fn calls_for_help(tag: CareTag, age: Option<u32>) -> bool {
    match tag {
        CareTag::LivingAlone
        | CareTag::OldestOld
        | CareTag::Dementia
        | CareTag::Dependent
        | CareTag::Disabled
        | CareTag::SeverelyDisabled
        | CareTag::Wheelchair
        | CareTag::LeftBehindElder => true,
        CareTag::LeftBehindChild => age.is_none_or(|age| age < ADULT_AGE),
        CareTag::EmptyNest | CareTag::LowIncome | CareTag::SpecialFamily => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{CareTag, needs_help, urgency};

    #[test]
    fn age_alone_is_enough_from_eighty_on() {
        assert!(!needs_help(&[], Some(79)));
        assert!(needs_help(&[], Some(80)));
        assert!(!needs_help(&[], None));
    }

    #[test]
    fn tags_that_say_somebody_cannot_leave_alone_count() {
        let helped: Vec<_> =
            CareTag::ALL.iter().filter(|tag| needs_help(&[**tag], None)).map(|tag| tag.as_str()).collect();
        assert_eq!(
            helped,
            [
                "living_alone",
                "oldest_old",
                "dementia",
                "dependent",
                "disabled",
                "severely_disabled",
                "wheelchair",
                "left_behind_child",
                "left_behind_elder"
            ]
        );
        assert!(needs_help(&[CareTag::LowIncome, CareTag::Wheelchair], Some(30)));
    }

    #[test]
    fn who_cannot_move_goes_before_who_is_alone() {
        let wheelchair = urgency(&[CareTag::Wheelchair], Some(40));
        let alone = urgency(&[CareTag::LivingAlone, CareTag::OldestOld], Some(85));
        let both = urgency(&[CareTag::LivingAlone, CareTag::Wheelchair, CareTag::LowIncome], Some(85));
        assert!(both > wheelchair && wheelchair > alone && alone > urgency(&[], Some(85)));
    }

    #[test]
    fn a_child_left_behind_grows_up() {
        assert!(needs_help(&[CareTag::LeftBehindChild], Some(9)));
        assert!(!needs_help(&[CareTag::LeftBehindChild], Some(19)));
    }
}
