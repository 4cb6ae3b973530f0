//! The address at which people find the site.

use std::str::FromStr;

use app::base::Base;
use reqwest::Url;

/// An address such as `https://home.example/earmark`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteUrl {
    /// The host, with a port that is not the usual one.
    host: String,
    is_https: bool,
    base: Base,
}

impl SiteUrl {
    /// The host, with a port that is not the usual one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is reached over HTTPS.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The path below which a proxy shows it.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// The name of the host.
    pub fn name(&self) -> &str {
        self.host.rsplit_once(':').map_or(&self.host, |(name, _)| name)
    }

    /// The address of a page.
    pub fn page(&self, path: &str) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        format!("{scheme}://{}{}{path}", self.host, self.base.0)
    }
}

impl FromStr for SiteUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("“{text}” is not the address of a site, such as https://home.example/earmark")
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let is_https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let is_plain =
            url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
        let base = Base::parse(url.path()).filter(|_| is_plain).ok_or_else(wrong)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self { host, is_https, base })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_site() {
        let url: SiteUrl = "https://Home.example:8443/earmark/".parse().unwrap();
        assert_eq!((url.name(), url.is_https), ("home.example", true));
        assert_eq!(url.page("/setup"), "https://home.example:8443/earmark/setup");
        let url: SiteUrl = "http://home.example".parse().unwrap();
        assert_eq!(url.page("/"), "http://home.example/");
        for text in
            ["home.example", "ftp://home.example/", "https://a@home.example", "https://h/?q"]
        {
            assert!(text.parse::<SiteUrl>().is_err(), "{text}");
        }
    }
}
