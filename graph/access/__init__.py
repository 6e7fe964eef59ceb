"""Who may ask what: consumers and how they prove who they are, purposes and what they may read, trusted documents, and limits."""
