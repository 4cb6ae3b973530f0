//! Other ways to log in, and the way here.

/// Providers of logins: their names in addresses, and what people call them.
#[derive(Debug, Clone, Default)]
pub struct LoginWays(pub Vec<(String, String)>);

/// The address at which people find the site, as it was asked for or as it is set, without a slash at its end.
#[derive(Debug, Clone, Default)]
pub struct SiteAddress(pub String);
