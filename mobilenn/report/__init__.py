"""Evidence for people: report.html, report.md, report.json, model cards and the terminal's summary.

Importing this package loads none of its parts; matplotlib and jinja2 come in when a page is written.
"""
