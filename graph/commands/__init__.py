"""Parts of the motcua command: what operators type, and how answers look in a terminal."""
