"""Renderers: an answer in, blocks, files or pictures out. Each asks for its library when used."""
