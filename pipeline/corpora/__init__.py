"""Text: the sources, the few-shot splits, the parallel pairs."""
