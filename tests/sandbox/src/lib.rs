//! A stand-in Xplan site.
