//! Reading Xplan.
