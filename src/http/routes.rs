//! Routes, each with what it asks of whoever calls it, how much it takes, and its part of the API's description.

use std::collections::{HashMap, HashSet};

use app::model::{Role, Scope};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::from_fn;
use axum::routing::MethodRouter;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::bodies::{self, FILE_BYTES, SMALL_BYTES, TEXT_BYTES};
use super::{AppState, openapi};

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it says nothing of anybody.
    Nobody,
    /// Somebody who may do as much, or a program of theirs whose token is for that.
    Role(Role, Scope),
    /// The same, and no guest who came by a link to a book.
    Own(Role, Scope),
    /// Somebody who is there themselves: programs neither make tokens nor log others out.
    Person(Role),
    /// The same, who has said their password again a short while ago: a browser that was left open is not enough.
    Confirmed(Role),
    /// An admin who has done so, or a program of theirs whose token is for that.
    Runs,
}

impl Needs {
    /// Whoever may read.
    pub const READ: Self = Self::Role(Role::Listener, Scope::Read);
    /// Whoever may listen.
    pub const LISTEN: Self = Self::Role(Role::Listener, Scope::Listen);
    /// Whoever has places, marks and preferences.
    pub const PROGRESS: Self = Self::Role(Role::Listener, Scope::Progress);
    /// Whoever may have books narrated ahead.
    pub const NARRATE: Self = Self::Own(Role::Listener, Scope::Listen);
    /// Whoever says how words are said.
    pub const PRONOUNCE: Self = Self::Own(Role::Listener, Scope::Progress);
    /// Whoever may add and change books.
    pub const IMPORT: Self = Self::Role(Role::Member, Scope::Import);
    /// Whoever may add and change books; of their own, whoever once could.
    pub const OWN_BOOK: Self = Self::Own(Role::Listener, Scope::Import);
    /// Whoever may have texts spoken.
    pub const SPEAK: Self = Self::Role(Role::Member, Scope::Speak);
    /// Oneself, of one's own things.
    pub const ONESELF: Self = Self::Person(Role::Listener);
    /// Whoever runs the place.
    pub const ADMIN: Self = Self::Runs;

    /// Whether the password has to be said again.
    pub fn asks_again(self) -> bool {
        matches!(self, Self::Confirmed(_) | Self::Runs)
    }
}

/// What a request may carry.
#[derive(Debug, Clone, Copy)]
pub enum Carries {
    /// Nothing that is read.
    Nothing,
    /// A form or a few values.
    Values,
    /// A note, or a text to be spoken.
    Text,
    /// Files, which are read piece by piece.
    Files,
}

/// What each route asks for, by its path as it was registered.
#[derive(Debug, Default)]
pub struct Asked {
    needs: HashMap<String, Vec<(Method, Needs)>>,
    lasting: HashSet<&'static str>,
}

impl Asked {
    /// What a route asks for. One that is not named is an admin's, and no program's; and where nothing is registered
    /// there is nothing to see, which is not for everybody to know.
    pub fn of(&self, method: &Method, path: Option<&str>) -> Needs {
        let Some(path) = path else { return Needs::READ };
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let of_path = self.needs.get(path).into_iter().flatten();
        of_path
            .into_iter()
            .find(|(named, _)| named == method)
            .map_or(Needs::Confirmed(Role::Admin), |(_, needs)| *needs)
    }

    /// Whether what is answered goes on for as long as somebody listens.
    pub fn is_lasting(&self, path: &str) -> bool {
        self.lasting.contains(path)
    }

    fn add(&mut self, needs: Needs, method: Method, path: &str) {
        self.needs.entry(path.to_owned()).or_default().push((method, needs));
    }

    /// What the routes of both ask for.
    pub fn merge(&mut self, other: Self) {
        for (path, asked) in other.needs {
            self.needs.entry(path).or_default().extend(asked);
        }
        self.lasting.extend(other.lasting);
    }
}

/// Some of the server's routes.
#[derive(Default)]
pub struct Routes {
    router: OpenApiRouter<AppState>,
    asked: Asked,
}

impl Routes {
    /// Adds a route that is described, and takes a form, a few values or nothing.
    pub fn add(self, needs: Needs, route: UtoipaMethodRouter<AppState>) -> Self {
        self.carrying(Carries::Values, needs, route)
    }

    /// Adds a route that is described.
    pub fn carrying(
        mut self,
        carries: Carries,
        needs: Needs,
        (schemas, mut paths, methods): UtoipaMethodRouter<AppState>,
    ) -> Self {
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                openapi::finish(operation, needs);
                self.asked.add(needs, method, path);
            }
        }
        self.router = self.router.routes((schemas, paths, bounded(methods, carries)));
        self
    }

    /// Adds a route of the pages alone, which the description leaves out: a form's other way to say a method.
    pub fn page(
        mut self,
        needs: Needs,
        method: Method,
        path: &str,
        methods: MethodRouter<AppState>,
    ) -> Self {
        self.asked.add(needs, method, path);
        self.router = self.router.route(path, bounded(methods, Carries::Values));
        self
    }

    /// Adds to the description what leptos serves.
    pub fn described(mut self, needs: Needs, mut paths: Paths) -> Self {
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                openapi::finish(operation, needs);
                self.asked.add(needs, method, path);
            }
        }
        self.router.get_openapi_mut().paths.paths.extend(paths.paths);
        self
    }

    /// Names what pages and files ask for, which are served elsewhere.
    pub fn asking(mut self, needs: Needs, method: &Method, paths: &[&str]) -> Self {
        for path in paths {
            self.asked.add(needs, method.clone(), path);
        }
        self
    }

    /// Says of routes that what they answer goes on for as long as somebody listens: one address has only so many.
    pub fn lasting(mut self, paths: &[&'static str]) -> Self {
        self.asked.lasting.extend(paths);
        self
    }

    /// All routes of both.
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.asked.merge(other.asked);
        self
    }

    /// The routes, with layers around them.
    pub fn map(mut self, around: impl FnOnce(Router<AppState>) -> Router<AppState>) -> Self {
        let (router, description) = self.router.split_for_parts();
        self.router = OpenApiRouter::from(around(router));
        *self.router.get_openapi_mut() = description;
        self
    }

    /// The routes, what they ask for, and what the API's description says of them.
    pub fn split(self) -> (Router<AppState>, Asked, OpenApi) {
        let (router, description) = self.router.split_for_parts();
        (router, self.asked, openapi::whole(description))
    }
}

/// What can be asked for under a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, delete, .. } = item;
    [(Method::GET, get), (Method::PUT, put), (Method::POST, post), (Method::DELETE, delete)]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn bounded(methods: MethodRouter<AppState>, carries: Carries) -> MethodRouter<AppState> {
    let limit = match carries {
        Carries::Nothing => return methods,
        Carries::Values => SMALL_BYTES,
        Carries::Text => TEXT_BYTES,
        Carries::Files => {
            return methods
                .layer(DefaultBodyLimit::max(FILE_BYTES))
                .layer(from_fn(|request, next| bodies::read_streamed(FILE_BYTES, request, next)));
        }
    };
    methods
        .layer(DefaultBodyLimit::max(limit))
        .layer(from_fn(move |request, next| bodies::read_whole(limit, request, next)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{api, for_programs, listen};

    #[test]
    fn no_base_can_be_taken_for_a_route() {
        let (_, routes, _) =
            api().merge(for_programs()).merge(listen::streams()).merge(listen::clips()).split();
        for path in routes.needs.keys() {
            let first = path.split('/').nth(1).unwrap_or_default();
            assert!(first.is_empty() || app::base::OWN.contains(&first), "{path}");
        }
    }

    #[test]
    fn what_is_not_named_is_an_admins() {
        let (_, routes, _) = api().split();
        let asked = |method: Method, path| routes.of(&method, Some(path));
        // Of one who is there: no program of theirs.
        let admins = Needs::Confirmed(Role::Admin);
        assert_eq!(asked(Method::GET, "/engines"), admins);
        assert_eq!(asked(Method::POST, "/api/engines"), Needs::ADMIN);
        assert_eq!(asked(Method::DELETE, "/api/preferences"), admins);
        assert_eq!(asked(Method::HEAD, "/api/books"), Needs::READ);
        assert_eq!(asked(Method::POST, "/api/books"), Needs::IMPORT);
        assert_eq!(asked(Method::POST, "/api/events/page_open"), Needs::LISTEN);
        // The words of an address decide nothing.
        assert_eq!(asked(Method::GET, "/engines/login"), admins);
        assert_eq!(routes.of(&Method::GET, None), Needs::READ);
    }
}
