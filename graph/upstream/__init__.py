"""One call to an agency: its connection, its protocol, and the records that come back."""
