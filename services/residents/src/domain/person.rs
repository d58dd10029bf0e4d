//! What is said about a resident in fixed words.

use chrono::NaiveDate;

text_code! {
    /// Sex as in GB/T 2261.1 (1 male, 2 female).
    pub enum Sex("sex") {
        Male = "male", ["男", "男性", "1"];
        Female = "female", ["女", "女性", "2"];
    }
}

text_code! {
    /// How a person is registered at the place.
    pub enum Registration("registration") {
        /// Registered here and living here.
        Registered = "registered", ["户籍", "户籍人口", "本地户籍", "本地", "常住户籍"];
        /// Registered elsewhere.
        MovedIn = "moved_in", ["流动", "流动人口", "外来", "外来人口", "暂住"];
        /// Registered here, living at another address.
        Separated = "separated", ["人户分离", "空挂", "空挂户"];
        /// Without mainland registration.
        Overseas = "overseas", ["境外", "境外人员", "港澳台", "外籍"];
    }
}

text_code! {
    /// Whether the person lives in the dwelling.
    pub enum Living("living") {
        Here = "here", ["常住", "在家", "居住"];
        WorkingAway = "working_away", ["外出务工", "务工", "外出"];
        StudyingAway = "studying_away", ["外出就学", "外出读书", "外出上学"];
        /// Nobody lives in the dwelling.
        Vacant = "vacant", ["空置", "空房", "无人居住"];
    }
}

text_code! {
    /// What the person is to the householder.
    pub enum Relation("relation") {
        Head = "head", ["户主", "本人", "本人或户主"];
        Spouse = "spouse", ["配偶", "夫", "妻", "丈夫", "妻子"];
        Child = "child", ["子女", "子", "女", "儿子", "女儿", "长子", "次子", "长女", "次女"];
        Grandchild = "grandchild", ["孙子女", "孙子", "孙女", "外孙", "外孙女", "外孙子", "孙辈"];
        Parent = "parent", ["父母", "父", "母", "父亲", "母亲", "岳父", "岳母", "公公", "婆婆"];
        Grandparent = "grandparent", ["祖父母", "祖父", "祖母", "爷爷", "奶奶", "外祖父", "外祖母", "外公", "外婆"];
        Sibling = "sibling", ["兄弟姐妹", "兄", "弟", "姐", "妹", "哥哥", "弟弟", "姐姐", "妹妹"];
        Other = "other", ["其他", "其它", "其他亲属", "非亲属", "儿媳", "女婿", "亲属"];
    }
}

impl Sex {
    /// The code of GB/T 2261.1.
    pub const fn gb2261_1(self) -> u8 {
        match self {
            Self::Male => 1,
            Self::Female => 2,
        }
    }
}

impl Relation {
    /// The one-digit code of GB/T 4761, which tells sons (2) from daughters (3).
    pub const fn gb4761(self, sex: Sex) -> u8 {
        match (self, sex) {
            (Self::Head, _) => 0,
            (Self::Spouse, _) => 1,
            (Self::Child, Sex::Male) => 2,
            (Self::Child, Sex::Female) => 3,
            (Self::Grandchild, _) => 4,
            (Self::Parent, _) => 5,
            (Self::Grandparent, _) => 6,
            (Self::Sibling, _) => 7,
            (Self::Other, _) => 8,
        }
    }
}

/// Completed years of life on a day; none before birth. Whoever was born on 29 February turns a year older on
/// 1 March of a year that has no such day.
pub fn age_on(birth_date: NaiveDate, day: NaiveDate) -> Option<u32> {
    day.years_since(birth_date)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Relation, Sex, age_on};

    #[test]
    fn codes_and_labels_lead_back_to_their_variant() {
        for relation in Relation::ALL {
            assert_eq!(Relation::parse(relation.as_str()), Ok(*relation));
            assert_eq!(Relation::from_label(relation.label()), Some(*relation));
        }
        assert_eq!(Relation::from_label("妻子"), Some(Relation::Spouse));
        assert_eq!(Relation::from_label("邻居"), None);
        let refused = Sex::parse("m").unwrap_err();
        assert_eq!(refused.to_string(), "unknown sex; use one of: male, female");
    }

    #[test]
    fn age_counts_completed_years() {
        let day = |text: &str| text.parse().unwrap();
        assert_eq!(age_on(day("1990-06-02"), day("2026-06-01")), Some(35));
        assert_eq!(age_on(day("1990-06-02"), day("2026-06-02")), Some(36));
        assert_eq!(age_on(day("2004-02-29"), day("2026-02-28")), Some(21));
        assert_eq!(age_on(day("2004-02-29"), day("2026-03-01")), Some(22));
        assert_eq!(age_on(day("2026-06-02"), day("2026-06-01")), None);
    }
}
