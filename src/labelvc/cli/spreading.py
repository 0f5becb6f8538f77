"""Where a command's work is done: `--executor` and `--scheduler`, made into workers."""

from __future__ import annotations

import importlib

import click

from labelvc.cli.context import Settings, environment
from labelvc.store import git as plumbing
from labelvc.store.git import Git


def repository(settings: Settings) -> Git:
    """Find the repository a command works in, with the workers that it was asked to use; they are let go when it ends.

    Args:
        settings: the global options.

    Returns:
        The repository; its workers are reached when there is work for them.

    Raises:
        UsageError: options that do not fit together.
        ConfigurationError: no such executor.
        StoreError: no repository.
    """
    name = settings.executor or "processes"
    if name == "processes" and settings.scheduler:
        raise click.UsageError("--scheduler says where a Dask scheduler is: add --executor dask, or leave it away")
    address = settings.scheduler or environment("LABELVC_SCHEDULER") or ""
    if name == "dask" and not address:
        raise click.UsageError("--executor dask needs --scheduler ADDR, such as tcp://localhost:8786")
    git = plumbing.find(settings.directory)
    if name == "processes":
        return git
    executor = importlib.import_module("labelvc.store.executors").find(name, address)
    return git._replace(far=click.get_current_context().with_resource(executor))
