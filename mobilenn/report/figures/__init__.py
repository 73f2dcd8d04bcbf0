"""Figures as inline SVG: text stays text, colours are the page's own, the same report gives the same bytes."""
