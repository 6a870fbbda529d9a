"""A trained method as a folder that `transformers` loads."""
