//! What is wrong with a row, in words for the office and codes for programs.

use crate::domain::text::compact;
use chassis::data::AreaCode;

use super::header::Column;
use super::source::RawCell;

macro_rules! reasons {
    ($( $(#[$meta:meta])* $variant:ident = $code:literal, $zh:literal, $en:literal; )+) => {
        /// Why a cell is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $( $(#[$meta])* $variant, )+ }

        impl Reason {
            /// The code for programs.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $code, )+ }
            }

            /// What is wrong and what to do, in Chinese.
            pub const fn zh(self) -> &'static str {
                match self { $( Self::$variant => $zh, )+ }
            }

            /// What is wrong and what to do, in English.
            pub const fn en(self) -> &'static str {
                match self { $( Self::$variant => $en, )+ }
            }
        }
    };
}

reasons! {
    Blank = "blank", "不能为空，请补填", "must not be blank; fill it in";
    TooLong = "too_long", "内容过长，请缩短", "is too long; shorten it";
    Formula = "formula", "以 = + - @ 开头，会被当作公式，请改为普通文字", "starts as a formula does; type plain text";
    ControlCharacter = "control_character", "含有不可见的控制字符，请重新录入", "has control characters; type it again";
    NoLetter = "no_letter", "没有文字，请填写真实姓名", "has no letter; give the real name";
    Encoding = "encoding", "有无法识别的字节，请另存为 UTF-8 编码后重新录入该格", "has bytes that are no text; save the file as UTF-8 and type the cell again";
    DigitsLost = "digits_lost", "按数字保存，末尾几位已丢失，请把该列设为文本后重新录入", "was kept as a number and lost its last digits; make the column text and type it again";
    FormulaError = "formula_error", "公式结果出错，请改为数值或文字", "is a formula that failed; type the value";
    ExtraCells = "extra_cells", "本行的列数多于表头，可能有错位，请检查逗号和引号", "the row has more cells than the header; look for a stray comma or quotation mark";
    NotADate = "not_a_date", "不是有效日期，请按 1990-02-03 的格式填写", "is no date of the calendar; write it as 1990-02-03";
    InFuture = "in_future", "日期晚于今天，请核对", "is in the future; check it";
    UnknownValue = "unknown_value", "不是可识别的选项，请按填表说明填写", "is none of the values known; use one of the form's";
    IdLength = "id_length", "身份证号应为18位，请对照证件核对", "must have 18 characters; check it against the card";
    IdCharacters = "id_characters", "身份证号只能是17位数字加1位数字或X，请对照证件核对", "must be 17 digits and a digit or X; check it against the card";
    IdBirthDate = "id_birth_date", "身份证号中的出生日期不存在，请对照证件核对", "has a birth date that does not exist; check it against the card";
    IdChecksum = "id_checksum", "身份证号校验码不符，请对照证件核对", "has a check character that does not fit; check it against the card";
    ContradictsId = "contradicts_id", "与身份证号不一致，请对照证件核对", "contradicts the ID number; check both against the card";
    PhoneForm = "phone_form", "不是有效号码，手机应为11位，座机须带区号", "is no phone number; a mobile has 11 digits, a landline its area code";
    AreaForm = "area_form", "不是有效的网格编码，应为15位数字（社区12位）", "is no area code; a grid has 15 digits, a community 12";
    AreaOutside = "area_outside", "不在本次摸底的辖区内，请核对", "lies outside the area of this survey; check it";
    CommunityUnknown = "community_unknown", "不是已知的社区，请先登记该社区或改正名称", "is no known community; add it first or correct the name";
    AreaContradicts = "area_contradicts", "网格不属于本行所写的社区，请核对", "is not in the community that the row names; check both";
    AreaAmbiguous = "area_ambiguous", "不能为空：有多个同名社区，请填写15位网格编码", "must name the grid: more than one community has this name";
}

/// One thing wrong with one cell. Personal content is never in it: only [`RowProblem::masked`], which is made to
/// recognise the cell by and nobody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// The line of the file or row of the sheet; the first is 1.
    pub line: u64,
    /// The column as the file names it.
    pub column: String,
    /// The field in English, as in `national_id`; both columns of the place are `area`.
    pub field: &'static str,
    /// Why.
    pub reason: Reason,
    /// The value with its content hidden.
    pub masked: String,
}

impl RowProblem {
    /// The message for the office: column, what is wrong, what to do.
    pub fn message_zh(&self) -> String {
        format!("{}：{}", self.column, self.reason.zh())
    }

    /// The same in English.
    pub fn message_en(&self) -> String {
        format!("{}: {}", self.field, self.reason.en())
    }
}

/// What may be shown of a refused cell. A wrong cell may hold anything, as rows slip by a column, so only what has
/// the form of its own column keeps more than its first character.
pub(super) fn masked(column: Column, cell: &RawCell) -> String {
    let RawCell::Text(text) = cell else { return String::new() };
    let text = compact(text);
    let chars: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
    let ends = |first: usize, last: usize| -> String {
        let hidden = chars.len().saturating_sub(first + last);
        let (head, tail) = (chars.iter().take(first), chars.iter().skip(first + hidden));
        head.copied().chain(std::iter::repeat_n('*', hidden)).chain(tail.copied()).collect()
    };
    let digits = chars.iter().filter(|c| c.is_ascii_digit()).count();
    match column {
        _ if chars.is_empty() => String::new(),
        Column::NationalId if chars.len() == 18 && digits >= 17 => ends(6, 2),
        Column::Phone if chars.len() == 11 && digits == 11 => ends(3, 4),
        Column::Phone if digits == chars.len() && (5..11).contains(&digits) => {
            format!("{}****", ends(3, 0).trim_end_matches('*'))
        }
        Column::BirthDate if digits >= 6 && chars.len() <= 12 && digits < 11 => {
            format!("{}****", ends(4, 0).trim_end_matches('*'))
        }
        Column::Grid => text.parse::<AreaCode>().map_or_else(|_| hidden_after_first(&chars), |_| text.clone()),
        _ => hidden_after_first(&chars),
    }
}

fn hidden_after_first(chars: &[char]) -> String {
    let length = chars.len();
    let first = chars[0];
    if length > 10 { format!("{first}*（{length}字）") } else { format!("{first}*") }
}

#[cfg(test)]
mod tests {
    use super::{Column, RawCell, masked};

    #[test]
    fn content_is_hidden_by_its_form() {
        for (column, text, expected) in [
            (Column::NationalId, "511903199001011294", "511903**********94"),
            (Column::NationalId, "51190319900101129", "5*（17字）"),
            (Column::Phone, "13912341550", "139****1550"),
            (Column::Phone, "1380013", "138****"),
            (Column::Phone, "511903199001011294", "5*（18字）"),
            (Column::Name, "张三", "张*"),
            (Column::Name, "", ""),
            (Column::BirthDate, "1990-02-30", "1990****"),
            (Column::BirthDate, "511903199001011294", "5*（18字）"),
            (Column::Grid, "511999001001001", "511999001001001"),
            (Column::Grid, "511903199001011294", "5*（18字）"),
            (Column::Sex, "张三", "张*"),
        ] {
            assert_eq!(masked(column, &RawCell::Text(text.to_owned())), expected, "{column} {text}");
        }
    }
}
