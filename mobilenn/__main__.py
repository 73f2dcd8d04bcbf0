"""`python -m mobilenn`."""

from mobilenn.cli.main import main

main()
