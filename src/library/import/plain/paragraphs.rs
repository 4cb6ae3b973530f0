//! Paragraphs out of lines: by blank lines, by indents, or one a line.

use super::emphasise;
use crate::text::language::is_east_asian;

/// A line of more characters is a whole paragraph, not a wrapped line of one.
const LONGEST_WRAPPED_LINE: usize = 120;

/// Lines that belong together, trimmed.
pub(super) struct Paragraph<'t> {
    pub lines: Vec<&'t str>,
    /// Lines stand as they are: verse, addresses, lists.
    keeps_lines: bool,
}

impl Paragraph<'_> {
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            // A hyphen at a line's end joins the words; it was there before the line was broken.
            let is_joined = text.ends_with('-') && !text.ends_with("--");
            // Scripts without spaces between words have none between lines either.
            let is_unspaced = text.ends_with(is_east_asian) && line.starts_with(is_east_asian);
            if !(text.is_empty() || is_joined || is_unspaced) {
                text.push(' ');
            }
            text.push_str(line);
        }
        text
    }

    pub fn html(&self) -> String {
        let mut html = String::from(if self.keeps_lines { "<p class=\"verse\">" } else { "<p>" });
        if self.keeps_lines {
            for (index, line) in self.lines.iter().enumerate() {
                if index > 0 {
                    html.push_str("<br/>");
                }
                emphasise(line, &mut html);
            }
        } else {
            emphasise(&self.text(), &mut html);
        }
        html.push_str("</p>\n");
        html
    }
}

/// How a text tells its paragraphs.
enum Style {
    /// A line is a paragraph.
    Lines,
    /// Lines are wrapped, and blank lines stand between paragraphs.
    BlankLines { width: usize },
    /// Lines are wrapped, and a paragraph begins with an indent.
    Indents,
    /// Lines are wrapped, and a paragraph ends with a short line.
    ShortLines { width: usize },
}

pub(super) fn paragraphs(text: &str) -> Vec<Paragraph<'_>> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let is_blank = |line: &&str| line.trim().is_empty();
    let found: Vec<Paragraph<'_>> = match style(&lines) {
        Style::Lines => {
            let lines = lines.iter().filter(|line| !is_blank(line));
            lines.map(|line| Paragraph { lines: vec![line.trim()], keeps_lines: false }).collect()
        }
        Style::BlankLines { width } => {
            let groups = lines.split(|line| is_blank(line)).filter(|lines| !lines.is_empty());
            let paragraph = |lines: &[&'_ str]| {
                let shortest_full = width * 3 / 4;
                let is_short = lines.iter().all(|line| line.chars().count() < shortest_full);
                let is_indented = lines.iter().all(|line| starts_indented(line));
                lines.len() > 1 && is_short && (is_indented || lines.len() > 2)
            };
            groups
                .map(|group| Paragraph {
                    keeps_lines: paragraph(group),
                    lines: group.iter().map(|line| line.trim()).collect(),
                })
                .collect()
        }
        Style::Indents => group(&lines, |_, line| starts_indented(line)),
        Style::ShortLines { width } => {
            group(&lines, |before, _| before.chars().count() < width * 3 / 4)
        }
    };
    let trimmed = found.into_iter().map(|paragraph| {
        let lines = paragraph.lines.into_iter().map(str::trim).collect();
        Paragraph { lines, keeps_lines: paragraph.keeps_lines }
    });
    trimmed.collect()
}

/// Paragraphs of lines, each begun where `begins` says so of the line before and the line itself, and
/// after blank lines.
fn group<'t>(lines: &[&'t str], begins: impl Fn(&str, &str) -> bool) -> Vec<Paragraph<'t>> {
    let mut paragraphs: Vec<Paragraph<'t>> = Vec::new();
    let mut before: Option<&str> = None;
    for line in lines {
        if line.trim().is_empty() {
            before = None;
            continue;
        }
        match (before, paragraphs.last_mut()) {
            (Some(before), Some(last)) if !begins(before, line) => last.lines.push(line),
            _ => paragraphs.push(Paragraph { lines: vec![line], keeps_lines: false }),
        }
        before = Some(line);
    }
    paragraphs
}

fn style(lines: &[&str]) -> Style {
    let mut lengths: Vec<usize> =
        lines.iter().map(|line| line.trim().chars().count()).filter(|length| *length > 0).collect();
    lengths.sort_unstable();
    let width = lengths.get(lengths.len() * 9 / 10).copied().unwrap_or(0);
    if width > LONGEST_WRAPPED_LINE || lengths.is_empty() {
        return Style::Lines;
    }
    let full = lengths.iter().filter(|length| **length >= width * 3 / 4).count();
    let is_full = full * 2 >= lengths.len();
    // Paragraphs that begin with an indent in the midst of text, and those that begin after a blank line
    // without one.
    let (mut by_indent, mut by_blank, mut ends) = (0, 0, 0);
    for pair in lines.windows(2) {
        let [before, line] = [pair[0], pair[1]];
        let is_indented = starts_indented(line);
        if line.trim().is_empty() {
            continue;
        }
        if before.trim().is_empty() {
            by_blank += usize::from(!is_indented);
        } else if is_indented && !starts_indented(before) {
            by_indent += 1;
        }
        ends += usize::from(before.ends_with(['.', '!', '?', '…', '”', '"', '»', '。', '」']));
    }
    // An indent of a full-width space begins a paragraph wherever it stands, and so does one where most lines
    // have it and some have none.
    let indented =
        lines.iter().filter(|line| !line.trim().is_empty() && starts_indented(line)).count();
    let is_wide =
        lines.iter().filter(|line| line.starts_with('\u{3000}')).count() * 2 > lengths.len();
    let are_most = indented * 10 > lengths.len() * 6 && indented * 20 < lengths.len() * 19;
    if is_wide || is_full && (by_indent > by_blank || are_most) {
        return Style::Indents;
    }
    if lines.iter().any(|line| line.trim().is_empty()) {
        // A paragraph a line, and blank lines between chapters alone: lines of all lengths that follow
        // one another and end sentences.
        let follow =
            lines.windows(2).filter(|pair| pair.iter().all(|line| !line.trim().is_empty()));
        let is_one_a_line =
            !is_full && ends * 3 >= lengths.len() * 2 && follow.count() * 2 > lengths.len();
        return if is_one_a_line { Style::Lines } else { Style::BlankLines { width } };
    }
    // Wrapped lines mostly break off in the midst of a sentence.
    if is_full && lengths.len() >= 8 && ends * 2 < lengths.len() {
        return Style::ShortLines { width };
    }
    Style::Lines
}

fn starts_indented(line: &str) -> bool {
    line.starts_with([' ', '\t', '\u{3000}', '\u{a0}'])
}
