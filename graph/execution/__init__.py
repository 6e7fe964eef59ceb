"""What a query becomes: for now Strawberry's own execution, with documents parsed and validated once."""
