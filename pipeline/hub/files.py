"""Named files of a source: a folder itself, or the Hugging Face Hub's cache."""

import logging
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, errors, snapshot_download
from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

from pipeline.errors import InputError, RunError
from pipeline.files import note
from pipeline.hub.names import (
    PICKLES,
    SAFETENSORS,
    Kind,
    is_commit,
    require_hub_id,
)
from pipeline.hub.network import OFFLINE, Failure, failure_of
from pipeline.hub.soundness import damaged, matching, refuse_pointers
from pipeline.params.text import Source


def fetch(source: Source, files: Sequence[str], *, kind: Kind, key: str) -> Path:
    """Return a folder with those of the named files that a source has.

    `files` are paths in the repository; * matches anything. Only these are downloaded, at the
    source's revision. Files that were downloaded before are not downloaded again, and are
    available offline; a damaged one is downloaded again. `key` is the parameter that names the
    source.

    Raises:
        InputError: there is no such folder, repository or revision, a file is a pointer of Git
            LFS, or the settings of the network cannot work.
        RunError: the Hub cannot be reached, and its cache lacks the files.
    """
    folder, failure = _fetched(source, files, kind=kind, key=key)
    _warn(source, failure, key=key)
    return folder


def fetch_model(source: Source, files: Sequence[str], *, key: str) -> Path:
    """Return a folder with the named files of a model and its weights, if possible safetensors.

    Raises as `fetch`.
    """
    for weights in (SAFETENSORS, PICKLES):
        folder, failure = _fetched(source, (*files, *weights), kind="model", key=key)
        if any(matching(folder, weights)):
            break
    else:
        if failure:
            raise _not_there(source, key, failure)
    _warn(source, failure, key=key)
    note(matching(folder, (*files, *weights)))
    return folder


def _fetched(
    source: Source, files: Sequence[str], *, kind: Kind, key: str
) -> tuple[Path, Failure | None]:
    """Return the folder of `fetch`, and why it is the cache's if the Hub failed."""
    if source.is_folder:
        refuse_pointers(matching(Path(source.path), files), place=f"params.yaml: {key}")
        return Path(source.path), None
    folder, failure = _downloaded(source, files, kind=kind, key=key)
    if failure and not any(matching(folder, files)):
        raise _not_there(source, key, failure)
    broken = damaged(matching(folder, files))
    for path in broken:
        found = f"{key}: {source.path}: a damaged file in the cache, {path}"
        if failure:
            raise RunError(f"{found}; it cannot be downloaded again: {failure.reason}")
        _log(f"{found}, is downloaded again")
        path.resolve().unlink()
        path.unlink()
    return _downloaded(source, files, kind=kind, key=key) if broken else (folder, failure)


def _downloaded(
    source: Source, files: Sequence[str], *, kind: Kind, key: str
) -> tuple[Path, Failure | None]:
    """Download the files that the cache lacks; return their folder, and why the Hub failed."""
    commit, failure = _commit(source, kind, key)
    # Datasets have our own progress bar; a backbone's gigabyte gets the client's.
    if kind == "dataset" or not os.isatty(2):
        disable_progress_bars()
    try:
        folder = snapshot_download(
            source.path, repo_type=kind, revision=commit or source.revision,
            allow_patterns=list(files), local_files_only=commit is None,
        )  # fmt: skip
    except errors.LocalEntryNotFoundError as error:
        raise _not_there(source, key, failure or failure_of(error.__cause__ or error)) from None
    except Exception as error:  # its client raises many kinds
        reason = failure_of(error).reason
        raise RunError(f"{key}: {source.path} cannot be downloaded: {reason}") from None
    return Path(folder), failure


def commit_of(source: Source, *, kind: Kind, key: str) -> str:
    """Return the commit of a Hub repository that `fetch` reads.

    If the Hub does not answer, this is the commit that it named last, from its cache.

    Raises:
        InputError: there is no such repository or revision.
        RunError: the Hub cannot be reached, and has never named a commit.
    """
    commit, failure = _commit(source, kind, key)
    if commit is None:
        try:
            last = HfApi().resolve_revision(
                source.path, repo_type=kind, revision=source.revision, local_files_only=True
            )
        except errors.RevisionResolutionError:
            raise _not_there(source, key, failure or Failure("nothing")) from None
        commit = last.resolved
        _warn(source, failure, key=key)
    return commit


def pinned(source: Source, *, kind: Kind, key: str) -> dict[str, str]:
    """Return the `commit` that stands for a source's revision now; nothing for a folder.

    Raises as `commit_of`.
    """
    return {} if source.is_folder else {"commit": commit_of(source, kind=kind, key=key)}


class _Hub(HfApi):
    """The Hub, which gets ten seconds to name a commit."""

    def repo_info(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        return super().repo_info(*arguments, **options | {"timeout": 10})


@cache
def _commit(source: Source, kind: Kind, key: str) -> tuple[str | None, Failure | None]:
    """Return the commit of a revision, or None and the reason if the Hub does not answer."""
    require_hub_id(source, kind=kind, key=key)
    # It warns about every retry, in addition to the one line of an error.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    place, revision, hub = f"params.yaml: {key}", source.revision, _Hub()
    try:
        if is_commit(revision):
            hub.repo_info(source.path, repo_type=kind, revision=revision)
        # This notes in the Hub's cache what a branch was, for the time without a network.
        found = hub.resolve_revision(source.path, repo_type=kind, revision=revision)
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
    except errors.RevisionResolutionError as error:
        return None, failure_of(error.__cause__ or error)
    except Exception as error:  # its client raises many kinds
        return None, failure_of(error)
    return found.resolved, None


def _not_there(source: Source, key: str, failure: Failure) -> InputError | RunError:
    kind = InputError if failure.lasts else RunError
    return kind(
        f"{key}: expected {source.path} on the Hugging Face Hub (there is no such folder), "
        f"found {failure.reason}"
    )


def _warn(source: Source, failure: Failure | None, *, key: str) -> None:
    if failure and failure.reason != OFFLINE:
        _log(f"{key}: {source.path} is read from the cache: the Hub gives {failure.reason}")


@cache
def _log(line: str) -> None:
    """Warn once: a stage fetches the files of a source in several steps."""
    logging.getLogger(__name__).warning(line)
