//! What an identity provider's groups make of somebody's account. Pure: the store asks within the transaction that acts on it.
//!
//! Groups that were not sent are not no groups: a provider that leaves them out (because there are too many, or because it
//! was not set up to send them) takes nothing from anybody and gives nobody anything.

use super::Role;

/// What is worth a practice manager's look about the groups of a sign-in: the account stayed as it was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GroupsNote {
    /// The provider said that there are more groups than it sends.
    TooMany,
    /// The provider sent no groups.
    Absent,
    /// The provider sent something else than a list of names.
    Unreadable,
    /// The groups give no practice manager's role, and nobody else could manage the practice.
    LastManager,
}

impl GroupsNote {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::TooMany, Self::Absent, Self::Unreadable, Self::LastManager];

    /// The reason as a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::TooMany => {
                "The identity provider has more groups for this account than it sends, and sent none of them. Have it send \
                 only the groups that this application is assigned to."
            }
            Self::Absent => {
                "The identity provider sent no groups. Have it send them, in the claim that the settings name."
            }
            Self::Unreadable => {
                "What the identity provider sent as groups is no list of names. Check the claim that the settings name."
            }
            Self::LastManager => {
                "The groups of the identity provider make this account no practice manager, and it is the only one who can \
                 sign in: it stays one. Make somebody else a practice manager."
            }
        }
    }
}

/// The groups that a provider names for somebody who signs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Groups {
    /// The names; there may be none.
    Named(Vec<String>),
    /// It is not known which.
    Unknown(GroupsNote),
}

/// The role that each group gives.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct GroupRoles(Vec<(String, Role)>);

impl GroupRoles {
    /// Whether no group gives a role: roles are then managed in the practice alone.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What somebody's groups entitle them to. Of several roles it is the strongest: the first in the order of
    /// [`Role::ALL`]. Names are compared letter by letter.
    pub fn entitlement(&self, groups: &Groups) -> Entitlement {
        let named = match groups {
            _ if self.is_empty() => return Entitlement::NotManaged,
            Groups::Unknown(note) => return Entitlement::Unknown(*note),
            Groups::Named(named) => named,
        };
        let has = |role: &Role| self.0.iter().any(|(group, gives)| gives == role && named.contains(group));
        Role::ALL.into_iter().find(has).map_or(Entitlement::Nothing, Entitlement::Role)
    }
}

impl FromIterator<(String, Role)> for GroupRoles {
    fn from_iter<T: IntoIterator<Item = (String, Role)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// What somebody's groups entitle them to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entitlement {
    /// Roles are managed in the practice.
    NotManaged,
    /// A role.
    Role(Role),
    /// Nothing: no group gives a role.
    Nothing,
    /// It is not known.
    Unknown(GroupsNote),
}

/// How an account stands when its person comes from the provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The role that it has.
    pub role: Role,
    /// Whether it can be signed in with, or why not.
    pub door: Door,
    /// Whether the account is linked to the provider's by now, so that its groups are what counts.
    pub is_linked: bool,
    /// Whether nobody else could manage the practice.
    pub is_last_manager: bool,
}

/// Whether an account can be signed in with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// It can.
    Open,
    /// The provider's groups ended it, and give it back.
    EndedByGroups,
    /// A person disabled it.
    Disabled,
}

/// What becomes of an account whose person comes from the provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The person is let in.
    Enter {
        /// The role from now on.
        role: Role,
        /// What a practice manager is to look at.
        note: Option<GroupsNote>,
    },
    /// The rights end: sessions, tokens, the account.
    End,
    /// The person is not let in, and nothing changes.
    Refuse(Refused),
}

/// The reason why somebody who comes from the provider is not let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// A person disabled the account.
    Disabled,
    /// No group gives a role.
    NoGroup,
    /// It is not known which groups there are.
    Unknown(GroupsNote),
}

/// What becomes of an account.
pub fn verdict(entitlement: Entitlement, standing: Standing) -> Verdict {
    let Standing { role, door, is_linked, is_last_manager } = standing;
    let as_it_is = |note| Verdict::Enter { role, note };
    match (entitlement, door) {
        (_, Door::Disabled) | (Entitlement::NotManaged, Door::EndedByGroups) => Verdict::Refuse(Refused::Disabled),
        (Entitlement::NotManaged, Door::Open) => as_it_is(None),
        (Entitlement::Role(given), Door::Open) if is_last_manager && given != Role::PracticeManager => {
            as_it_is(Some(GroupsNote::LastManager))
        }
        (Entitlement::Role(role), _) => Verdict::Enter { role, note: None },
        (Entitlement::Nothing, Door::Open) if is_linked && is_last_manager => as_it_is(Some(GroupsNote::LastManager)),
        (Entitlement::Nothing, Door::Open) if is_linked => Verdict::End,
        (Entitlement::Nothing, _) => Verdict::Refuse(Refused::NoGroup),
        (Entitlement::Unknown(note), Door::Open) => as_it_is(Some(note)),
        (Entitlement::Unknown(note), Door::EndedByGroups) => Verdict::Refuse(Refused::Unknown(note)),
    }
}

/// The role of an account that is made for somebody who comes from the provider.
///
/// # Errors
/// Returns the reason why none is made.
pub fn role_of_new(entitlement: Entitlement) -> Result<Role, Refused> {
    match entitlement {
        Entitlement::Role(role) => Ok(role),
        Entitlement::Unknown(note) => Err(Refused::Unknown(note)),
        Entitlement::Nothing | Entitlement::NotManaged => Err(Refused::NoGroup),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> GroupRoles {
        let pairs = [
            ("Managers", Role::PracticeManager),
            ("Advisers", Role::Adviser),
            ("Help desk", Role::Support),
            ("Help desk 2", Role::Support),
            ("Auditors", Role::Compliance),
        ];
        pairs.into_iter().map(|(group, role)| (group.to_owned(), role)).collect()
    }

    #[test]
    fn of_several_groups_the_strongest_counts_and_groups_that_were_not_sent_are_not_none() {
        let check = |groups: &[&str], expected| {
            let named = Groups::Named(groups.iter().map(|group| (*group).to_owned()).collect());
            assert_eq!(roles().entitlement(&named), expected, "{groups:?}");
        };
        check(&["Help desk"], Entitlement::Role(Role::Support));
        check(&["Help desk", "Advisers", "Everybody"], Entitlement::Role(Role::Adviser));
        check(&["Auditors", "Help desk 2", "Managers"], Entitlement::Role(Role::PracticeManager));
        check(&["Auditors", "Help desk 2"], Entitlement::Role(Role::Support));
        check(&["managers", " Managers", "Managers "], Entitlement::Nothing);
        check(&[], Entitlement::Nothing);
        for note in GroupsNote::ALL {
            assert_eq!(roles().entitlement(&Groups::Unknown(note)), Entitlement::Unknown(note));
        }
        let named = Groups::Named(vec!["Managers".to_owned()]);
        assert_eq!(GroupRoles::default().entitlement(&named), Entitlement::NotManaged);
        assert_eq!(GroupRoles::default().entitlement(&Groups::Unknown(GroupsNote::Absent)), Entitlement::NotManaged);
    }

    #[test]
    fn what_becomes_of_an_account() {
        use Door::{Disabled, EndedByGroups, Open};
        use Entitlement::{NotManaged, Nothing, Role as Gives, Unknown};
        let (manager, adviser) = (Role::PracticeManager, Role::Adviser);
        let enter = |role, note| Verdict::Enter { role, note };
        let check = |entitlement, role, door, is_last_manager, expected| {
            let standing = Standing { role, door, is_linked: true, is_last_manager };
            assert_eq!(verdict(entitlement, standing), expected, "{entitlement:?} {standing:?}");
        };
        let (too_many, absent) = (GroupsNote::TooMany, GroupsNote::Absent);
        check(Gives(adviser), adviser, Open, false, enter(adviser, None));
        check(Gives(manager), adviser, Open, false, enter(manager, None));
        check(Gives(adviser), manager, Open, false, enter(adviser, None));
        check(Gives(adviser), manager, Open, true, enter(manager, Some(GroupsNote::LastManager)));
        check(Gives(manager), manager, Open, true, enter(manager, None));
        check(Gives(adviser), manager, EndedByGroups, false, enter(adviser, None));
        check(Gives(manager), manager, Disabled, false, Verdict::Refuse(Refused::Disabled));
        check(Nothing, adviser, Open, false, Verdict::End);
        check(Nothing, manager, Open, false, Verdict::End);
        check(Nothing, manager, Open, true, enter(manager, Some(GroupsNote::LastManager)));
        check(Nothing, adviser, EndedByGroups, false, Verdict::Refuse(Refused::NoGroup));
        check(Nothing, adviser, Disabled, false, Verdict::Refuse(Refused::Disabled));
        check(Unknown(too_many), manager, Open, false, enter(manager, Some(too_many)));
        check(Unknown(absent), adviser, Open, false, enter(adviser, Some(absent)));
        check(Unknown(too_many), adviser, EndedByGroups, false, Verdict::Refuse(Refused::Unknown(too_many)));
        check(Unknown(too_many), adviser, Disabled, false, Verdict::Refuse(Refused::Disabled));
        check(NotManaged, adviser, Open, false, enter(adviser, None));
        check(NotManaged, adviser, EndedByGroups, false, Verdict::Refuse(Refused::Disabled));
        // Who was never linked is no account of the provider's: its groups end nothing.
        let unlinked = Standing { role: adviser, door: Open, is_linked: false, is_last_manager: false };
        assert_eq!(verdict(Nothing, unlinked), Verdict::Refuse(Refused::NoGroup));
        let manager_unlinked = Standing { role: manager, is_last_manager: true, ..unlinked };
        assert_eq!(verdict(Nothing, manager_unlinked), Verdict::Refuse(Refused::NoGroup));
        assert_eq!(verdict(Gives(manager), unlinked), enter(manager, None));
        assert_eq!(verdict(Unknown(absent), unlinked), enter(adviser, Some(absent)));
    }

    #[test]
    fn an_account_is_made_for_a_known_role_alone() {
        assert_eq!(role_of_new(Entitlement::Role(Role::Support)), Ok(Role::Support));
        assert_eq!(role_of_new(Entitlement::Nothing), Err(Refused::NoGroup));
        assert_eq!(role_of_new(Entitlement::NotManaged), Err(Refused::NoGroup));
        let unknown = GroupsNote::Absent;
        assert_eq!(role_of_new(Entitlement::Unknown(unknown)), Err(Refused::Unknown(unknown)));
    }
}
