//! Which column is which.

use crate::domain::text::compact;
use crate::domain::text_code::text_code;

use super::source::{RawCell, RawRow};

text_code! {
    /// The columns that a survey may have.
    pub enum Column("column") {
        Community = "community", ["社区", "社区名称", "村社区", "村(社区)", "所属社区", "社区(村)"];
        Grid = "grid", ["网格", "网格编码", "网格编号", "网格代码", "所属网格"];
        Estate = "estate", ["小区", "小区名称", "院落", "小区(院落)"];
        Building = "building", ["楼栋", "楼栋号", "栋", "楼号", "幢"];
        Unit = "unit", ["单元", "单元号"];
        Room = "room", ["房号", "房间号", "门牌号", "户室号", "室"];
        HouseholdNo = "household_no", ["户编号", "家庭编号", "户号"];
        Relation = "relation", ["与户主关系", "户主关系", "关系"];
        Name = "name", ["姓名", "居民姓名", "名字"];
        Sex = "sex", ["性别"];
        BirthDate = "birth_date", ["出生日期", "出生年月日", "生日"];
        NationalId = "national_id", ["身份证号", "身份证号码", "身份证", "公民身份号码", "证件号码"];
        Phone = "phone", ["手机号", "手机号码", "联系电话", "电话", "手机", "联系方式"];
        Registration = "registration", ["户籍类型", "户籍性质", "人口类型", "户籍情况"];
        Living = "living", ["居住情况", "居住状态", "居住状况"];
        CareTags = "care_tags", ["关爱标签", "关爱类型", "特殊人群", "关爱对象"];
        VisitedOn = "visited_on", ["摸底日期", "走访日期", "登记日期", "调查日期", "采集日期"];
        Worker = "worker", ["网格员", "网格员姓名", "采集人", "登记人"];
    }
}

/// Without these no row can be judged.
pub const REQUIRED: [Column; 11] = [
    Column::Community,
    Column::Grid,
    Column::Building,
    Column::Room,
    Column::HouseholdNo,
    Column::Relation,
    Column::Name,
    Column::Sex,
    Column::BirthDate,
    Column::NationalId,
    Column::VisitedOn,
];

/// How many known columns make a row the header, so that a title above the table is not taken for it.
const ENOUGH_TO_BE_HEADER: usize = 3;

impl Column {
    /// The field that a problem in the column is reported under: both columns of the place are `area`.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Community | Self::Grid => "area",
            other => other.as_str(),
        }
    }
}

/// Why the columns cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Columns that must be there are not.
    #[error("line {line}: the columns {} are missing; the first row of the table must name them", names.join("、"))]
    Missing {
        /// The row taken for the header.
        line: u64,
        /// Their Chinese names.
        names: Vec<&'static str>,
    },
    /// Two columns mean the same.
    #[error("line {line}: the columns {first} and {second} both mean {meaning}; remove or rename one of them")]
    Duplicate {
        /// The row taken for the header.
        line: u64,
        /// The first, as in the file.
        first: String,
        /// The second, as in the file.
        second: String,
        /// What both mean.
        meaning: &'static str,
    },
}

/// The columns of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Where each known column stands; `None` where it is absent. In the order of [`Column::ALL`].
    places: Vec<Option<(usize, String)>>,
    /// Columns that nothing is known of, as in the file; they are not read.
    pub ignored: Vec<String>,
    /// How many columns the header names.
    pub width: usize,
}

impl Header {
    /// Whether the row names columns and is not a title above the table.
    pub fn is_likely(row: &RawRow) -> bool {
        row.cells.iter().filter(|cell| column_of(&title(cell)).is_some()).count() >= ENOUGH_TO_BE_HEADER
    }

    /// Reads the names of the columns, in any order.
    pub fn read(row: &RawRow) -> Result<Self, HeaderError> {
        let line = row.line;
        let mut places: Vec<Option<(usize, String)>> = vec![None; Column::ALL.len()];
        let mut ignored = Vec::new();
        for (at, cell) in row.cells.iter().enumerate() {
            let name = title(cell);
            let Some(column) = column_of(&name) else {
                if !name.is_empty() {
                    ignored.push(name);
                }
                continue;
            };
            if let Some((_, first)) = places[column as usize].replace((at, name.clone())) {
                return Err(HeaderError::Duplicate { line, first, second: name, meaning: column.label() });
            }
        }
        let missing = REQUIRED.iter().filter(|column| places[**column as usize].is_none());
        let names: Vec<_> = missing.map(|column| column.label()).collect();
        if !names.is_empty() {
            return Err(HeaderError::Missing { line, names });
        }
        Ok(Self { places, ignored, width: row.cells.len() })
    }

    /// Where the column stands, counted from 0.
    pub fn place(&self, column: Column) -> Option<usize> {
        self.places[column as usize].as_ref().map(|(at, _)| *at)
    }

    /// What the file calls the column.
    pub fn name(&self, column: Column) -> &str {
        self.places[column as usize].as_ref().map_or(column.label(), |(_, name)| name)
    }
}

fn title(cell: &RawCell) -> String {
    match cell {
        RawCell::Text(text) => compact(text).chars().filter(|c| !c.is_control()).take(60).collect(),
        RawCell::Date(_) | RawCell::Unreadable(_) => String::new(),
    }
}

/// A name may be marked as required (`姓名*`) or explained behind it (`出生日期(年-月-日)`).
fn column_of(title: &str) -> Option<Column> {
    let plain = title.trim_matches('*');
    Column::from_label(plain).or_else(|| plain.split_once('(').and_then(|(name, _)| Column::from_label(name)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Column, Header, HeaderError, RawCell, RawRow};

    const FULL: &str = "社区,网格,楼栋,房号,户编号,与户主关系,姓名,性别,出生日期,身份证号,摸底日期";

    fn row(names: &str) -> RawRow {
        RawRow { line: 1, cells: names.split(',').map(|name| RawCell::Text(name.to_owned())).collect() }
    }

    #[test]
    fn order_synonyms_and_marks_do_not_matter() {
        let header = Header::read(&row(
            "走访日期,身份证号码,出生日期（年-月-日）,性别,*姓名,与户主关系,户号,房号,楼栋,网格编码,村（社区）,备注",
        ))
        .unwrap();
        assert_eq!(header.place(Column::VisitedOn), Some(0));
        assert_eq!(header.place(Column::Community), Some(10));
        assert_eq!(header.place(Column::Phone), None);
        assert_eq!(header.name(Column::NationalId), "身份证号码");
        assert_eq!(header.ignored, ["备注"]);
    }

    #[test]
    fn missing_columns_are_named() {
        let refused = Header::read(&row("社区,网格,楼栋,房号,户编号,与户主关系,姓名,性别,出生日期")).unwrap_err();
        assert_eq!(refused, HeaderError::Missing { line: 1, names: vec!["身份证号", "摸底日期"] });
        assert!(refused.to_string().contains("身份证号、摸底日期"));
    }

    #[test]
    fn two_columns_of_one_meaning_are_refused() {
        let refused = Header::read(&row(&format!("{FULL},联系电话,手机号"))).unwrap_err();
        assert!(matches!(refused, HeaderError::Duplicate { meaning: "手机号", .. }));
    }

    #[test]
    fn a_title_is_no_header() {
        assert!(!Header::is_likely(&row("登科街道2026年摸底表,,,")));
        assert!(Header::is_likely(&row(FULL)));
    }
}
