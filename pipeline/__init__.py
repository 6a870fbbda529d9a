"""Few-shot cross-lingual NLI with prompts: the library behind the DVC stages."""
