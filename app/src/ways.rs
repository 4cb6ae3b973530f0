//! Other ways to log in.

/// Providers of logins: their names in addresses, and what people call them.
#[derive(Debug, Clone, Default)]
pub struct LoginWays(pub Vec<(String, String)>);
