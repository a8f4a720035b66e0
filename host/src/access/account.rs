//! The rules for an account's email address, name and password.

use secrecy::{ExposeSecret as _, SecretString};

use crate::access::password;
use crate::domain::EmailAddress;
use crate::domain::access::Role;
use crate::domain::text::is_unwanted;
use crate::queue::NotDone;
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
    /// The password, at least 12 characters.
    pub password: SecretString,
}

/// A problem with one field of the form for an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldProblem {
    /// `email`, `name` or `password`.
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
    /// The email, where everything about the account holds.
    pub(super) fn check(&self) -> Result<EmailAddress, AccountError> {
        let mut problems = Vec::new();
        let mut problem = |field, message: &str| problems.push(FieldProblem { field, message: message.to_owned() });
        let email = EmailAddress::try_from(self.email.trim().to_owned());
        if email.is_err() {
            problem("email", "This is not an email address such as pat.lee@example.com.");
        }
        if self.name.trim().is_empty() {
            problem("name", "Enter the name by which colleagues know this person.");
        } else if self.name.chars().count() > 200 || self.name.chars().any(is_unwanted) {
            problem("name", "Enter a name of at most 200 characters, on one line.");
        }
        let password = self.password.expose_secret();
        if password.chars().count() < password::SHORTEST {
            problem("password", &format!("Choose a password of at least {} characters.", password::SHORTEST));
        } else if password.len() > password::LONGEST {
            problem("password", &format!("Choose a password of at most {} bytes.", password::LONGEST));
        } else if [self.email.trim(), self.name.trim()].iter().any(|known| known.eq_ignore_ascii_case(password)) {
            problem("password", "Choose a password that is neither the name nor the email.");
        }
        match email {
            Ok(email) if problems.is_empty() => Ok(email),
            _ => Err(AccountError::Invalid(problems)),
        }
    }

    /// The email is another account's.
    pub(super) fn email_is_taken() -> AccountError {
        AccountError::Invalid(vec![FieldProblem {
            field: "email",
            message: "Another account has this email.".to_owned(),
        }])
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
                password: password.into(),
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
    }
}
