//! How large a file may be.

/// The limits a survey file is held to. The defaults fit a large subdistrict many times over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Columns of the table.
    pub columns: usize,
    /// Rows below the header.
    pub rows: u64,
    /// Characters in a cell.
    pub cell_chars: usize,
    /// Bytes of a workbook when unpacked, all parts together.
    pub unpacked_bytes: u64,
    /// Bytes of the parts of a workbook that are held in memory: everything but the sheets.
    pub unpacked_part_bytes: u64,
    /// How many times larger than packed a part of a workbook may be; looked at from one mebibyte on.
    pub unpacked_ratio: u64,
    /// Parts of a workbook.
    pub parts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 200 << 20,
            columns: 200,
            rows: 1_000_000,
            cell_chars: 10_000,
            unpacked_bytes: 2 << 30,
            unpacked_part_bytes: 256 << 20,
            unpacked_ratio: 200,
            parts: 10_000,
        }
    }
}
