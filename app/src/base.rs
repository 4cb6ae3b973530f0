//! Where the site is.

/// The path below which a proxy shows the site, without a slash at its end; nothing where it is at the top of its
/// host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base(pub String);
