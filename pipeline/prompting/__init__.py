"""The paper's parts: template, verbalizer, soft prompt, prompt translator and losses."""
