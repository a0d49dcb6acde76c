"""Charts as inline SVG: their colours are those of the page, in light, dark and print."""
