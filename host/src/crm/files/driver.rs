//! The driver of a CRM that is read from files, which makes what reads a folder.

use std::sync::Arc;

use super::{Files, KIND};
use crate::crm::driver::CrmDriver;

/// The driver of a CRM by files.
pub static DRIVER: CrmDriver = CrmDriver {
    kind: &KIND,
    authorisation: |_| Ok(None),
    connector: |access, _, _| Ok(Arc::new(Files::new(&access.spec))),
};
