"""One module per kind of alert; `registry.KINDS` lists them."""
