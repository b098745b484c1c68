//! Features of images that nobody learns.
