//! Stage 4: Recorded -> Reply; pool, TLS, credentials, retry, circuit breaker.
