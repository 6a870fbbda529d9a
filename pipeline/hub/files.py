"""Named files of a source: a folder itself, or the Hugging Face Hub's cache."""

import logging
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from huggingface_hub import HfApi, errors, snapshot_download
from huggingface_hub.utils import disable_progress_bars, httpx  # type: ignore[attr-defined]

from pipeline.errors import InputError, RunError
from pipeline.params.text import Source

Kind = Literal["dataset", "model"]


def fetch(source: Source, files: Sequence[str], *, kind: Kind, key: str) -> Path:
    """Return a folder with those of the named files that a source has.

    `files` are paths in the repository; * matches anything. Only these are downloaded, at the
    source's revision. Files that were downloaded before are not downloaded again, and are
    available offline. `key` is the parameter that names the source.

    Raises:
        InputError: there is no such folder, repository or revision.
        RunError: the Hub cannot be reached.
    """
    if source.is_folder:
        return Path(source.path)
    if source.path.startswith((".", "/", "~")) or source.path.count("/") > 1:
        raise InputError(f"params.yaml: {key}.path: expected a folder, found no {source.path}")
    # It warns about every retry, in addition to the one line of an error.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    # Datasets have our own progress bar; a backbone's gigabyte gets the client's.
    if kind == "dataset" or not os.isatty(2):
        disable_progress_bars()
    commit, failure = _commit(source, kind, key)
    try:
        folder = snapshot_download(
            source.path, repo_type=kind, revision=commit or source.revision,
            allow_patterns=list(files), local_files_only=commit is None,
        )  # fmt: skip
    except errors.LocalEntryNotFoundError as error:
        raise RunError(
            f"{key}: expected {source.path} on the Hugging Face Hub (there is no such folder), "
            f"found {failure or error}"
        ) from None
    except (OSError, httpx.HTTPError) as error:
        raise RunError(f"{key}: {source.path} cannot be downloaded: {error}") from None
    return Path(folder)


@cache
def _commit(source: Source, kind: Kind, key: str) -> tuple[str | None, str]:
    """Return the commit of a revision, or None and the reason if the Hub does not answer."""
    place, revision = f"params.yaml: {key}", source.revision
    try:
        info = HfApi().repo_info(source.path, repo_type=kind, revision=revision, timeout=10)  # s
    except errors.RevisionNotFoundError:
        raise InputError(
            f"{place}.revision: expected a revision of {source.path} on the Hub, "
            f"found {revision}, which it lacks"
        ) from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise InputError(
            f"{place}.path: expected a folder, or a {kind} on the Hub that is open to you, "
            f"found neither at {source.path}"
        ) from None
    except errors.OfflineModeIsEnabled:
        return None, "the network switched off (HF_HUB_OFFLINE)"
    except errors.HfHubHTTPError as error:
        return None, f"an error of the Hub, status {error.response.status_code}"
    except httpx.HTTPError as error:
        return None, f"no connection: {error}"
    return info.sha, ""
