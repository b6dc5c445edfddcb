"""Commands: one Typer sub-app per noun. They parse, make one call and print; heavy imports wait inside functions."""
