"""The parallel pairs (PAWS-15): drawn, translated by an engine, checked, kept in a journal."""
