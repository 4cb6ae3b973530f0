//! The server as whoever asks sees it.

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use app::model::{Person, Scope};
use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;

use super::door::ClientAddress;
use super::{AppParts, AppState};
use crate::library::Library;
use crate::narration::Narrator;

/// How often a stream looks whether whoever listens may still do so.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

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
    /// Whose it is.
    person: Option<Arc<Person>>,
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
        Self { state: state.clone(), narrator, library, client: String::new(), person: None }
    }

    /// The server, whoever asks.
    pub fn app(&self) -> &AppState {
        &self.state
    }

    /// Whether whoever asks runs the place.
    pub fn runs_the_place(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.runs_the_place())
    }

    /// Returns when whoever listens has been logged out, or the link that they came by is no longer good.
    pub fn logged_out(&self) -> impl Future<Output = ()> + Send + use<> {
        let (state, person) = (self.state.clone(), self.person.clone());
        async move {
            let Some(person) = person.filter(|person| !person.id.is_empty()) else {
                return std::future::pending().await;
            };
            loop {
                tokio::time::sleep(LOOK_INTERVAL).await;
                // What cannot be looked up now is looked up again.
                if state.door.accounts().is_still_in(&person).await.is_ok_and(|is_in| !is_in) {
                    return;
                }
            }
        }
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
        let person = parts.extensions.get::<Arc<Person>>().cloned();
        let visit = Self::of(state, person.as_deref());
        // Reading costs nothing, and is what is asked for most.
        let is_change = !matches!(parts.method, Method::GET | Method::HEAD);
        let client = parts.extensions.get::<ClientAddress>().filter(|_| is_change);
        let client = client.map(|ClientAddress(client)| client.to_string()).unwrap_or_default();
        Ok(Self { client, person, ..visit })
    }
}
