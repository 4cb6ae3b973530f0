//! OPDS 2.0: JSON.

use axum::response::Response;
use serde_json::{Value, json};

use super::{BooksQuery, Entry, List, PAGE_BOOKS, Place, answer, listed};
use crate::http::extract::ApiQuery;
use crate::http::{ApiError, Visit};
use crate::time::rfc3339;

pub(super) const KIND: &str = "application/opds+json";

/// `GET /opds/v2`
pub(super) async fn root(place: Place) -> Response {
    let navigation: Vec<Value> = List::ALL
        .into_iter()
        .map(|list| {
            let href = place.at(&format!("/opds/v2/books?of={}", list.name()));
            json!({ "title": list.title(), "href": href, "type": KIND })
        })
        .collect();
    let feed = json!({
        "metadata": { "title": "Earmark" },
        "links": links(&place, "/opds/v2"),
        "navigation": navigation,
    });
    answer(KIND, feed.to_string())
}

/// `GET /opds/v2/books?of=&q=&page=`
pub(super) async fn books(
    state: Visit,
    place: Place,
    ApiQuery(query): ApiQuery<BooksQuery>,
) -> Result<Response, ApiError> {
    let page = listed(&state, query).await?;
    let mut links = links(&place, &page.address("/v2", page.number));
    for (rel, number) in page.around() {
        let href = place.at(&page.address("/v2", number));
        links.push(json!({ "rel": rel, "href": href, "type": KIND }));
    }
    let books: Vec<Value> = page.books.iter().map(|entry| publication(&place, entry)).collect();
    let mut feed = json!({
        "metadata": {
            "title": page.title(),
            "numberOfItems": page.total,
            "itemsPerPage": PAGE_BOOKS,
            "currentPage": page.number,
        },
        "links": links,
    });
    // A list without anything is no list (OPDS 2.0, its schema): then there is the way back.
    if books.is_empty() {
        let root = place.at("/opds/v2");
        feed["navigation"] = json!([{ "title": "Earmark", "href": root, "type": KIND }]);
    } else {
        feed["publications"] = books.into();
    }
    Ok(answer(KIND, feed.to_string()))
}

/// What an app that is not let in is told of how it can be (Authentication for OPDS 1.0).
pub fn how_to_log_in() -> Response {
    let document = json!({
        "id": "urn:earmark:login",
        "title": "Earmark",
        "description": "Your name, and a password that you make for reading apps on the page of your account.",
        "authentication": [{
            "type": "http://opds-spec.org/auth/basic",
            "labels": { "login": "Name", "password": "Password for reading apps" },
        }],
    });
    answer("application/opds-authentication+json", document.to_string())
}

fn links(place: &Place, own: &str) -> Vec<Value> {
    vec![
        json!({ "rel": "self", "href": place.at(own), "type": KIND }),
        json!({ "rel": "start", "href": place.at("/opds/v2"), "type": KIND }),
        json!({
            "rel": "search",
            "href": place.at("/opds/v2/books{?q}"),
            "type": KIND,
            "templated": true,
        }),
    ]
}

fn publication(place: &Place, entry: &Entry) -> Value {
    let card = &entry.card;
    let links: Vec<Value> = entry
        .files
        .iter()
        .map(|file| {
            let mut link = json!({
                "rel": "http://opds-spec.org/acquisition",
                "href": place.at(&file.path),
                "type": file.kind,
                "title": file.title,
            });
            if let Some(size) = file.size {
                link["size"] = size.into();
            }
            link
        })
        .collect();
    let mut publication = json!({
        "metadata": {
            "@type": "http://schema.org/Book",
            "identifier": format!("urn:earmark:book:{}", card.id),
            "title": card.title,
            "modified": rfc3339(entry.changed_ms),
        },
        "links": links,
    });
    if !card.authors.is_empty() {
        publication["metadata"]["author"] = card.authors.clone().into();
    }
    if super::audiobook::is_language(&card.language) {
        publication["metadata"]["language"] = card.language.clone().into();
    }
    if let Some(kind) = entry.cover {
        let cover = place.at(&format!("/books/{}/cover", card.id));
        let mut images = vec![json!({ "href": cover, "type": kind })];
        for width in &card.cover_widths {
            let href = format!("{cover}?width={width}");
            images.push(json!({ "href": href, "type": "image/webp", "width": width }));
        }
        publication["images"] = images.into();
    }
    publication
}
