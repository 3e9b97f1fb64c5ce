"""The pages that PDF files and pictures are drawn on."""
