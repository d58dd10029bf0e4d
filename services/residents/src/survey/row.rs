//! A row of a survey, judged cell by cell.

use chrono::NaiveDate;

use crate::domain::care::CareTag;
use crate::domain::name::{PersonName, PersonNameError};
use crate::domain::national_id::{NationalId, NationalIdError};
use crate::domain::person::{Living, Registration, Relation, Sex};
use crate::domain::phone::Phone;
use crate::domain::text::{compact, half_width, is_forbidden, looks_like_formula};
use chassis::data::AreaCode;

use super::areas::{AreaRefused, CheckArea};
use super::date::parse_date;
use super::header::{Column, Header};
use super::problem::{Reason, RowProblem, masked};
use super::source::{CellFault, DateSystem, RawCell, RawRow};

/// The most characters of a place or number that is kept as text.
const LONGEST_TEXT: usize = 60;
/// The most characters of one care tag.
const LONGEST_TAG: usize = 20;

/// One person at one visit, as a file states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyRow {
    /// The line of the file or row of the sheet; the first is 1.
    pub line: u64,
    /// The grid, or the community where the row names no grid.
    pub area: AreaCode,
    /// The community as the file names it.
    pub community: String,
    /// 小区.
    pub estate: Option<String>,
    /// 楼栋.
    pub building: String,
    /// 单元.
    pub unit: Option<String>,
    /// 房号.
    pub room: String,
    /// The office's own number of the household.
    pub household_no: String,
    /// What the person is to the householder.
    pub relation: Relation,
    /// The name.
    pub name: PersonName,
    /// As stated, or from the ID number.
    pub sex: Sex,
    /// As stated, or from the ID number.
    pub birth_date: NaiveDate,
    /// None for whoever has no number yet.
    pub national_id: Option<NationalId>,
    /// None where the cell is blank.
    pub phone: Option<Phone>,
    /// None where the cell is blank.
    pub registration: Option<Registration>,
    /// None where the cell is blank.
    pub living: Option<Living>,
    /// Each tag once, in the order stated.
    pub care_tags: Vec<CareTag>,
    /// The day of the visit.
    pub visited_on: NaiveDate,
    /// Who visited.
    pub worker: Option<String>,
}

/// A row of which nothing is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The line of the file or row of the sheet; the first is 1.
    pub line: u64,
    /// The household it belongs to, where that can be read.
    pub household_no: Option<String>,
    /// Everything wrong with it, at least one.
    pub problems: Vec<RowProblem>,
}

/// What rows are judged by.
#[derive(Clone, Copy)]
pub struct RowRules<'a> {
    /// No date may lie after this day.
    pub today: NaiveDate,
    /// Knows the communities.
    pub check_area: CheckArea<'a>,
}

impl RowRules<'_> {
    /// Judges a row: all of it is right, or all that is wrong with it is told.
    pub fn judge(&self, header: &Header, row: &RawRow, dates: DateSystem) -> Result<SurveyRow, RefusedRow> {
        let mut cells = Cells { header, row, dates, today: self.today, problems: Vec::new() };
        cells.refuse_extra();
        let household_no = cells.text(Column::HouseholdNo);
        let read = self.read(&mut cells, household_no.clone());
        match read {
            Some(read) if cells.problems.is_empty() => Ok(read),
            _ => Err(RefusedRow { line: row.line, household_no, problems: cells.problems }),
        }
    }

    /// Reads every cell before anything is given up, so that all problems are found at once.
    fn read(&self, cells: &mut Cells<'_>, household_no: Option<String>) -> Option<SurveyRow> {
        let (community, area) = cells.area(self.check_area);
        let (estate, unit, worker) = (
            cells.optional_text(Column::Estate),
            cells.optional_text(Column::Unit),
            cells.optional_text(Column::Worker),
        );
        let (building, room) = (cells.text(Column::Building), cells.text(Column::Room));
        let relation = cells.choice(Column::Relation, Relation::from_label, Required::Yes);
        let name = cells.name();
        let national_id = cells.national_id();
        let id = national_id.as_ref().ok().and_then(Option::as_ref);
        let sex = cells.sex(id, national_id.is_err());
        let birth_date = cells.birth_date(id, national_id.is_err());
        let phone = cells.phone();
        let registration = cells.choice(Column::Registration, Registration::from_label, Required::No);
        let living = cells.choice(Column::Living, Living::from_label, Required::No);
        let care_tags = cells.care_tags();
        let visited_on = cells.visited_on();
        Some(SurveyRow {
            line: cells.row.line,
            area: area?,
            community: community?,
            estate,
            building: building?,
            unit,
            room: room?,
            household_no: household_no?,
            relation: relation?,
            name: name?,
            sex: sex?,
            birth_date: birth_date?,
            national_id: national_id.ok()?,
            phone,
            registration,
            living,
            care_tags,
            visited_on: visited_on?,
            worker,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Required {
    Yes,
    No,
}

/// A cell that was refused; the problem is noted already.
struct Noted;

struct Cells<'a> {
    header: &'a Header,
    row: &'a RawRow,
    dates: DateSystem,
    today: NaiveDate,
    problems: Vec<RowProblem>,
}

const EMPTY: &RawCell = &RawCell::Text(String::new());

impl<'a> Cells<'a> {
    fn cell(&self, column: Column) -> &'a RawCell {
        self.header.place(column).and_then(|at| self.row.cells.get(at)).unwrap_or(EMPTY)
    }

    fn refuse(&mut self, column: Column, reason: Reason) -> Noted {
        self.problems.push(RowProblem {
            line: self.row.line,
            column: self.header.name(column).to_owned(),
            field: column.field(),
            reason,
            masked: masked(column, self.cell(column)),
        });
        Noted
    }

    fn refuse_extra(&mut self) {
        let mut extra = self.row.cells.iter().skip(self.header.width);
        if extra.any(|cell| !matches!(cell, RawCell::Text(text) if text.trim().is_empty())) {
            self.problems.push(RowProblem {
                line: self.row.line,
                column: format!("第{}列", self.header.width + 1),
                field: "row",
                reason: Reason::ExtraCells,
                masked: String::new(),
            });
        }
    }

    /// The text of a cell in half width and trimmed; `None` when blank. A date is written out.
    fn value(&mut self, column: Column) -> Result<Option<String>, Noted> {
        match self.cell(column) {
            RawCell::Text(text) => {
                let text = half_width(text);
                let text = text.trim_matches(' ');
                Ok((!text.is_empty()).then(|| text.to_owned()))
            }
            RawCell::Date(date) => Ok(Some(date.to_string())),
            RawCell::Unreadable(fault) => Err(self.refuse(column, fault_reason(*fault))),
        }
    }

    /// Like [`Cells::value`], and blank also where the office wrote that there is nothing.
    fn optional_value(&mut self, column: Column) -> Result<Option<String>, Noted> {
        Ok(self.value(column)?.filter(|text| !matches!(text.as_str(), "无" | "-" | "--" | "/" | "—" | "不详" | "暂无")))
    }

    fn checked_text(&mut self, column: Column, text: &str) -> Option<String> {
        let text = text.trim();
        let reason = if text.chars().any(is_forbidden) {
            Reason::ControlCharacter
        } else if looks_like_formula(text) && !is_below_ground(text) {
            Reason::Formula
        } else if text.chars().count() > LONGEST_TEXT {
            Reason::TooLong
        } else {
            return Some(text.to_owned());
        };
        self.refuse(column, reason);
        None
    }

    fn text(&mut self, column: Column) -> Option<String> {
        match self.value(column) {
            Ok(Some(text)) => self.checked_text(column, &text),
            Ok(None) => {
                self.refuse(column, Reason::Blank);
                None
            }
            Err(Noted) => None,
        }
    }

    fn optional_text(&mut self, column: Column) -> Option<String> {
        let text = self.optional_value(column).ok()??;
        self.checked_text(column, &text)
    }

    fn choice<T>(&mut self, column: Column, read: impl Fn(&str) -> Option<T>, required: Required) -> Option<T> {
        let value = match required {
            Required::Yes => self.value(column),
            Required::No => self.optional_value(column),
        };
        let Some(text) = value.ok()? else {
            if required == Required::Yes {
                self.refuse(column, Reason::Blank);
            }
            return None;
        };
        let read = read(&compact(&text));
        if read.is_none() {
            self.refuse(column, Reason::UnknownValue);
        }
        read
    }

    fn area(&mut self, check: CheckArea<'_>) -> (Option<String>, Option<AreaCode>) {
        let community = self.text(Column::Community);
        let Ok(grid) = self.value(Column::Grid) else { return (community, None) };
        let Ok(grid) = grid.map(|text| compact(&text).parse::<AreaCode>()).transpose() else {
            self.refuse(Column::Grid, Reason::AreaForm);
            return (community, None);
        };
        let Some(name) = community else { return (None, None) };
        let area = match check(&name, grid.as_ref()) {
            Ok(area) => Some(area),
            Err(refused) => {
                let (column, reason) = match refused {
                    AreaRefused::CommunityUnknown => (Column::Community, Reason::CommunityUnknown),
                    AreaRefused::Outside => (Column::Grid, Reason::AreaOutside),
                    AreaRefused::Contradicts => (Column::Grid, Reason::AreaContradicts),
                    AreaRefused::Ambiguous => (Column::Grid, Reason::AreaAmbiguous),
                };
                self.refuse(column, reason);
                None
            }
        };
        (Some(name), area)
    }

    fn name(&mut self) -> Option<PersonName> {
        let text = self.value(Column::Name).ok()?.unwrap_or_default();
        PersonName::parse(&text).map_err(|error| self.refuse(Column::Name, name_reason(error))).ok()
    }

    /// `Ok(None)` for whoever has no number, `Err` when the cell is wrong and nothing can be held against it.
    fn national_id(&mut self) -> Result<Option<NationalId>, Noted> {
        let Some(text) = self.optional_value(Column::NationalId)? else { return Ok(None) };
        NationalId::parse(&text).map(Some).map_err(|error| self.refuse(Column::NationalId, id_reason(error)))
    }

    fn sex(&mut self, id: Option<&NationalId>, id_is_wrong: bool) -> Option<Sex> {
        let Some(text) = self.value(Column::Sex).ok()? else {
            if id.is_none() && !id_is_wrong {
                self.refuse(Column::Sex, Reason::Blank);
            }
            return id.map(NationalId::sex);
        };
        let Some(sex) = Sex::from_label(&compact(&text)) else {
            self.refuse(Column::Sex, Reason::UnknownValue);
            return None;
        };
        if id.is_some_and(|id| id.sex() != sex) {
            self.refuse(Column::Sex, Reason::ContradictsId);
        }
        Some(sex)
    }

    fn birth_date(&mut self, id: Option<&NationalId>, id_is_wrong: bool) -> Option<NaiveDate> {
        let Some(stated) = self.date(Column::BirthDate).ok()? else {
            return match id.map(NationalId::birth_date) {
                Some(birth_date) if birth_date > self.today => {
                    self.refuse(Column::NationalId, Reason::InFuture);
                    None
                }
                None if !id_is_wrong => {
                    self.refuse(Column::BirthDate, Reason::Blank);
                    None
                }
                from_id => from_id,
            };
        };
        if id.is_some_and(|id| id.birth_date() != stated) {
            self.refuse(Column::BirthDate, Reason::ContradictsId);
        }
        Some(stated)
    }

    /// A day of the calendar up to today; `None` when blank.
    fn date(&mut self, column: Column) -> Result<Option<NaiveDate>, Noted> {
        let date = match self.cell(column) {
            RawCell::Date(date) => *date,
            _ => match self.value(column)? {
                None => return Ok(None),
                Some(text) => parse_date(&text, self.dates).ok_or_else(|| self.refuse(column, Reason::NotADate))?,
            },
        };
        if date > self.today { Err(self.refuse(column, Reason::InFuture)) } else { Ok(Some(date)) }
    }

    /// May lie before the birth date, as a newborn is added to the sheet of a visit made before.
    fn visited_on(&mut self) -> Option<NaiveDate> {
        let date = self.date(Column::VisitedOn).ok()?;
        if date.is_none() {
            self.refuse(Column::VisitedOn, Reason::Blank);
        }
        date
    }

    fn phone(&mut self) -> Option<Phone> {
        let text = self.optional_value(Column::Phone).ok()??;
        Phone::parse(&text).map_err(|_| self.refuse(Column::Phone, Reason::PhoneForm)).ok()
    }

    fn care_tags(&mut self) -> Vec<CareTag> {
        let Ok(Some(text)) = self.optional_value(Column::CareTags) else { return Vec::new() };
        let mut tags = Vec::new();
        for word in text.split([';', ',', '、', '|', '/', ' ', '，', '；', '\n']).filter(|word| !word.is_empty()) {
            let reason = match CareTag::from_label(word) {
                Some(tag) if tags.contains(&tag) => continue,
                Some(tag) => {
                    tags.push(tag);
                    continue;
                }
                None if word.chars().count() > LONGEST_TAG => Reason::TooLong,
                None => Reason::UnknownValue,
            };
            self.refuse(Column::CareTags, reason);
            return tags;
        }
        tags
    }
}

/// Rooms and storeys below ground are numbered `-1`.
fn is_below_ground(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn fault_reason(fault: CellFault) -> Reason {
    match fault {
        CellFault::Encoding => Reason::Encoding,
        CellFault::TooLong => Reason::TooLong,
        CellFault::DigitsLost => Reason::DigitsLost,
        CellFault::Formula => Reason::Formula,
        CellFault::FormulaError => Reason::FormulaError,
    }
}

fn name_reason(error: PersonNameError) -> Reason {
    match error {
        PersonNameError::Blank => Reason::Blank,
        PersonNameError::TooLong { .. } => Reason::TooLong,
        PersonNameError::Formula => Reason::Formula,
        PersonNameError::ControlCharacter => Reason::ControlCharacter,
        PersonNameError::NoLetter => Reason::NoLetter,
    }
}

fn id_reason(error: NationalIdError) -> Reason {
    match error {
        NationalIdError::Length { .. } => Reason::IdLength,
        NationalIdError::Characters | NationalIdError::Place => Reason::IdCharacters,
        NationalIdError::BirthDate => Reason::IdBirthDate,
        NationalIdError::Checksum => Reason::IdChecksum,
    }
}
