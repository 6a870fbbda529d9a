"""Machine translation: asked for politely, checked, and kept in a journal."""
