//! Which resource a path names.

/// The lists below a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Contact,
    Address,
    Goals,
    Insurance,
}

impl List {
    pub(crate) const ALL: [Self; 4] = [Self::Contact, Self::Address, Self::Goals, Self::Insurance];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "contact" => Self::Contact,
            "address" => Self::Address,
            "goals" => Self::Goals,
            "insurance_group" => Self::Insurance,
            _ => return None,
        })
    }
}

/// A resource of the site.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Batch,
    Session,
    SessionUser,
    Capabilities,
    SiteInfo,
    Clients,
    Client(u32),
    ClientList(u32, List),
    ClientListRow(u32, List, u32),
    Users,
    User(u32),
    Groups,
    GroupUsers(u32),
    Choices(&'a str, &'a str),
    Notes,
    Note(u32),
    Attachments(u32),
    Attachment(u32, u32),
}

impl<'a> Route<'a> {
    /// The resource at `path`, if this version of the site has it.
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        let mut parts = [""; 6];
        let mut count = 0;
        for part in path.strip_prefix("/resourceful")?.split('/').filter(|part| !part.is_empty()) {
            *parts.get_mut(count)? = part;
            count += 1;
        }
        Some(match &parts[..count] {
            [] => Self::Batch,
            ["session"] => Self::Session,
            ["session", "user"] => Self::SessionUser,
            ["session", "capability"] => Self::Capabilities,
            ["site"] => Self::SiteInfo,
            ["ufield", group, field, "choice"] => Self::Choices(group, field),
            ["entity", "group"] => Self::Groups,
            ["entity", "group", id, "user"] => Self::GroupUsers(number(id)?),
            ["entity", kind, rest @ ..] if is_version_of(kind, "client", 4) => match rest {
                [] => Self::Clients,
                [id] => Self::Client(number(id)?),
                [id, list] => Self::ClientList(number(id)?, List::named(list)?),
                [id, list, row] => Self::ClientListRow(number(id)?, List::named(list)?, number(row)?),
                _ => return None,
            },
            ["entity", kind, rest @ ..] if is_version_of(kind, "user", 2) => match rest {
                [] => Self::Users,
                [id] => Self::User(number(id)?),
                _ => return None,
            },
            ["docnote-v2", rest @ ..] => match rest {
                [] => Self::Notes,
                [id] => Self::Note(number(id)?),
                [id, "attachment-v3"] => Self::Attachments(number(id)?),
                [id, "attachment-v3", attachment] => Self::Attachment(number(id)?, number(attachment)?),
                _ => return None,
            },
            _ => return None,
        })
    }
}

fn number(part: &str) -> Option<u32> {
    part.parse().ok()
}

/// `client`, or `client-v2` up to the newest.
fn is_version_of(part: &str, kind: &str, newest: u32) -> bool {
    match part.strip_prefix(kind) {
        Some("") => true,
        Some(version) => {
            version.strip_prefix("-v").and_then(number).is_some_and(|version| (2..=newest).contains(&version))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resources() {
        let check = |path, expected| assert_eq!(Route::of(path), expected, "{path}");
        check("/resourceful", Some(Route::Batch));
        check("/resourceful/entity/client-v4", Some(Route::Clients));
        check("/resourceful/entity/client/7", Some(Route::Client(7)));
        check("/resourceful/entity/client-v3/7/goals", Some(Route::ClientList(7, List::Goals)));
        check("/resourceful/entity/client-v5", None);
        check("/resourceful/entity/client-v4/x", None);
        check("/resourceful/entity/client-v4/7/pets", None);
        check("/resourceful/ufield/entity/title/choice", Some(Route::Choices("entity", "title")));
        check("/resourceful/docnote-v2/9001/attachment-v3", Some(Route::Attachments(9001)));
        check("/other", None);
        check("/resourceful/a/b/c/d/e/f/g/h", None);
    }
}
