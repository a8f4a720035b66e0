//! Iress Xplan.
