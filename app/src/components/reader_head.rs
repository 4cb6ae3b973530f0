//! The head of the reader: the way back, and what can be opened over the text.

use leptos::prelude::*;

use super::{Icon, Panel, icon};
use crate::islands::controls::bookmark::BookmarkButton;
use crate::model::BookCard;
use crate::words::words;

/// Back to the book; contents, search, notes, bookmark, appearance.
#[component]
pub fn ReaderHead(book: BookCard) -> impl IntoView {
    let (words, id) = (&words().reader, book.id.to_string());
    let tool = |page: String, label: &'static str, key: &'static str, shape: Icon| {
        view! {
            <a class="tool" href=page data-panel aria-keyshortcuts=key aria-label=label title=label>
                {icon(shape)}
            </a>
        }
    };
    view! {
        <a class="skip" href="#reading">{crate::words::words().site.skip_to_content}</a>
        <header class="reader-head">
            <a class="back" href=format!("/book/{id}") title=book.title.clone()>
                {icon(Icon::Back)}
                <span dir="auto">{book.title.clone()}</span>
            </a>
            <nav class="reader-tools" aria-label=words.tools>
                {tool(format!("/book/{id}"), words.contents, "T", Icon::Contents)}
                {tool(format!("/book/{id}/search"), words.search, "/", Icon::Search)}
                {tool(format!("/book/{id}/notes"), words.notes, "A", Icon::Notes)}
                <BookmarkButton/>
                {tool("/keys".to_owned(), crate::words::words().site.keys, "?", Icon::Keys)}
                {tool("/settings".to_owned(), words.appearance, "S", Icon::Appearance)}
            </nav>
        </header>
        <Panel/>
    }
}
