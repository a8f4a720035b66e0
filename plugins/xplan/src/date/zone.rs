//! The time zones of sites: by how much their clocks have been ahead of UTC, in any year since dates of birth matter.

/// Names of the time zone database, and offsets in minutes: standard time, summer time, and those of earlier years.
///
/// Which of them held on a day is not asked. Midnight in a zone's own time is looked for, and sites convert dates of
/// long ago by the rules of their own day as often as by today's: either way the day that begins is the same.
const ZONES: [(&str, &[u16]); 11] = [
    ("Australia/Adelaide", &[570, 630]),
    ("Australia/Brisbane", &[600, 660]),
    ("Australia/Broken_Hill", &[570, 630]),
    ("Australia/Darwin", &[570, 630]),
    ("Australia/Hobart", &[600, 660]),
    ("Australia/Lord_Howe", &[600, 630, 660, 690]),
    ("Australia/Melbourne", &[600, 660]),
    ("Australia/Perth", &[480, 540]),
    ("Australia/Sydney", &[600, 660]),
    // New Zealand's time was 11:30 ahead until 1945, with half an hour of summer time from 1928 and an hour before.
    ("Pacific/Auckland", &[690, 720, 750, 780]),
    ("Pacific/Chatham", &[735, 765, 825]),
];

/// A site's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zone {
    pub name: &'static str,
    /// Minutes ahead of UTC.
    pub offsets: &'static [u16],
}

impl Zone {
    /// The zone of a name.
    ///
    /// # Errors
    /// Which names there are.
    pub fn named(name: &str) -> Result<Self, String> {
        let known = ZONES.iter().find(|(known, _)| *known == name);
        known.map(|(name, offsets)| Self { name, offsets }).ok_or_else(|| {
            let names: Vec<&str> = ZONES.iter().map(|(name, _)| *name).collect();
            format!("“{name}” is no time zone that this plugin knows; the choices are {}.", names.join(", "))
        })
    }
}
