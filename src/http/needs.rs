//! What each route asks of whoever calls it. A route that is not named here is an admin's.

use std::collections::HashMap;
use std::sync::LazyLock;

use app::model::Role;
use axum::http::Method;

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it says nothing of anybody.
    Nobody,
    /// Somebody who may do as much, or a program of theirs.
    Role(Role),
    /// Somebody who is there themselves: programs neither make tokens nor log others out.
    Person(Role),
}

/// Where the API has nothing.
const NOWHERE: &str = "/api/{*unknown}";

/// Methods and paths, as the routes have them.
const ROUTES: &[(Needs, &[&str])] = &[
    (
        Needs::Nobody,
        &[
            "GET /login",
            "POST /login",
            "GET /setup",
            "POST /setup",
            "POST /logout",
            "GET /offline",
            "GET /health",
            "GET /pkg/{*file}",
            "GET /fonts/{*file}",
            "GET /icons/{*file}",
            "GET /favicon.svg",
            "GET /manifest.webmanifest",
            "GET /operator.css",
            "GET /settings.css",
            "GET /sw.js",
            // What a browser asks before a page of another site may send a token.
            "OPTIONS /v1/audio/speech",
            "OPTIONS /v1/audio/voices",
            "OPTIONS /v1/models",
        ],
    ),
    (
        Needs::Role(Role::Listener),
        &[
            "GET /",
            "GET /book/{book}",
            "GET /book/{book}/search",
            "GET /book/{book}/notes",
            "GET /book/{book}/pronunciation",
            "GET /book/{book}/passage",
            "GET /book/{book}/voices",
            "GET /read/{book}/{chapter}",
            "GET /go/{book}",
            "GET /settings",
            "POST /settings",
            "GET /keys",
            "GET /developers",
            "GET /samples/{*file}",
            "GET /api/openapi.json",
            "GET /api/preferences",
            "GET /api/books",
            "GET /api/books/{book}",
            "GET /api/books/{book}/file",
            "GET /api/books/{book}/progress",
            "PUT /api/books/{book}/progress",
            "GET /api/books/{book}/search",
            "GET /api/books/{book}/annotations",
            "POST /api/books/{book}/annotations",
            "POST /api/books/{book}/annotations/{annotation}",
            "DELETE /api/books/{book}/annotations/{annotation}",
            "POST /api/books/{book}/annotations/{annotation}/delete",
            "GET /api/books/{book}/annotations.md",
            "POST /api/books/{book}/passages",
            "GET /api/books/{book}/pronunciations",
            "POST /api/books/{book}/pronunciations",
            "POST /api/books/{book}/pronunciations/import",
            "GET /api/books/{book}/pronunciations.pls",
            "GET /api/books/{book}/pronunciations.txt",
            "GET /api/books/{book}/pronunciations/sample",
            "DELETE /api/books/{book}/pronunciations/{entry}",
            "POST /api/books/{book}/pronunciations/{entry}/delete",
            "GET /api/books/{book}/chapters/{chapter}",
            "GET /api/books/{book}/chapters/{chapter}/timeline",
            "GET /api/books/{book}/chapters/{chapter}/outline",
            "GET /api/books/{book}/audios",
            "GET /api/requests/{request}",
            "GET /api/voices",
            "GET /v1/audio/voices",
            "GET /v1/models",
            "POST /api/events/chapter_open",
            "POST /api/events/page_open",
            "POST /api/events/chapter_change",
            "GET /books/{book}/cover",
            "GET /books/{book}/fonts.css",
            "GET /books/{book}/files/{*path}",
            "GET /listen/{book}/{chapter}",
            "GET /listen/{book}/{chapter}/timeline",
            "GET /audio/{book}/{chapter}/{sentence}",
        ],
    ),
    (
        Needs::Role(Role::Member),
        &[
            "POST /api/books",
            "POST /api/books/{book}",
            "DELETE /api/books/{book}",
            "POST /api/books/{book}/delete",
            "POST /api/books/{book}/restore",
            "POST /api/books/{book}/reimport",
            "POST /api/books/{book}/matter",
            "GET /api/voice",
            "POST /api/voice",
            "POST /v1/audio/speech",
        ],
    ),
    (
        Needs::Person(Role::Listener),
        &[
            "GET /account",
            "POST /api/account/password",
            "GET /api/sessions",
            "POST /api/sessions/{session}/delete",
            "DELETE /api/sessions/{session}",
            "GET /api/tokens",
            "POST /api/tokens",
            "DELETE /api/tokens/{token}",
            "POST /api/tokens/{token}/delete",
        ],
    ),
];

/// The same, by path.
static BY_PATH: LazyLock<HashMap<&str, Vec<(&str, Needs)>>> = LazyLock::new(|| {
    let mut by_path = HashMap::<_, Vec<_>>::new();
    for (needs, routes) in ROUTES {
        for (method, path) in routes.iter().filter_map(|route| route.split_once(' ')) {
            by_path.entry(path).or_default().push((method, *needs));
        }
    }
    by_path
});

/// What a route asks for, by its method and its path as it was registered. Where nothing is registered there is
/// nothing to see, which is not for everybody to know.
pub fn needs(method: &Method, path: Option<&str>) -> Needs {
    let method = if *method == Method::HEAD { Method::GET.as_str() } else { method.as_str() };
    let of_path = path.and_then(|path| BY_PATH.get(path)).into_iter().flatten();
    match of_path.into_iter().find(|(verb, _)| *verb == method) {
        Some((_, needs)) => *needs,
        None if path.is_none_or(|path| path == NOWHERE) => Needs::Role(Role::Listener),
        None => Needs::Person(Role::Admin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_an_admins() {
        let asked = |method: Method, path| needs(&method, Some(path));
        assert_eq!(asked(Method::GET, "/engines"), Needs::Person(Role::Admin));
        assert_eq!(asked(Method::POST, "/api/engines"), Needs::Person(Role::Admin));
        assert_eq!(asked(Method::DELETE, "/api/preferences"), Needs::Person(Role::Admin));
        assert_eq!(asked(Method::HEAD, "/api/books"), Needs::Role(Role::Listener));
        assert_eq!(asked(Method::POST, "/api/books"), Needs::Role(Role::Member));
        // The words of an address decide nothing.
        assert_eq!(asked(Method::GET, "/engines/login"), Needs::Person(Role::Admin));
        assert_eq!(needs(&Method::GET, None), Needs::Role(Role::Listener));
    }
}
