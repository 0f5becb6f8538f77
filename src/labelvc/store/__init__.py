"""Store: the outside world (git, DVC, disk, keys, workers); knows no rule of the project."""
