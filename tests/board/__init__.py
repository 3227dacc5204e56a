"""The board: its pages, and who may see them."""
