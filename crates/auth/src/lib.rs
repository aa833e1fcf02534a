//! Stage 1: Received -> Authenticated; credential to principal (JWT, JWKS), roles, throttling.
