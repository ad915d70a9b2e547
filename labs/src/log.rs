//! The input log as text: a header line with the machine, then one console line a step.
