//! Signing in: basic authentication once, then the cookie `XPLANID`; one session a user unless told otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::Refusal;
use crate::options::Account;

/// What stands between `user:password` and a one-time code.
const CODE_FOLLOWS: &str = "\n\r\t\u{7}";

/// The sessions that are open, oldest first: cookie and place of the account.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Vec<(String, usize)>,
    logins: u64,
}

/// The headers of a request that say who asks.
#[derive(Default, Clone)]
pub(crate) struct Credentials {
    pub(crate) authorization: Option<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) app_id: Option<String>,
    /// The site that a gateway is to call; with it, each call carries name and password, or a token.
    pub(crate) forwarded_host: Option<String>,
    /// `X-XPLAN-auth-failure-action: error`: a JSON error in place of the login page.
    pub(crate) wants_error: bool,
}

/// Who asks, and the new cookie if this request signed in.
pub(crate) struct SignedIn {
    pub(crate) account: usize,
    pub(crate) new_cookie: Option<String>,
}

impl Sessions {
    /// Finds the session of the cookie, else signs in by the basic form.
    pub(crate) fn admit(
        &mut self,
        from: &Credentials,
        accounts: &[Account],
        limit: usize,
    ) -> Result<SignedIn, Refusal> {
        if let Some(account) = from.session().and_then(|cookie| self.account_of(cookie)) {
            return Ok(SignedIn { account, new_cookie: None });
        }
        let Some(basic) = from.authorization.as_deref().and_then(|value| value.strip_prefix("Basic ")) else {
            let message = match from.session() {
                Some(_) => "The session has ended: another login of this user took it over, or it was logged out.",
                None => "No session: send the cookie XPLANID, or basic authentication.",
            };
            return Err(Refusal::new(401, message));
        };
        let account = matching(basic, accounts)
            .ok_or_else(|| Refusal::new(401, "User name, password or one-time code is wrong."))?;
        Ok(SignedIn { account, new_cookie: Some(self.open(account, limit)) })
    }

    fn account_of(&self, cookie: &str) -> Option<usize> {
        self.open.iter().find(|(open, _)| open == cookie).map(|(_, account)| *account)
    }

    fn open(&mut self, account: usize, limit: usize) -> String {
        self.logins += 1;
        while self.open.iter().filter(|(_, holder)| *holder == account).count() >= limit.max(1) {
            let oldest = self.open.iter().position(|(_, holder)| *holder == account);
            self.open.remove(oldest.expect("at least one session of the account was just counted"));
        }
        let cookie = format!("sandbox-{account}-{}", self.logins);
        self.open.push((cookie.clone(), account));
        cookie
    }

    /// Ends the session of the cookie.
    pub(crate) fn close(&mut self, from: &Credentials) {
        if let Some(cookie) = from.session() {
            self.open.retain(|(open, _)| open != cookie);
        }
    }

    /// Ends every session, as logins elsewhere would.
    pub(crate) fn close_all(&mut self) {
        self.open.clear();
    }

    /// How many times somebody signed in.
    pub(crate) fn logins(&self) -> u64 {
        self.logins
    }
}

impl Credentials {
    /// The token that an integration was given.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.authorization.as_deref()?.strip_prefix("Bearer ")
    }

    /// Whom the basic form names, without a session.
    pub(crate) fn named(&self, accounts: &[Account]) -> Result<SignedIn, Refusal> {
        let basic = self.authorization.as_deref().and_then(|value| value.strip_prefix("Basic "));
        let account = basic.and_then(|basic| matching(basic, accounts));
        let account = account.ok_or_else(|| Refusal::new(401, "Send a token, or a user's name and password."))?;
        Ok(SignedIn { account, new_cookie: None })
    }

    fn session(&self) -> Option<&str> {
        self.cookie.as_deref()?.split(';').find_map(|pair| pair.trim().strip_prefix("XPLANID="))
    }
}

/// The account whose name, password and, where asked for, one-time code the basic form carries.
fn matching(basic: &str, accounts: &[Account]) -> Option<usize> {
    let plain = String::from_utf8(STANDARD.decode(basic.trim()).ok()?).ok()?;
    let (plain, code) = match plain.split_once(CODE_FOLLOWS) {
        Some((plain, code)) => (plain, Some(code)),
        None => (plain.as_str(), None),
    };
    let (username, password) = plain.split_once(':')?;
    accounts.iter().position(|account| {
        account.username == username
            && account.password == password
            && account.one_time_code.as_deref().is_none_or(|wanted| code == Some(wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_factor_form_is_understood() {
        // The published example of the form: dummy-user, dummy-pwd, 109885.
        let golden = "ZHVtbXktdXNlcjpkdW1teS1wd2QKDQkHMTA5ODg1";
        let mut account = Account::new("dummy-user", "dummy-pwd");
        assert_eq!(matching(golden, std::slice::from_ref(&account)), Some(0));
        account.one_time_code = Some("109885".into());
        assert_eq!(matching(golden, std::slice::from_ref(&account)), Some(0));
        account.one_time_code = Some("000000".into());
        assert_eq!(matching(golden, std::slice::from_ref(&account)), None);
    }

    #[test]
    fn a_second_login_takes_the_first_over() {
        let accounts = [Account::new("a", "b"), Account::new("c", "d")];
        let login = |name: &str| Credentials {
            authorization: Some(format!("Basic {}", STANDARD.encode(name))),
            ..Default::default()
        };
        let with =
            |cookie: String| Credentials { cookie: Some(format!("x=1; XPLANID={cookie}")), ..Default::default() };
        let mut sessions = Sessions::default();
        let mut sign_in =
            |name| sessions.admit(&login(name), &accounts, 1).ok().and_then(|who| who.new_cookie).unwrap();
        let (first, other, second) = (sign_in("a:b"), sign_in("c:d"), sign_in("a:b"));
        assert!(sessions.admit(&with(first), &accounts, 1).is_err());
        assert!(sessions.admit(&with(other), &accounts, 1).is_ok());
        assert!(sessions.admit(&with(second), &accounts, 1).is_ok());
        assert!(sessions.admit(&login("a:wrong"), &accounts, 1).is_err());
    }
}
