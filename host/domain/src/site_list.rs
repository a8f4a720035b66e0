//! Lists of a CRM's site itself, such as the choices of a field, which mapping reads beside every record that asks for
//! them: one that had entries and comes empty once, or not at all, is used as it was.

/// A list as it came last with entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownList {
    /// The name by which the site knows it.
    pub name: String,
    /// The text, as it came.
    pub text: String,
    /// A complete walk found it empty: another that does proves that it is.
    pub may_be_empty: bool,
}

/// A list as it is in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListInForce {
    /// The name by which the site knows it.
    pub name: String,
    /// The text, as it came; none where it has no entries.
    pub text: Option<String>,
    /// The way in which it came now.
    pub came: Came,
}

/// The way in which a list came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Came {
    /// The list came as it is in force.
    AsItIs,
    /// The list came empty, or the site has none any more; what it held before is in force.
    Empty,
    /// The list did not come; what it held before is in force.
    Not,
}
