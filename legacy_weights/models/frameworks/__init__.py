"""From what a file states to a specification, one module a framework."""
