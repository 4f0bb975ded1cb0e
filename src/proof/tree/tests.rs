//! The tree against the published vectors and the definition.
