//! The driver of Xplan, which makes what speaks to a site: the connector of its dialect, and OAuth where somebody
//! authorises the host.

use std::sync::Arc;

use super::kind::{Gateway, KIND};
use super::{Limits, Open, Xplan, oauth};
use crate::crm::driver::CrmDriver;

/// The driver of Iress Xplan.
pub static DRIVER: CrmDriver = CrmDriver {
    kind: &KIND,
    authorisation: oauth::oauth,
    connector: |access, tokens, request_timeout| {
        let limits = Limits { exchange: request_timeout, ..Limits::default() };
        Ok(match Gateway::of(&access.spec) {
            Some(gateway) => Arc::new(Open::new(access, &gateway, tokens, limits)?),
            None => Arc::new(Xplan::within(access, tokens, limits)?),
        })
    },
};
