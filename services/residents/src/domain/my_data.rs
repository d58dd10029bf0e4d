//! What residents ask about their data, and what they are told in plain words.

text_code! {
    /// What somebody asks about their data.
    pub enum RequestKind("request_kind") {
        Correction = "correction", ["更正"];
        Objection = "objection", ["反对"];
    }
}

text_code! {
    /// Where a request stands.
    pub enum RequestState("request_state") {
        Open = "open", ["待答复"];
        Accepted = "accepted", ["已采纳"];
        Declined = "declined", ["未采纳"];
    }
}

text_code! {
    /// Which fact is to be put right.
    pub enum CorrectionField("field") {
        Name = "name", ["姓名"];
        Sex = "sex", ["性别"];
        BirthDate = "birth_date", ["出生日期"];
        NationalId = "national_id", ["身份证号"];
        Phone = "phone", ["手机号"];
        Registration = "registration", ["户籍类型"];
        Living = "living", ["居住情况"];
        Relation = "relation", ["与户主关系"];
        /// Changed by moving the person or the household.
        Dwelling = "dwelling", ["住址"];
        /// Changed one by one.
        CareTags = "care_tags", ["关爱标签"];
        Other = "other", ["其他"];
    }
}

/// What people call a field that was looked at, as the audit log names it.
pub fn field_label(field: &str) -> &str {
    match field {
        "unit" => "单元",
        "room" => "房号",
        "facts" => "全部登记资料",
        "export" => "全部资料的副本",
        "correction" => "更正申请",
        "objection" => "反对意见",
        "reason" => "申请查看的理由",
        _ => CorrectionField::parse(field).map_or(field, |known| known.label()),
    }
}

/// A cell that a spreadsheet would run as a formula is kept as text (OWASP, CSV injection).
pub fn plain_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_a_name_people_know() {
        assert_eq!(field_label("national_id"), "身份证号");
        assert_eq!(field_label("room"), "房号");
        assert_eq!(field_label("something_new"), "something_new");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+86", "-1", "@x", "\tx"] {
            assert!(plain_cell(cell).starts_with('\''), "{cell}");
        }
        assert_eq!(plain_cell("张清秀"), "张清秀");
    }
}
