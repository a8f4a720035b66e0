//! Whom an event is about: the client that its sender names, or the one that its data is of.

use crate::domain::ExternalId;
use crate::domain::field::FieldError;
use crate::domain::fold::fold;
use crate::domain::note::Event;
use crate::pack::events::Members;
use crate::pack::{About, EventType};
use crate::store::book::HouseholdRow;

/// The CRM's id of the client that an event of this type is about; none where it is about the household. Its data is looked
/// at only where that fits the type.
pub(super) fn whom(
    event: &Event,
    event_type: &EventType,
    household: &HouseholdRow,
    fits_its_type: bool,
) -> Result<Option<ExternalId>, FieldError> {
    let named = client(event, household)?;
    if let Some(members) = event_type.members() {
        return of_groups(event, members, household, named, fits_its_type);
    }
    match (event_type.about, named, household.people.as_slice()) {
        (About::Household, Some(_), _) => {
            let message = format!("must be left out: `{}` is about the household as a whole", event.event_type);
            Err(FieldError::new("/client_id", message))
        }
        (About::Client, None, [one]) => Ok(Some(one.client.external_id.clone())),
        (About::Client, None, _) => {
            let message = format!("is missing: `{}` is about one client of the household", event.event_type);
            Err(FieldError::new("/client_id", message))
        }
        (_, named, _) => Ok(named),
    }
}

/// The CRM's id of the client whom the sender names; none where nobody is named.
pub(super) fn client(event: &Event, household: &HouseholdRow) -> Result<Option<ExternalId>, FieldError> {
    let Some(client_id) = event.client_id else { return Ok(None) };
    let member = household.household.members.iter().find(|member| member.client_id == client_id);
    let member = member.ok_or_else(|| {
        FieldError::new("/client_id", format!("{client_id} is no client of the household {}", event.household_id))
    })?;
    Ok(Some(member.external_id.clone()))
}

/// An event with a group of data for each person has those of its household: all, or the one that it was with, who is
/// answered.
fn of_groups(
    event: &Event,
    members: &Members,
    household: &HouseholdRow,
    named: Option<ExternalId>,
    fits_its_type: bool,
) -> Result<Option<ExternalId>, FieldError> {
    let Some(groups) = event.data[&members.name].as_array() else { return Ok(named) };
    let pointer = format!("/data/{}", members.name);
    if named.is_some() && groups.len() > 1 {
        let message = "must be left out: with data of more than one client, it is about the household";
        return Err(FieldError::new("/client_id", message));
    }
    if named.is_some() || !fits_its_type {
        return Ok(named);
    }
    match (groups.as_slice(), household.people.as_slice()) {
        (groups, people) if groups.len() > people.len() => {
            let place = format!("{pointer}/{}", people.len());
            let message = match people.len() {
                1 => "must be left out: the household has no partner".to_owned(),
                count => format!("must be left out: the household has {count} people"),
            };
            Err(FieldError::new(&place, message))
        }
        ([group], [_, _, ..]) => {
            let name = fold(group[&members.person].as_str().unwrap_or_default().trim());
            let named = household.people.iter().find(|person| fold(&person.client.full_name()) == name);
            let message =
                "has one client and the household has two: add the partner, or say in `client_id` whom it is about";
            let named = named.ok_or_else(|| FieldError::new(&pointer, message))?;
            Ok(Some(named.client.external_id.clone()))
        }
        _ => Ok(None),
    }
}
