"""What the console is around its tables: where one goes, what one finds, and how things stand."""
