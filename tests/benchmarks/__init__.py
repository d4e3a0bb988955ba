"""How fast it is, beside what others run: `make bench`. Measures; asserts nothing, and no test suite runs it."""
