"""The command line: a command parses, calls one function, prints, and names the next command."""
