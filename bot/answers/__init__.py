"""What the features share to answer a question: visibility, figures, files, answer messages."""
