//! How a stand-in site is set up.

use std::net::SocketAddr;

use crate::book::GROUPS;
use crate::faults::FaultPlan;
use crate::oauth::OAuthOptions;

/// Where the invented clients live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Region {
    /// Australia alone.
    Au,
    /// New Zealand alone.
    Nz,
    /// The United Kingdom alone.
    Uk,
    /// South Africa alone.
    Za,
    /// About two in three in Australia, the rest in New Zealand.
    #[default]
    Mix,
}

/// Who may sign in.
#[derive(Debug, Clone)]
pub struct Account {
    /// The name for signing in.
    pub username: String,
    /// The password.
    pub password: String,
    /// When set, the two-factor form must carry it; otherwise a code that is sent is ignored.
    pub one_time_code: Option<String>,
    /// The number of the user: clients whose primary adviser it is are seen in any group.
    pub user_id: u32,
    /// The groups whose clients are seen; `None` is all of them.
    pub groups: Option<Vec<u32>>,
}

impl Account {
    /// An account that belongs to no adviser and sees every group.
    pub fn new(username: &str, password: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
            one_time_code: None,
            user_id: 500,
            groups: None,
        }
    }

    /// The same account, seeing only these groups (numbers as in [`GROUPS`]).
    #[must_use]
    pub fn seeing(mut self, groups: &[u32]) -> Self {
        self.groups = Some(groups.to_vec());
        self
    }

    pub(crate) fn belongs_to(&self, group: u32) -> bool {
        match &self.groups {
            Some(groups) => groups.contains(&group),
            None => GROUPS.iter().any(|(number, _)| *number == group),
        }
    }
}

/// Everything that can be chosen about a site. The default is a mixed book of 1,000 clients without faults.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The same seed gives the same book.
    pub seed: u64,
    /// How many clients, 1 to 1,000,000.
    pub clients: u32,
    /// Where they live.
    pub region: Region,
    /// Who may sign in.
    pub accounts: Vec<Account>,
    /// How it authorises integrations.
    pub oauth: OAuthOptions,
    /// The value that `x-xplan-app-id` must have, if any.
    pub app_id: Option<String>,
    /// How many sessions a user may hold at once; one more takes the oldest over.
    pub sessions_per_user: usize,
    /// What goes wrong from the start.
    pub faults: FaultPlan,
    /// How many bytes of prepared answers to keep, at most.
    pub prepared_bytes: usize,
    /// Answer client rows flattened, without the object `fields`, as some sites do.
    pub flat_rows: bool,
    /// Write values as sites and exports do: names for web pages, dates as midnights in UTC, amounts for accountants,
    /// postcodes without their zero.
    pub other_forms: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: 1,
            clients: 1000,
            region: Region::default(),
            accounts: vec![Account::new("svc", "sandbox")],
            oauth: OAuthOptions::default(),
            app_id: None,
            sessions_per_user: 1,
            faults: FaultPlan::default(),
            prepared_bytes: 3 << 30,
            flat_rows: false,
            other_forms: false,
        }
    }
}
