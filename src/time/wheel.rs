//! Many deadlines on packet time at constant cost.
