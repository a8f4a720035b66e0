//! Professionals who answer for a household by a person's choice.

use super::*;
use crate::domain::HouseholdId;
use crate::store::professionals::ChosenProfessional;

on_each_engine![a_choice_holds_for_its_household_until_it_is_taken_back];

async fn a_choice_holds_for_its_household_until_it_is_taken_back(on: On) {
    let place = on.place();
    let store = place.open();
    let household = |number| HouseholdId(Uuid::from_u128(number));
    let chosen = |id: &str| ChosenProfessional {
        external_id: ExternalId(id.to_owned()),
        chosen_by: "Pat Lee".to_owned(),
        chosen_at: Timestamp::from_second(7).unwrap(),
    };
    for choice in [Some(chosen("7")), Some(chosen("8")), None] {
        store.choose_professional(household(1), choice.clone()).await.unwrap();
        assert_eq!(store.chosen_professional(household(1)).await.unwrap(), choice);
        assert_eq!(store.chosen_professional(household(2)).await.unwrap(), None);
    }
}
