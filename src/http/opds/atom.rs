//! OPDS 1.2: Atom.

use std::io::Result;

use axum::response::Response;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{BooksQuery, Entry, List, Page, Place, answer, listed};
use crate::http::extract::ApiQuery;
use crate::http::xml::{self, Xml, empty, text};
use crate::http::{ApiError, Visit};
use crate::time::{now_ms, rfc3339};

const NAVIGATION: &str = "application/atom+xml;profile=opds-catalog;kind=navigation";
const ACQUISITION: &str = "application/atom+xml;profile=opds-catalog;kind=acquisition";
const SEARCH: &str = "application/opensearchdescription+xml";
const NAMESPACES: [(&str, &str); 4] = [
    ("xmlns", "http://www.w3.org/2005/Atom"),
    ("xmlns:dc", "http://purl.org/dc/terms/"),
    ("xmlns:opds", "http://opds-spec.org/2010/catalog"),
    ("xmlns:opensearch", "http://a9.com/-/spec/opensearch/1.1/"),
];

/// `GET /opds`
pub(super) async fn root(place: Place) -> std::result::Result<Response, ApiError> {
    let now = rfc3339(now_ms());
    let written = feed(&place, ("root", "Earmark", "/opds", NAVIGATION), &now, |xml| {
        // The same for apps that read the newer form.
        link(xml, "alternate", &place.at("/opds/v2"), super::json::KIND)?;
        for list in List::ALL {
            let address = place.at(&format!("/opds/books?of={}", list.name()));
            xml.create_element("entry").write_inner_content(|xml| {
                text(xml, "title", list.title())?;
                text(xml, "id", &format!("urn:earmark:list:{}", list.name()))?;
                text(xml, "updated", &now)?;
                xml.create_element("content")
                    .with_attribute(("type", "text"))
                    .write_text_content(quick_xml::events::BytesText::new(list.title()))?;
                let rel =
                    if list == List::New { "http://opds-spec.org/sort/new" } else { "subsection" };
                link(xml, rel, &address, ACQUISITION)
            })?;
        }
        Ok(())
    });
    Ok(answer(NAVIGATION, written.map_err(unwritten)?))
}

/// `GET /opds/books?of=&q=&page=`
pub(super) async fn books(
    state: Visit,
    place: Place,
    ApiQuery(query): ApiQuery<BooksQuery>,
) -> std::result::Result<Response, ApiError> {
    let page = listed(&state, query).await?;
    let now = rfc3339(now_ms());
    let own = page.address("", page.number);
    let query = utf8_percent_encode(&page.query, NON_ALPHANUMERIC);
    let (id, title) = (format!("list:{}:{query}", page.list.name()), page.title());
    let written = feed(&place, (&id, &title, &own, ACQUISITION), &now, |xml| {
        of_page(xml, &place, &page)?;
        page.books.iter().try_for_each(|entry| book(xml, &place, entry))
    });
    Ok(answer(ACQUISITION, written.map_err(unwritten)?))
}

/// `GET /opds/search.xml`: how the catalogue is searched.
pub(super) async fn search(place: Place) -> std::result::Result<Response, ApiError> {
    let template = place.at("/opds/books?q={searchTerms}");
    let written = xml::document(|xml| {
        let root = xml.create_element("OpenSearchDescription");
        let root = root.with_attribute(("xmlns", "http://a9.com/-/spec/opensearch/1.1/"));
        root.write_inner_content(|xml| {
            text(xml, "ShortName", "Earmark")?;
            text(xml, "Description", "Books by title and author")?;
            text(xml, "InputEncoding", "UTF-8")?;
            empty(xml, "Url", &[("type", ACQUISITION), ("template", &template)])
        })?;
        Ok(())
    });
    Ok(answer(SEARCH, written.map_err(unwritten)?))
}

fn unwritten(error: std::io::Error) -> ApiError {
    tracing::error!(%error, "a catalogue cannot be written");
    ApiError::Internal
}

fn link(xml: &mut Xml, rel: &str, href: &str, kind: &str) -> Result<()> {
    empty(xml, "link", &[("rel", rel), ("href", href), ("type", kind)])
}

fn feed(
    place: &Place,
    (id, title, own, kind): (&str, &str, &str, &str),
    now: &str,
    content: impl FnOnce(&mut Xml) -> Result<()>,
) -> Result<String> {
    xml::document(|xml| {
        xml.create_element("feed").with_attributes(NAMESPACES).write_inner_content(|xml| {
            text(xml, "id", &format!("urn:earmark:{id}"))?;
            text(xml, "title", title)?;
            text(xml, "updated", now)?;
            xml.create_element("author").write_inner_content(|xml| text(xml, "name", "Earmark"))?;
            link(xml, "self", &place.at(own), kind)?;
            link(xml, "start", &place.at("/opds"), NAVIGATION)?;
            link(xml, "search", &place.at("/opds/search.xml"), SEARCH)?;
            content(xml)
        })?;
        Ok(())
    })
}

fn of_page(xml: &mut Xml, place: &Place, page: &Page) -> Result<()> {
    link(xml, "up", &place.at("/opds"), NAVIGATION)?;
    for (rel, number) in page.around() {
        link(xml, rel, &place.at(&page.address("", number)), ACQUISITION)?;
    }
    text(xml, "opensearch:totalResults", &page.total.to_string())?;
    text(xml, "opensearch:itemsPerPage", &super::PAGE_BOOKS.to_string())
}

fn book(xml: &mut Xml, place: &Place, entry: &Entry) -> Result<()> {
    let card = &entry.card;
    xml.create_element("entry").write_inner_content(|xml| {
        text(xml, "title", &card.title)?;
        text(xml, "id", &format!("urn:earmark:book:{}", card.id))?;
        text(xml, "updated", &rfc3339(entry.changed_ms))?;
        for author in &card.authors {
            xml.create_element("author").write_inner_content(|xml| text(xml, "name", author))?;
        }
        text(xml, "dc:language", &card.language)?;
        if let Some(kind) = entry.cover {
            let cover = place.at(&format!("/books/{}/cover", card.id));
            link(xml, "http://opds-spec.org/image", &cover, kind)?;
            let small =
                card.cover_widths.iter().min().map(|width| format!("{cover}?width={width}"));
            let (small, kind) =
                small.as_ref().map_or((&cover, kind), |small| (small, "image/webp"));
            link(xml, "http://opds-spec.org/image/thumbnail", small, kind)?;
        }
        for file in &entry.files {
            let (href, size) = (place.at(&file.path), file.size.map(|size| size.to_string()));
            let mut attributes = vec![
                ("rel", "http://opds-spec.org/acquisition"),
                ("href", href.as_str()),
                ("type", file.kind),
                ("title", file.title.as_str()),
            ];
            attributes.extend(size.as_deref().map(|size| ("length", size)));
            empty(xml, "link", &attributes)?;
        }
        Ok(())
    })?;
    Ok(())
}
