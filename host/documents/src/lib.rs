//! Makes tagged PDF documents from a pack's templates.
