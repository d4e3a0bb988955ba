"""A site of django-oauth-toolkit as many are: people in a table of its own, apps, tokens, an issuer with a path."""
