"""Acting: what a `command` fault does and looks at: programs that are run, and HTTP requests that are sent."""
