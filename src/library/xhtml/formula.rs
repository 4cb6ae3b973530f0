//! Formulas: whether their elements are as MathML has them, which readers of EPUBs rely on.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Elements that hold text alone (MathML Core, section 3.2).
const TOKENS: [&str; 4] = ["mi", "mn", "mo", "mtext"];

/// An element that stands open, with how many are in it.
struct Open {
    name: String,
    children: usize,
}

/// Whether a formula is as MathML has it, given what stands between `<math>` and `</math>`.
pub(super) fn is_sound(content: &str) -> bool {
    let mut reader = Reader::from_str(content);
    let mut open = vec![Open { name: "math".to_owned(), children: 0 }];
    loop {
        let Ok(event) = reader.read_event() else { return false };
        match event {
            Event::Start(element) => {
                let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
                if !adopt(&mut open, &name) {
                    return false;
                }
                open.push(Open { name, children: 0 });
            }
            Event::Empty(element) => {
                let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
                if !adopt(&mut open, &name) || !is_full(&Open { name, children: 0 }) {
                    return false;
                }
            }
            Event::End(_) => match open.pop() {
                Some(closed) if is_full(&closed) && !open.is_empty() => {}
                _ => return false,
            },
            Event::Text(text) => {
                let is_blank = text.iter().all(u8::is_ascii_whitespace);
                let holds_text = open.last().is_some_and(|open| TOKENS.contains(&&*open.name));
                if !is_blank && !holds_text {
                    return false;
                }
            }
            Event::GeneralRef(_)
                if !open.last().is_some_and(|open| TOKENS.contains(&&*open.name)) =>
            {
                return false;
            }
            Event::Eof => return open.len() == 1,
            _ => {}
        }
    }
}

/// Counts an element in the one around it; whether it may stand there.
fn adopt(open: &mut [Open], name: &str) -> bool {
    let Some(parent) = open.last_mut() else { return false };
    parent.children += 1;
    match (&*parent.name, name) {
        (parent, _) if TOKENS.contains(&parent) => false,
        ("mtable", name) => name == "mtr",
        ("mtr", name) => name == "mtd",
        (parent, "mtr") => parent == "mtable",
        (parent, "mtd") => parent == "mtr",
        (_, name) => super::super::html::MATHML.contains(&name) && name != "math",
    }
}

/// Whether an element has as many in it as it takes.
fn is_full(open: &Open) -> bool {
    match &*open.name {
        "mfrac" | "mroot" | "msub" | "msup" | "munder" | "mover" => open.children == 2,
        "msubsup" | "munderover" => open.children == 3,
        "mspace" => open.children == 0,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_told_from_what_is_none() {
        for sound in
            ["<mi>x</mi>", "<msup><mi>x</mi><mn>2</mn></msup> <mo>=</mo>", "<mspace></mspace>"]
        {
            assert!(is_sound(sound), "{sound}");
        }
        for unsound in [
            "text",
            "<msup><mi>x</mi></msup>",
            "<msup><mi>x</mi><mn>2</mn><mn>3</mn></msup>",
            "<mi><mn>1</mn></mi>",
            "<mtd></mtd>",
            "<p>x</p>",
            "<mi>x",
        ] {
            assert!(!is_sound(unsound), "{unsound}");
        }
    }
}
