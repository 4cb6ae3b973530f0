//! Text in the two elements whose content leptos writes as it is.

use leptos::prelude::*;

/// The page's `<title>`. The only place that writes one.
///
/// `leptos_meta` 0.8.7 puts the text of its `Title` between the tags without escaping it, so that a book's
/// title could open elements of its own. When it does escape, this is `leptos_meta::Title` again.
#[component]
pub fn PageTitle(#[prop(into)] text: String) -> impl IntoView {
    let text = escaped(&text);
    view! { <leptos_meta::Title text/> }
}

/// Text for the inside of a `<textarea>`, which `tachys` 0.2.19 does not escape either. A browser takes
/// away a line break that it begins with.
pub fn text_area_content(text: &str) -> String {
    format!("\n{}", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_title_is_markup() {
        assert_eq!(escaped("a</title><b>&lt;"), "a&lt;/title>&lt;b>&amp;lt;");
        assert_eq!(text_area_content("\nx"), "\n\nx");
    }
}
