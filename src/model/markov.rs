//! The order-1 Markov baseline.
