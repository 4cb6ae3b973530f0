//! The server as whoever asks sees it.

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use app::model::{Person, Scope};
use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;

use super::door::ClientAddress;
use super::{AppParts, AppState};
use crate::library::Library;
use crate::narration::Narrator;

/// What handlers get: the server, with the places, marks and preferences of the person whose request it is.
#[derive(Clone)]
pub struct Visit {
    state: AppState,
    /// Books as the person has them.
    pub library: Library,
    /// Who reads them as the person wants it.
    pub narrator: Narrator,
    /// The address that it comes from; nothing where that is not known.
    pub client: String,
}

impl Visit {
    /// A visit of a person, or of nobody: on a page before one has logged in.
    pub fn of(state: &AppState, person: Option<&Person>) -> Self {
        let user = person.map(|person| &*person.id).unwrap_or_default();
        let library = state.library.of(user);
        let library = match person.and_then(|person| person.lent.as_ref()) {
            Some(book) => library.lending(book),
            None => library,
        };
        let mut narrator = state.narrator.of(library.clone());
        if person.is_some_and(|person| !person.may(Scope::Spend)) {
            narrator = narrator.without_spending();
        }
        Self { state: state.clone(), narrator, library, client: String::new() }
    }
}

impl Deref for Visit {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.state
    }
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let visit = Self::of(state, parts.extensions.get::<Arc<Person>>().map(|person| &**person));
        // Reading costs nothing, and is what is asked for most.
        let is_change = !matches!(parts.method, Method::GET | Method::HEAD);
        let client = parts.extensions.get::<ClientAddress>().filter(|_| is_change);
        let client = client.map(|ClientAddress(client)| client.to_string()).unwrap_or_default();
        Ok(Self { client, ..visit })
    }
}
