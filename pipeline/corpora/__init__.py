"""Text: datasets, few-shot splits, the pool of English pairs, translations of a split."""
