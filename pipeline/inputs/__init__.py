"""The content of everything that stages read outside the repository, as small files for DVC."""
