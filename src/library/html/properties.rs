//! The properties of CSS that the page keeps of a book, and their values.

use cssparser::{Parser, Token};

/// Units in ems, for a text of 16 CSS pixels (CSS Values 4, sections 6.1 and 6.2).
const UNITS: [(&str, f32); 10] = [
    ("em", 1.0),
    ("rem", 1.0),
    ("ex", 0.5),
    ("ch", 0.5),
    ("px", 1.0 / 16.0),
    ("pt", 1.0 / 12.0),
    ("pc", 1.0),
    ("mm", 0.236),
    ("cm", 2.36),
    ("in", 6.0),
];
/// The width of a text in ems, of which a per cent is meant.
const MEASURE: f32 = 33.0;

/// A declaration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Declared {
    pub(super) property: Property,
    pub(super) is_important: bool,
}

/// A property with its value. Lengths are in ems. Of those that are inherited, nothing is that of what the element
/// stands in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Property {
    Align(Option<Align>),
    Italic(Option<bool>),
    Bold(Option<bool>),
    Capitals(Option<Capitals>),
    Uppercase(Option<bool>),
    /// Whether an element stands on lines of its own.
    Line(bool),
    /// How far the first line stands in.
    FirstLine(Option<f32>),
    MarginTop(f32),
    MarginBottom(f32),
    MarginLeft(f32),
    MarginRight(f32),
    PaddingLeft(f32),
    PaddingRight(f32),
}

/// Where lines stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Align {
    /// Where the language has them begin, or flush at both edges: as whoever reads has chosen.
    #[default]
    Start,
    Left,
    Center,
    Right,
}

/// What letters are shown as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Capitals {
    #[default]
    None,
    Small,
    /// Small ones for capitals too.
    AllSmall,
}

/// The properties of one declaration; none where it is not kept or not understood.
pub(super) fn parse(name: &str, input: &mut Parser<'_>) -> Vec<Property> {
    let one = |property: Option<Property>| property.into_iter().collect();
    let length = |input: &mut Parser<'_>, property: fn(f32) -> Property| {
        lengths(input).first().copied().map(property).into_iter().collect()
    };
    if let Some(inherited) = inherited(name)
        && input.try_parse(|input| input.expect_ident_matching("inherit")).is_ok()
    {
        return vec![inherited];
    }
    match name {
        "text-align" => {
            one(word(input).and_then(|it| align(&it)).map(|it| Property::Align(Some(it))))
        }
        "font-style" => {
            one(word(input).and_then(|it| italic(&it)).map(|it| Property::Italic(Some(it))))
        }
        "font-weight" => one(bold(input).map(|it| Property::Bold(Some(it)))),
        "font-variant" | "font-variant-caps" => {
            let found = words(input).iter().find_map(|word| capitals(word));
            one(found.map(|it| Property::Capitals(Some(it))))
        }
        "text-transform" => one(word(input).and_then(|word| match word.as_str() {
            "uppercase" => Some(Property::Uppercase(Some(true))),
            "none" | "initial" | "lowercase" | "capitalize" => {
                Some(Property::Uppercase(Some(false)))
            }
            _ => None,
        })),
        "display" => one(word(input).and_then(|word| match word.as_str() {
            "block" | "list-item" | "flow-root" => Some(Property::Line(true)),
            "inline" | "inline-block" | "initial" => Some(Property::Line(false)),
            _ => None,
        })),
        "font" => font(input),
        "text-indent" => length(input, |length| Property::FirstLine(Some(length))),
        "margin-top" => length(input, Property::MarginTop),
        "margin-bottom" => length(input, Property::MarginBottom),
        "margin-left" => length(input, Property::MarginLeft),
        "margin-right" => length(input, Property::MarginRight),
        "padding-left" => length(input, Property::PaddingLeft),
        "padding-right" => length(input, Property::PaddingRight),
        "margin" => {
            let [top, right, bottom, left] = match sides(input) {
                Some(sides) => sides,
                None => return Vec::new(),
            };
            vec![
                Property::MarginTop(top),
                Property::MarginRight(right),
                Property::MarginBottom(bottom),
                Property::MarginLeft(left),
            ]
        }
        "padding" => sides(input).map_or_else(Vec::new, |[_, right, _, left]| {
            vec![Property::PaddingRight(right), Property::PaddingLeft(left)]
        }),
        _ => Vec::new(),
    }
}

/// A property that is inherited, as it is where a sheet says so.
fn inherited(name: &str) -> Option<Property> {
    match name {
        "text-align" => Some(Property::Align(None)),
        "font-style" => Some(Property::Italic(None)),
        "font-weight" => Some(Property::Bold(None)),
        "font-variant" | "font-variant-caps" => Some(Property::Capitals(None)),
        "text-transform" => Some(Property::Uppercase(None)),
        "text-indent" => Some(Property::FirstLine(None)),
        _ => None,
    }
}

fn word(input: &mut Parser<'_>) -> Option<String> {
    input.try_parse(|input| input.expect_ident().map(|word| word.to_ascii_lowercase())).ok()
}

fn words(input: &mut Parser<'_>) -> Vec<String> {
    std::iter::from_fn(|| word(input)).collect()
}

fn align(word: &str) -> Option<Align> {
    match word {
        "start" | "justify" | "initial" => Some(Align::Start),
        "left" => Some(Align::Left),
        "center" | "-webkit-center" => Some(Align::Center),
        "right" | "end" => Some(Align::Right),
        _ => None,
    }
}

fn italic(word: &str) -> Option<bool> {
    match word {
        "italic" | "oblique" => Some(true),
        "normal" | "initial" => Some(false),
        _ => None,
    }
}

/// Whether text of a weight is bold; heavier ones than 550 are nearer to bold than to regular.
fn bold(input: &mut Parser<'_>) -> Option<bool> {
    if let Ok(weight) = input.try_parse(Parser::expect_number) {
        return Some(weight > 550.0);
    }
    match word(input)?.as_str() {
        "bold" | "bolder" => Some(true),
        "normal" | "lighter" | "initial" => Some(false),
        _ => None,
    }
}

fn capitals(word: &str) -> Option<Capitals> {
    match word {
        "small-caps" | "petite-caps" => Some(Capitals::Small),
        "all-small-caps" | "all-petite-caps" => Some(Capitals::AllSmall),
        "normal" | "none" | "initial" => Some(Capitals::None),
        _ => None,
    }
}

/// The parts of the shorthand that are kept. What it does not say is set back (CSS Fonts 4, section 2.7).
fn font(input: &mut Parser<'_>) -> Vec<Property> {
    let (mut is_italic, mut is_bold, mut small) = (false, false, Capitals::None);
    while let Ok(token) = input.next() {
        match token {
            Token::Ident(word) => match word.to_ascii_lowercase().as_str() {
                "italic" | "oblique" => is_italic = true,
                "bold" | "bolder" => is_bold = true,
                "small-caps" => small = Capitals::Small,
                "inherit" => return Vec::new(),
                _ => {}
            },
            Token::Number { value, .. } if *value >= 100.0 => is_bold = *value > 550.0,
            // The size; what follows it are its line height and the family.
            Token::Dimension { .. } | Token::Percentage { .. } => break,
            _ => {}
        }
    }
    while input.next().is_ok() {}
    vec![
        Property::Italic(Some(is_italic)),
        Property::Bold(Some(is_bold)),
        Property::Capitals(Some(small)),
    ]
}

/// Lengths in ems; `auto` is none.
fn lengths(input: &mut Parser<'_>) -> Vec<f32> {
    let one = |input: &mut Parser<'_>| {
        let token = input.next().map_err(|_| ())?;
        match token {
            Token::Number { value, .. } if *value == 0.0 => Ok(0.0),
            Token::Percentage { unit_value, .. } => Ok(unit_value * MEASURE),
            Token::Dimension { value, unit, .. } => {
                let unit = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name));
                unit.map(|(_, ems)| value * ems).ok_or(())
            }
            Token::Ident(word) if word.eq_ignore_ascii_case("auto") => Ok(0.0),
            Token::Ident(word) if word.eq_ignore_ascii_case("initial") => Ok(0.0),
            _ => Err(()),
        }
    };
    std::iter::from_fn(|| input.try_parse(one).ok()).filter(|length| length.is_finite()).collect()
}

/// The four sides of a shorthand, from the top clockwise (CSS Box 4, section 3.2).
fn sides(input: &mut Parser<'_>) -> Option<[f32; 4]> {
    match lengths(input)[..] {
        [all] => Some([all; 4]),
        [vertical, horizontal] => Some([vertical, horizontal, vertical, horizontal]),
        [top, horizontal, bottom] => Some([top, horizontal, bottom, horizontal]),
        [top, right, bottom, left] => Some([top, right, bottom, left]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str, value: &str) -> Vec<Property> {
        parse(name, &mut Parser::new(value))
    }

    #[test]
    fn values_are_understood() {
        for (name, value, expected) in [
            ("text-align", "Center", vec![Property::Align(Some(Align::Center))]),
            ("text-align", "justify", vec![Property::Align(Some(Align::Start))]),
            ("font-weight", "600", vec![Property::Bold(Some(true))]),
            ("font-weight", "normal", vec![Property::Bold(Some(false))]),
            (
                "font-variant",
                "oldstyle-nums small-caps",
                vec![Property::Capitals(Some(Capitals::Small))],
            ),
            ("font-variant", "oldstyle-nums", vec![]),
            ("text-indent", "-18pt", vec![Property::FirstLine(Some(-1.5))]),
            ("text-indent", "0", vec![Property::FirstLine(Some(0.0))]),
            ("text-indent", "5%", vec![Property::FirstLine(Some(1.65))]),
            ("text-indent", "calc(1em)", vec![]),
            ("padding", "1px 2em", vec![Property::PaddingRight(2.0), Property::PaddingLeft(2.0)]),
            (
                "font",
                "italic small-caps 12pt/1.2 'Bold Face', serif",
                vec![
                    Property::Italic(Some(true)),
                    Property::Bold(Some(false)),
                    Property::Capitals(Some(Capitals::Small)),
                ],
            ),
            ("text-transform", "uppercase", vec![Property::Uppercase(Some(true))]),
            ("font-style", "inherit", vec![Property::Italic(None)]),
            ("colour", "red", vec![]),
        ] {
            assert_eq!(parsed(name, value), expected, "{name}: {value}");
        }
        let sides = [
            Property::MarginTop(1.0),
            Property::MarginRight(0.0),
            Property::MarginBottom(2.0),
            Property::MarginLeft(0.0),
        ];
        assert_eq!(parsed("margin", "1em auto 2em"), sides);
    }
}
