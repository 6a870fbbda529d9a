"""The masked language model and its tokenizer."""
