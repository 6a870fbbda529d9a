"""The DAG of dvc.yaml on Ray: the one place that knows DVC's internals, and Ray's."""
