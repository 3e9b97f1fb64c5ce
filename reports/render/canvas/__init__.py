"""The PDF canvas and document that files and charts are drawn on."""
