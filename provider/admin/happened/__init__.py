"""Everything that happened, as one list: refusals, events of apps, projects and accounts, and the console's history."""
