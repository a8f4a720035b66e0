//! The users of the site and their groups.

use super::dice::{Dice, Purpose};
use super::model::{Text, User};
use super::names;

/// Number and name of each group of clients.
pub const GROUPS: &[(u32, &str)] =
    &[(11, "Practice Division A"), (12, "Practice Division B"), (13, "Aotearoa"), (14, "Risk only")];

/// The number of the first user.
pub(crate) const FIRST_USER: u32 = 501;

/// About one user to 150 clients, never fewer than 4 or more than 400.
pub(super) fn users(seed: u64, clients: u32) -> Vec<User> {
    (0..(clients / 150).clamp(4, 400))
        .map(|at| {
            let mut dice = Dice::new(seed, u64::from(at), Purpose::User);
            let id = FIRST_USER + at * 4;
            let pool = if dice.percent(50) { names::FEMALE } else { names::MALE };
            let first_name: Text = dice.pick(pool).into();
            let email = match dice.below(100) {
                0..5 => None,
                5..8 => Some("office@practice.example".into()),
                _ => Some(format!("adviser{id}@practice.example").into()),
            };
            let last_name = dice.pick(names::FAMILY).into();
            User { id, first_name, last_name, email, group: GROUPS[at as usize % GROUPS.len()].0 }
        })
        .collect()
}
