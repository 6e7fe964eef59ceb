"""The audits of GraphQL over HTTP by its working group."""
