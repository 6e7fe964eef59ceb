"""The connected systems, a module each: what it is called, what it says, and how it is asked."""
