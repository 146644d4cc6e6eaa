//! What the reader takes and what it refuses, each refusal by its code.
