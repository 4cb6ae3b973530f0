//! Where the site is.

/// What the site's own addresses begin with.
pub const OWN: [&str; 40] = [
    "account",
    "api",
    "audio",
    "book",
    "books",
    "confirm",
    "dashboard",
    "developers",
    "engines",
    "favicon.svg",
    "feed",
    "fonts",
    "go",
    "health",
    "icons",
    "invite",
    "keys",
    "kosync",
    "listen",
    "login",
    "logout",
    "manifest.webmanifest",
    "narrations",
    "offline",
    "opds",
    "operator.css",
    "passkey",
    "people",
    "pkg",
    "read",
    "s",
    "samples",
    "settings",
    "settings.css",
    "setup",
    "statistics",
    "storage",
    "sw.js",
    "v1",
    "voices",
];
/// Longest path, in bytes.
const MAX_BYTES: usize = 256;

/// The path below which a proxy shows the site, without a slash at its end; nothing where it is at the top of its
/// host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base(pub String);

impl Base {
    /// A path, when it can be one: of letters, digits and the signs `-`, `_`, `.` and `~`, so that it means the same
    /// in an address, in a page and in a header; and of none that the site itself has, or it could not be told whether
    /// an address has it already.
    pub fn parse(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        let is_part = |part: &str| !part.trim_matches('.').is_empty() && part.chars().all(is_plain);
        let first = path.split('/').nth(1).unwrap_or_default();
        let parts = path.strip_prefix('/').map(|parts| parts.split('/').all(is_part));
        let parts = parts.map(|are_plain| are_plain && !OWN.contains(&first));
        (path.is_empty() || path.len() <= MAX_BYTES && parts == Some(true))
            .then(|| Self(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_plain_path() {
        let base = |path| Base::parse(path).map(|base| base.0);
        assert_eq!(base("/earmark"), Some("/earmark".to_owned()));
        assert_eq!(base("/library/earmark/"), Some("/library/earmark".to_owned()));
        assert_eq!(base("/"), Some(String::new()));
        for path in [
            "earmark",
            "//evil.example",
            "/a b",
            "/a\"b",
            "/../x",
            "/a//b",
            "/a?b",
            "/a/./b",
            "/...",
            "/book",
            "/api/earmark",
        ] {
            assert_eq!(base(path), None, "{path}");
        }
    }
}
