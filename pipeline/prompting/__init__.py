"""The paper's parts: template, verbalizer, soft prompt, backbone and losses."""
