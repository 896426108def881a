//! Whole runs, small ones.
