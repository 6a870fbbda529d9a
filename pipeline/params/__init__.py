"""params.yaml as frozen, strict models; every error names its key."""
