//! One site: exchanges with it, signed in, and reads that are repeated where that may help.
//!
//! Serves the rest of `xplan`. It never knows what an answer holds.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::answer::Answer;
use super::kind::Gateway;
use super::limits::Limits;
use super::session::{Basic, Session, Ticket};
use super::status::passed;
use super::transport::{ApiCall, Transport};
use crate::crm::budget::{Allotment, Budget};
use crate::crm::sizes::Found;
use crate::crm::spec::SiteAccess;
use crate::crm::{CrmError, SiteUnusable, Tokens};

/// A site and the session there.
pub(super) struct Site {
    pub(super) transport: Transport,
    session: Session,
    is_gateway: bool,
    /// The sizes that the site gives at once.
    pub(super) sizes: Found,
    budget: Budget,
    /// Rows that failed by themselves since the last page.
    pub(super) rows_failed: AtomicUsize,
    /// The lists that came for somebody since this process began.
    lists_that_come: Mutex<BTreeSet<String>>,
}

impl Site {
    /// A site that is ready to call; nothing is sent yet.
    pub(super) fn new(
        access: &SiteAccess,
        tokens: Option<Arc<dyn Tokens>>,
        limits: Limits,
    ) -> Result<Self, SiteUnusable> {
        let gateway = Gateway::of(&access.spec);
        let budget = Budget::new(limits.page_bytes, limits.pages_held, limits.largest_alone);
        Ok(Self {
            transport: Transport::new(access, gateway.as_ref(), limits)?,
            session: Session::new(access, tokens)?,
            is_gateway: gateway.is_some(),
            sizes: Found::default(),
            budget,
            rows_failed: AtomicUsize::new(0),
            lists_that_come: Mutex::default(),
        })
    }

    /// Reads: asks again where that may help.
    pub(super) async fn read(&self, call: &ApiCall) -> Result<Answer, CrmError> {
        self.read_within(call, usize::MAX).await
    }

    /// Reads: after failures on the way or in the CRM asks again so often at most.
    pub(super) async fn read_within(&self, call: &ApiCall, repeats: usize) -> Result<Answer, CrmError> {
        let ask = || async {
            let answer = self.signed(call).await?;
            match answer.status {
                204 if call.may_be_nothing => Ok(Answer { body: Bytes::from_static(b"[]"), ..answer }),
                _ => passed(answer),
            }
        };
        let Transport { limits, traffic, released, .. } = &self.transport;
        limits.retry.run(traffic, released, call.is_awaited, repeats, ask).await
    }

    /// The number of bytes that the pages hold, or have been allotted.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.budget.taken(self.transport.limits.pages_held as usize)
    }

    /// The room for a page's answers, or for those of one record that somebody waits for.
    pub(super) async fn room(&self, is_awaited: bool) -> Option<Arc<Allotment>> {
        self.budget.allot(is_awaited).await.map(Arc::new)
    }

    /// The lists that came for somebody since this process began.
    pub(super) fn lists_that_come(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.lists_that_come.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One exchange within the session, signing in first or again where needed; any answer but "sign in". A gateway
    /// keeps no sessions: each call carries the name and password, or the token.
    pub(super) async fn signed(&self, call: &ApiCall) -> Result<Answer, CrmError> {
        if let Some(basic) = self.signs_each_call() {
            return self.transport.exchange(call, basic.credential()?).await;
        }
        let mut ticket = self.ticket(None).await?;
        let mut answer = self.transport.exchange(call, &ticket.credential).await?;
        for _ in 0..self.session.renewals() {
            if answer.status != 401 {
                return Ok(answer);
            }
            ticket = self.ticket(Some(ticket.number)).await?;
            answer = self.transport.exchange(call, &ticket.credential).await?;
        }
        match (&self.session, answer.status) {
            (Session::Basic(_), 401) => {
                let message = "every session ended at once; does somebody else sign in as the same user?".to_owned();
                Err(CrmError::Unauthorised { status: 401, message })
            }
            _ => Ok(answer),
        }
    }

    /// Sees to it that a call can be signed, so that what fails later is the call.
    pub(super) async fn ready(&self) -> Result<(), CrmError> {
        match self.signs_each_call() {
            Some(basic) => basic.credential().map(drop),
            None => self.ticket(None).await.map(drop),
        }
    }

    /// The sign-in by which each call is signed where there are no sessions.
    fn signs_each_call(&self) -> Option<&Basic> {
        match &self.session {
            Session::Basic(basic) if self.is_gateway => Some(basic),
            _ => None,
        }
    }

    /// The ticket to sign with that is not number `stale`, signing in or renewing where there is none.
    pub(super) async fn ticket(&self, stale: Option<u64>) -> Result<Ticket, CrmError> {
        self.session.ticket(&self.transport, stale).await
    }

    /// Ends the session. What the site says to that changes nothing.
    pub(super) async fn sign_out(&self) {
        if let Some(ticket) = self.session.end() {
            let _ = self.transport.exchange(&ApiCall::delete("/resourceful/session"), &ticket.credential).await;
        }
    }
}
