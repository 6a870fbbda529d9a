"""Files of the Hugging Face Hub or of a folder."""
