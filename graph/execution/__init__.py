"""What a query becomes: documents, plan, compile, run (with links, values and waiting), repair; and explain, which tells of it."""
