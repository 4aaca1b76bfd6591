"""The project's commands; they need nothing but Python's standard library."""
