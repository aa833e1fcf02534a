//! Development only: mock providers, mock identity provider, real PostgreSQL starter, SSE scripts.
