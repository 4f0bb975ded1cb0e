//! The real binary, as people and scripts run it: what it prints, and how it
//! exits. Everything is on loopback and in folders of its own; only our own
//! children are killed, by their handles; nothing waits by sleeping.

mod clock;
mod data;
mod evidence;
mod help;
mod keys;
mod kill;
mod monitor;
mod recall;
mod receipts;
mod repair;
mod rotation;
mod session;
mod status;
mod support;
mod tls;
mod witness;
