//! The proxy that the environment names.

/// The variables of the environment that name a proxy.
#[derive(Clone, Debug, Default)]
pub(super) struct ProxyVariables {
    /// The proxy, and by which variable.
    pub proxy: Option<(&'static str, String)>,
    /// `NO_PROXY`.
    pub no_proxy: Option<String>,
}

impl ProxyVariables {
    /// Reads the variables as curl does.
    pub fn read() -> Self {
        let value = |name: &'static str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
        let proxy = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        Self {
            proxy: proxy.into_iter().find_map(|name| value(name).map(|text| (name, text))),
            no_proxy: ["no_proxy", "NO_PROXY"].into_iter().find_map(value),
        }
    }
}
