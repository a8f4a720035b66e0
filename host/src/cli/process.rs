//! Limits of what this process may leave behind: files for their owner alone, its memory nowhere, and no words of a
//! panic.

use crate::telemetry;

/// Closes what the system leaves open, before anything else is done.
#[expect(unsafe_code, reason = "the system's calls have no safe interface here")]
pub(super) fn close() {
    telemetry::keep_panics_out();
    // Whatever is made from here on (store, uploads, socket, secrets) is for its owner alone from its first moment.
    // SAFETY: sets a number of this process, which no other thread can be reading: there is none yet.
    let given = unsafe { libc::umask(0o077) };
    // What the CRM's system fetches from a folder is for others, as far as the operator's umask lets it be.
    crate::crm::rights::give_by(given);
    // A core dump would hold every secret.
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `none` is a limit and lives until the call is over.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
    // Nor may another program of the same user read its memory, or the environment with the key.
    #[cfg(target_os = "linux")]
    // SAFETY: sets a flag of this process.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0)
    };
}
