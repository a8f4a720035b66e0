//! What a practice, a client, a household and a file note are.
