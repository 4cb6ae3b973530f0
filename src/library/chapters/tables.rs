//! The headings of a table's columns, so that a voice that comes to a cell can say what it is of.
//!
//! Columns are told apart as HTML does it (Living Standard, 4.9.12, "forming a table"): a cell stands in the first
//! column that no cell of a row above still takes.

/// Columns of a table whose headings are remembered.
const MAX_COLUMNS: usize = 100;
/// A longer heading, in characters, is not one that anybody wants to hear again in each row.
const MAX_HEADING_CHARS: usize = 60;

/// The tables that stand open, the innermost last.
#[derive(Default)]
pub(super) struct Tables(Vec<Table>);

#[derive(Default)]
struct Table {
    columns: Vec<Column>,
    /// Whether its head is open.
    is_head: bool,
    /// Whether a row with other cells than headings has begun.
    has_data: bool,
    /// The column after that of the cell before.
    next: usize,
    cell: Option<Cell>,
}

#[derive(Default, Clone)]
struct Column {
    heading: String,
    /// Rows that a cell above still takes, this one among them.
    taken: u32,
    /// Whether its heading stands in the row that is open.
    is_new: bool,
}

struct Cell {
    column: usize,
    columns: usize,
    /// Whether it is the heading of its columns.
    is_heading: bool,
    /// Whether something in it has been said.
    is_begun: bool,
}

impl Tables {
    /// An element opens.
    pub(super) fn open(&mut self, name: &str, attributes: &[(String, String)]) {
        if name == "table" {
            self.0.push(Table::default());
        }
        let Some(table) = self.0.last_mut() else { return };
        match name {
            "thead" => table.is_head = true,
            "tr" => table.begin_row(),
            "td" | "th" => table.begin_cell(name == "th", attributes),
            _ => {}
        }
    }

    /// An element closes.
    pub(super) fn close(&mut self, name: &str) {
        match (name, self.0.last_mut()) {
            ("table", _) => drop(self.0.pop()),
            ("thead", Some(table)) => table.is_head = false,
            ("td" | "th", Some(table)) => table.cell = None,
            _ => {}
        }
    }

    /// A text stands here. The heading of the column that it is the first in a cell of, if that has one.
    pub(super) fn text(&mut self, text: &str) -> Option<String> {
        let table = self.0.last_mut()?;
        let cell = table.cell.as_mut()?;
        let is_first = !std::mem::replace(&mut cell.is_begun, true);
        let (column, columns) = (cell.column, cell.columns);
        if cell.is_heading {
            // One sign more than is used tells that it is too long, however long it is.
            let text: String = text.trim().chars().take(MAX_HEADING_CHARS + 1).collect();
            for column in table.columns.iter_mut().skip(column).take(columns) {
                column.is_new = true;
                if column.heading.chars().count() <= MAX_HEADING_CHARS {
                    column.heading = [column.heading.as_str(), &text].join(" ").trim().to_owned();
                }
            }
            return None;
        }
        if !table.is_head && !table.has_data {
            table.has_data = true;
            // The headings before it are of its row. An empty cell, as in a corner, is none.
            for column in table.columns.iter_mut().filter(|column| column.is_new) {
                column.heading.clear();
            }
        }
        let heading = table.columns.get(column).map(|column| &column.heading);
        let is_short =
            |heading: &&String| (1..=MAX_HEADING_CHARS).contains(&heading.chars().count());
        heading.filter(is_short).filter(|_| is_first).cloned()
    }
}

impl Table {
    fn begin_row(&mut self) {
        self.next = 0;
        for column in &mut self.columns {
            column.taken = column.taken.saturating_sub(1);
            column.is_new = false;
        }
    }

    fn begin_cell(&mut self, is_heading: bool, attributes: &[(String, String)]) {
        let number = |name: &str| {
            let value = attributes.iter().find(|(own, _)| own == name);
            value.and_then(|(_, value)| value.parse::<u32>().ok()).filter(|value| *value > 0)
        };
        let is_taken = |column: &Column| column.taken > 0;
        while self.columns.get(self.next).is_some_and(is_taken) {
            self.next += 1;
        }
        let column = self.next;
        let columns = number("colspan").unwrap_or(1) as usize;
        self.next = column.saturating_add(columns).min(MAX_COLUMNS);
        let columns = self.next.saturating_sub(column);
        let known = self.columns.len().max(self.next);
        self.columns.resize(known, Column::default());
        for taken in self.columns.iter_mut().skip(column).take(columns) {
            taken.taken = number("rowspan").unwrap_or(1);
        }
        let is_heading = is_heading && (self.is_head || !self.has_data);
        self.cell = Some(Cell { column, columns, is_heading, is_begun: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of the cells of a table: `th:Name/2` is a heading over two columns, `td:1*2` a cell of two rows.
    fn said(rows: &[&[&str]]) -> Vec<String> {
        let mut tables = Tables::default();
        let mut said = Vec::new();
        tables.open("table", &[]);
        for row in rows {
            tables.open("tr", &[]);
            for cell in *row {
                let (name, text) = cell.split_once(':').unwrap_or_default();
                let (text, rows) = text.split_once('*').unwrap_or((text, "1"));
                let (text, columns) = text.split_once('/').unwrap_or((text, "1"));
                let spans = [("rowspan", rows), ("colspan", columns)];
                tables.open(name, &spans.map(|(name, span)| (name.to_owned(), span.to_owned())));
                let heading = (!text.is_empty()).then(|| tables.text(text)).flatten();
                said.push(heading.map_or(text.to_owned(), |heading| format!("{heading}: {text}")));
                tables.close(name);
            }
            tables.close("tr");
        }
        tables.close("table");
        assert!(tables.0.is_empty());
        said
    }

    #[test]
    fn a_cell_is_told_with_the_heading_of_its_column() {
        let rows: [&[&str]; 3] =
            [&["th:Country", "th:Capital"], &["td:France", "td:Paris"], &["th:Peru", "td:Lima"]];
        let expected = [
            "Country",
            "Capital",
            "Country: France",
            "Capital: Paris",
            "Country: Peru",
            "Capital: Lima",
        ];
        assert_eq!(said(&rows), expected);
    }

    #[test]
    fn headings_of_rows_are_no_headings_of_columns() {
        let rows: [&[&str]; 2] = [&["th:Born", "td:1809"], &["th:Died", "td:1865"]];
        assert_eq!(said(&rows), ["Born", "1809", "Died", "1865"]);
    }

    #[test]
    fn an_empty_corner_is_no_row_of_its_own() {
        let rows: [&[&str]; 2] = [&["td:", "th:2019", "th:2020"], &["th:Whales", "td:7", "td:9"]];
        assert_eq!(said(&rows), ["", "2019", "2020", "Whales", "2019: 7", "2020: 9"]);
    }

    #[test]
    fn cells_of_several_rows_and_columns_move_those_beside_them() {
        let rows: [&[&str]; 3] =
            [&["th:Year*2", "th:Crew/2"], &["th:men", "th:boys"], &["td:1851", "td:30", "td:2"]];
        let expected =
            ["Year", "Crew", "men", "boys", "Year: 1851", "Crew men: 30", "Crew boys: 2"];
        assert_eq!(said(&rows), expected);
        let rows: [&[&str]; 3] = [&["th:A", "th:B"], &["td:1*2", "td:2"], &["td:3"]];
        assert_eq!(said(&rows), ["A", "B", "A: 1", "B: 2", "B: 3"]);
    }

    #[test]
    fn nothing_a_book_says_of_its_cells_takes_much() {
        let rows: [&[&str]; 2] = [&["th:A/4000000000*4000000000", "th:B/0"], &["td:1"]];
        assert_eq!(said(&rows), ["A", "B", "1"]);
        let long = format!("th:{}/9", "long ".repeat(100_000));
        let mut tables = Tables::default();
        tables.open("table", &[]);
        tables.open("tr", &[]);
        tables.open("th", &[("colspan".to_owned(), "90".to_owned())]);
        for _ in 0..3 {
            tables.text(&long);
        }
        let kept: usize = tables.0[0].columns.iter().map(|column| column.heading.len()).sum();
        assert!(kept < 90 * 200, "{kept}");
        let many: Vec<&str> = vec!["td:x"; 300];
        assert_eq!(said(&[&many]).len(), 300);
    }
}
