use proptest::prelude::*;

use super::*;
use crate::text::markup::plain_text;

fn blocks(source: &str) -> Vec<String> {
    parse(source)
        .items
        .into_iter()
        .filter_map(|item| match item {
            Item::Block { inlines, .. } => Some(plain_text(&inlines)),
            _ => None,
        })
        .collect()
}

#[test]
fn white_space_is_collapsed_across_elements() {
    assert_eq!(
        blocks("<p>  One\n  <em> two</em> <b>three</b>\n<i>four</i>. </p>"),
        ["One two three four."]
    );
    assert_eq!(blocks("<h2>I<br/>  The Start</h2>"), ["I The Start"]);
}

#[test]
fn text_beside_blocks_is_a_block() {
    assert_eq!(blocks("<li>One<ul><li>two</li></ul>three</li>"), ["One", "two", "three"]);
    assert_eq!(blocks("<a href='x'><div>Inside</div></a>"), ["Inside"]);
}

#[test]
fn self_closed_elements_swallow_nothing() {
    assert_eq!(
        blocks(
            "<html><head><title/></head><body><p><a id='x'/>Text</p><script src='y'/><p>more</p></body></html>"
        ),
        ["Text", "more"]
    );
}

#[test]
fn what_is_not_said_is_silent() {
    assert_eq!(blocks("<p><ruby>草枕<rt>くさまくら</rt></ruby>。</p>"), ["草枕。"]);
    assert_eq!(blocks("<p>Word<sup><a href='#n'>12</a></sup>. x<sup>2</sup></p>"), ["Word. x2"]);
    assert_eq!(
        blocks("<p>Word<a href='#n1'>[1]</a>, and <a href='#c2'>more</a>.</p>"),
        ["Word, and more."]
    );
    assert_eq!(
        blocks(
            "<p>Word<a epub:type='noteref' href='#n'>*</a>.</p><span epub:type='pagebreak'>7</span>"
        ),
        ["Word."]
    );
}

#[test]
fn scripts_handlers_and_styles_are_gone() {
    let items = parse(
        "<p onclick='x()' style='color:red' id='p'>A<script>alert(1)</script><img src='x' onerror='y()'></p>",
    )
    .items;
    let shown = format!("{items:?}");
    assert!(shown.contains("\"p\"") && shown.contains("\"src\""));
    for gone in ["onclick", "alert", "onerror", "style", "script"] {
        assert!(!shown.contains(gone), "{gone} in {shown}");
    }
}

#[test]
fn an_empty_anchor_between_blocks_is_a_target() {
    let items = parse("<div><a id='c1'/><h2>One</h2></div>").items;
    assert_eq!(items[1], Item::Anchor("c1".to_owned()));
}

#[test]
fn a_cover_in_svg_is_an_image() {
    let items = parse("<svg><image xlink:href='cover.jpg'/></svg>").items;
    assert!(format!("{items:?}").contains("cover.jpg"));
}

#[test]
fn deep_nesting_ends() {
    let source = format!("{}deep{}", "<div><b>".repeat(20_000), "</b></div>".repeat(20_000));
    assert_eq!(blocks(&source).concat(), "deep");
}

proptest! {
    #[test]
    fn containers_nest_whatever_the_input(source in "(<(/?(p|div|em|a|table|td|svg|math)|!--|b/)( id='[a-z]')?>?|[a-z \"']){0,60}") {
        let mut depth = 0_i32;
        for item in parse(&source).items {
            match item {
                Item::Open { .. } => depth += 1,
                Item::Close => depth -= 1,
                _ => {}
            }
            prop_assert!(depth >= 0);
        }
        prop_assert_eq!(depth, 0);
    }
}
