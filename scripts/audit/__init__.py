"""What the project is made of, and whether any of it is known to be vulnerable."""
