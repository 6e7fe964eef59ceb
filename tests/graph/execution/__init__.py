"""The proof that the breadth-first engine answers as graphql-core does."""
