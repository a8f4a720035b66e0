//! The rules for an account's email address, name and password.

use secrecy::{ExposeSecret as _, SecretString};

use crate::access::{FactorProblem, SignInError, password};
use crate::domain::EmailAddress;
use crate::domain::access::{Role, User};
use crate::domain::text;
use crate::queue::{self, NotDone};
use crate::store::StoreError;

/// An account to be made, as somebody typed it.
#[derive(Debug)]
pub struct NewUser {
    /// The email under which the person signs in; case does not matter.
    pub email: String,
    /// The person's name, as pages show it.
    pub name: String,
    /// The person's role in the practice.
    pub role: Role,
    /// The password, at least 12 characters; none where the person chooses it by a link.
    pub password: Option<SecretString>,
}

/// A problem with one field of the form for an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldProblem {
    /// The name of the field, such as `email` or `password`.
    pub field: &'static str,
    /// The message for the person who typed it: what would be right.
    pub message: String,
}

/// The reason why no account was made; nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The set-up link is over.
    #[error(
        "this set-up link has been used or is older than 30 minutes; restart tidegate for a new one, or sign in where \
         an account exists"
    )]
    LinkIsOver,
    /// The link of an account is over.
    #[error(
        "this link has been used, was replaced by a newer one, or is too old; ask a practice manager for another, or sign \
         in where a password was chosen already"
    )]
    AccountLinkIsOver,
    /// There is no such account.
    #[error("there is no such account; check it against the list it is from")]
    NoAccount,
    /// Nobody else could manage the practice.
    #[error(
        "{0} is the only practice manager who can sign in; make somebody else one first, and wait until they have signed in. \
         Nothing was changed"
    )]
    LastManager(String),
    /// The account is disabled.
    #[error("the account of {0} is disabled; enable it first. Nothing was changed")]
    Disabled(String),
    /// The account is linked to no identity provider.
    #[error("the account of {0} is not linked to an identity provider. Nothing was changed")]
    NotLinked(String),
    /// No password would be taken of the account, so that no link by which one is chosen is made.
    #[error(
        "{0} signs in by the identity provider, with the email of the account; passwords are for practice managers here. \
         Nothing was changed"
    )]
    SignsInByProvider(String),
    /// The password that was asked for once more is wrong, or too many were tried.
    #[error(transparent)]
    NotConfirmed(#[from] SignInError),
    /// What is asked of the second factor does not go.
    #[error(transparent)]
    SecondFactor(#[from] FactorProblem),
    /// The form does not hold; every problem found.
    #[error("{}", .0.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<FieldProblem>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue of passwords to be hashed is full, or the host failed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl NewUser {
    /// Every problem with what was typed, but for whether the password is a common one.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let mut problems = Vec::new();
        self.email(&mut problems);
        problems
    }

    fn email(&self, problems: &mut Vec<FieldProblem>) -> Option<EmailAddress> {
        let email = check_email(&self.email, problems);
        check_name(&self.name, problems);
        if let Some(password) = &self.password {
            check_password(password, (&self.email, &self.name), problems);
        }
        email
    }

    /// The email, the name and the hash of the password, where everything about the account holds in a practice of this name.
    ///
    /// # Errors
    /// Names every problem with what was typed.
    pub async fn examine(&self, practice: &str) -> Result<(EmailAddress, String, Option<String>), AccountError> {
        let email = self.check()?;
        let name = self.name.trim().to_owned();
        let hash = match &self.password {
            Some(password) => Some(chosen(password, [email.as_str(), &name, practice], None).await?),
            None => None,
        };
        Ok((email, name, hash))
    }

    /// The email, where everything about the account holds but for whether the password is a common one.
    fn check(&self) -> Result<EmailAddress, AccountError> {
        let mut problems = Vec::new();
        match self.email(&mut problems) {
            Some(email) if problems.is_empty() => Ok(email),
            _ => Err(AccountError::Invalid(problems)),
        }
    }
}

/// The hash of a password that somebody of this email, name and practice chooses, where it holds. `before` is the hash of
/// the one that they have.
pub(super) async fn chosen(
    password: &SecretString,
    [email, name, practice]: [&str; 3],
    before: Option<String>,
) -> Result<String, AccountError> {
    let mut problems = Vec::new();
    check_password(password, (email, name), &mut problems);
    if !problems.is_empty() {
        return Err(AccountError::Invalid(problems));
    }
    if before.is_some() && password::is_right(password, before, &queue::PASSWORDS).await? {
        return Err(AccountError::at("password", SAME));
    }
    match password::hash(password, [email, name, practice].map(str::to_owned).to_vec()).await? {
        Some(hash) => Ok(hash),
        None => Err(AccountError::at("password", COMMON)),
    }
}

/// The message about a new password that is the one of before.
const SAME: &str = "This is the password that the account has. Choose another one.";

/// The message about a password that others have.
const COMMON: &str = "This password is among those that are tried first: it is on the lists of leaked passwords, or made of \
                      a common word, your name or the practice’s, a season, a date, a year or a row of keys. Choose a few \
                      words in a row that nobody else would.";

/// The email of somebody, where it is one.
pub(super) fn check_email(email: &str, problems: &mut Vec<FieldProblem>) -> Option<EmailAddress> {
    let message = match EmailAddress::try_from(text::by_its_letters(email.trim())) {
        Err(invalid) => format!("This is not {}.", invalid.wanted),
        Ok(email) if email.as_str().split(['@', '.']).any(text::mixes_alphabets) => {
            "This email mixes letters of several alphabets that look alike. Type it anew, as its holder writes it."
                .to_owned()
        }
        Ok(email) => return Some(email),
    };
    problems.push(FieldProblem { field: "email", message });
    None
}

/// Whether a name can be shown.
pub fn check_name(name: &str, problems: &mut Vec<FieldProblem>) {
    let has_letter = name.chars().any(|c| c.is_alphabetic() && text::is_visible(c));
    let message = if name.chars().count() > 200 {
        "Enter a name of at most 200 characters."
    } else if name.trim().chars().any(text::is_unwanted_in_a_value) {
        "This name holds characters that nobody sees or that turn the text around it. Type it anew, on one line."
    } else if name.split_whitespace().any(text::mixes_alphabets) {
        "This name mixes letters of several alphabets that look alike. Type it anew, as its holder writes it."
    } else if !has_letter {
        "Enter the name by which colleagues know this person, with at least one letter."
    } else {
        return;
    };
    problems.push(FieldProblem::new("name", message));
}

fn check_password(password: &SecretString, (email, name): (&str, &str), problems: &mut Vec<FieldProblem>) {
    let given = password::prepared(password);
    let password = given.expose_secret();
    let message = if password.chars().any(|c| c.is_control() || text::is_unwanted(c)) {
        "Choose a password without line ends, tabs and other characters that nobody sees: many keyboards cannot type them."
            .to_owned()
    } else if password.chars().count() < password::SHORTEST {
        format!("Choose a password of at least {} characters.", password::SHORTEST)
    } else if password.len() > password::LONGEST {
        format!("Choose a password of at most {} bytes.", password::LONGEST)
    } else if [email.trim(), name.trim()].iter().any(|known| known.eq_ignore_ascii_case(password)) {
        "Choose a password that is neither the name nor the email.".to_owned()
    } else {
        return;
    };
    problems.push(FieldProblem { field: "password", message });
}

impl FieldProblem {
    /// A problem with a field, and what would be right.
    pub fn new(field: &'static str, message: &str) -> Self {
        Self { field, message: message.to_owned() }
    }
}

impl AccountError {
    /// One field does not hold.
    pub(super) fn at(field: &'static str, message: &str) -> Self {
        Self::Invalid(vec![FieldProblem::new(field, message)])
    }

    /// The email is another account's. Whoever is told need not know of that account.
    pub(super) fn email_is_taken() -> Self {
        Self::at("email", "Another account has this email.")
    }

    /// The email is that of an account that is disabled, as a practice manager is told.
    pub(super) fn email_is_disabled(holder: &User) -> Self {
        let name = &holder.name;
        Self::at("email", &format!("{name}’s account has this email and is disabled. Enable it under People instead."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_a_form_is_named() {
        let check = |email: &str, name: &str, password: &str, expected: &[&str]| {
            let new = NewUser {
                email: email.to_owned(),
                name: name.to_owned(),
                role: Role::PracticeManager,
                password: Some(password.into()),
            };
            let fields: Vec<&str> = match new.check() {
                Ok(_) => Vec::new(),
                Err(AccountError::Invalid(problems)) => problems.iter().map(|problem| problem.field).collect(),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(fields, expected, "{email} {name}");
        };
        check(" pat.lee@example.com ", "Pat Lee", "correct horse battery", &[]);
        check("pat.lee", " ", "short", &["email", "name", "password"]);
        check("pat.lee@example.com", "Pat\nLee", "pat.lee@example.com", &["name", "password"]);
        check("pat.lee@example.com", "Pat Lee", &"x".repeat(2000), &["password"]);
        check("pat.lee@example.com", "Pat Lee", "correct horse\0battery", &["password"]);
        check("pat.lee@example.com", "Pat Lee", "correct horse\nbattery", &["password"]);
        // Letters that look alike, and those that nobody sees.
        check("p\u{430}t.lee@example.com", "Pat Lee", "correct horse battery", &["email"]);
        check("pat.lee@ex\u{430}mple.com", "Pat Lee", "correct horse battery", &["email"]);
        check("pat\u{202e}lee@example.com", "Pat\u{200b} Lee", "correct horse battery", &["email", "name"]);
        check("ｐａｔ.lee@example.com", "王小明", "correct horse battery", &[]);
        check("pat.lee@example.com", "\u{3164}", "correct horse battery", &["name"]);
        check("pat.lee@example.com", "… 12", "correct horse battery", &["name"]);
        check("pat.lee@xn--a.example", "Pat Lee", "correct horse battery", &["email"]);
        check(&format!("pat@{}.example", "b".repeat(64)), "Pat Lee", "correct horse battery", &["email"]);
        for unseen in ["Pat\u{115f}Lee", "Pat\u{1160}Lee", "Pat\u{3164}Lee", "Pat\u{ffa0}Lee", "Pat\u{2800}Lee"] {
            check("pat.lee@example.com", unseen, "correct horse battery", &["name"]);
        }
        check("pat.lee@example.com", "Pat\u{202e}eeL", "correct horse battery", &["name"]);
    }
}
