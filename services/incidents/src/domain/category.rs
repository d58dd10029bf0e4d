//! The default category tree of Dengke: what an incident is about. A code names its way from the group down
//! (`sanitation.illegal_dumping`), so a group contains every code that begins with it.

use serde::{Deserialize, Serialize};

use super::codes::UnknownCode;

/// A node of the tree.
#[derive(Debug, PartialEq, Eq)]
pub struct Category {
    pub code: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
}

impl Category {
    /// The code of the group this stands in; `None` for a group.
    pub fn parent(&self) -> Option<&'static str> {
        self.code.rsplit_once('.').map(|(parent, _)| parent)
    }
}

/// The code of a category that was in the tree when it was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CategoryCode(String);

impl CategoryCode {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A code that was in the tree when it was stored; it may have left the tree since.
    pub fn recorded(code: String) -> Self {
        Self(code)
    }
}

impl std::str::FromStr for CategoryCode {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        match find(code) {
            Some(category) => Ok(Self(category.code.to_owned())),
            None => Err(UnknownCode::new("category", code, &CATEGORIES.iter().map(|c| c.code).collect::<Vec<_>>())),
        }
    }
}

/// The category with this code.
pub fn find(code: &str) -> Option<&'static Category> {
    CATEGORIES.iter().find(|category| category.code == code)
}

/// Whether `code` is `group` or stands in it.
pub fn contains(group: &str, code: &str) -> bool {
    code.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

const fn category(code: &'static str, zh: &'static str, en: &'static str) -> Category {
    Category { code, zh, en }
}

/// Groups, each followed by what stands in it.
pub static CATEGORIES: &[Category] = &[
    category("utilities", "水电气", "Water, electricity, gas"),
    category("utilities.water_supply", "停水或水压不足", "No water or low pressure"),
    category("utilities.water_leak", "漏水或浪费用水", "Leak or waste of water"),
    category("utilities.electricity", "停电或线路故障", "Power cut or faulty line"),
    category("utilities.gas", "燃气异味或故障", "Smell of gas or gas fault"),
    category("utilities.drainage", "排水堵塞或井盖缺损", "Blocked drain or missing cover"),
    category("roads", "道路与照明", "Roads and lights"),
    category("roads.surface", "路面破损", "Damaged road or pavement"),
    category("roads.street_light", "单盏路灯不亮", "One street light out"),
    category("roads.street_light_row", "多盏路灯不亮", "Several street lights out"),
    category("roads.parking", "乱停车或占道", "Blocked road or bad parking"),
    category("sanitation", "环境卫生", "Sanitation and waste"),
    category("sanitation.bulky_waste", "大件垃圾", "Bulky waste"),
    category("sanitation.appliance", "废旧家电与金属", "Discarded appliances and metal"),
    category("sanitation.electronic_waste", "电子废弃物", "Electronic waste"),
    category("sanitation.illegal_dumping", "乱倒垃圾", "Illegal dumping"),
    category("sanitation.graffiti", "乱涂乱画与小广告", "Graffiti and illegal posters"),
    category("sanitation.dead_animal", "动物尸体", "Dead animal"),
    category("building", "房屋与物业", "Buildings and property management"),
    category("building.structure", "房屋结构隐患", "Unsafe structure"),
    category("building.falling_object", "高空坠物隐患", "Danger of falling objects"),
    category("building.lift", "电梯故障", "Lift out of order"),
    category("building.property_management", "物业服务", "Property management"),
    category("neighbours", "邻里", "Neighbours"),
    category("neighbours.noise", "噪声扰民", "Noise"),
    category("neighbours.dispute", "邻里纠纷", "Dispute between neighbours"),
    category("people", "居民帮扶", "Help for people"),
    category("people.elder_help", "老人求助", "An elder needs help"),
    category("people.child_help", "儿童求助", "A child needs help"),
    category("people.rough_sleeping", "露宿人员救助", "Somebody sleeps in the open"),
    category("safety", "公共安全", "Public safety"),
    category("safety.fire_hazard", "消防隐患", "Fire hazard"),
    category("safety.flood", "内涝与地质灾害隐患", "Flooding or unstable ground"),
    category("safety.public_order", "公共秩序", "Public order"),
    category("other", "其他", "Other"),
    category("other.feedback", "意见建议", "Opinion or suggestion"),
    category("other.unspecified", "未分类", "Not classified"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_stands_in_a_group_before_it() {
        for (at, category) in CATEGORIES.iter().enumerate() {
            let before = &CATEGORIES[..at];
            assert!(before.iter().all(|other| other.code != category.code), "{} twice", category.code);
            if let Some(parent) = category.parent() {
                assert!(before.iter().any(|other| other.code == parent), "{} has no group", category.code);
                assert!(contains(parent, category.code));
            }
            assert!(!category.zh.is_empty() && !category.en.is_empty());
        }
    }

    #[test]
    fn a_group_contains_itself_and_its_own_only() {
        assert!(contains("roads", "roads"));
        assert!(contains("roads", "roads.surface"));
        assert!(!contains("roads.surface", "roads"));
        // A code is contained by whole words.
        assert!(!contains("roads.street_light", "roads.street_light_row"));
    }

    #[test]
    fn an_unknown_code_is_told_what_there_is() {
        let error = "roads.potato".parse::<CategoryCode>().expect_err("no such category");
        assert_eq!(error.value, "roads.potato");
        assert!(error.to_string().contains("roads.surface"));
        assert_eq!("roads.surface".parse::<CategoryCode>().expect("in the tree").as_str(), "roads.surface");
    }
}
