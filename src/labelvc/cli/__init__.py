"""Words: Click commands, terminal, environment, clock, exit codes and rendering."""
