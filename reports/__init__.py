"""What can be known without looking out of the window: values in, values or bytes out."""
