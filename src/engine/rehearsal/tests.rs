//! Stories against rules: what passes, and how each kind of difference is told.
