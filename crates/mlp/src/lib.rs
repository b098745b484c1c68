//! Fully connected networks.
