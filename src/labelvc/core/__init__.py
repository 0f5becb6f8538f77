"""Rules: pure functions over model values; no disk, no git, no clock."""
