//! The binary aegis: policy, stack, rescue, serve, admin, command line.
