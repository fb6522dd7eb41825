"""What the policies of a role or a user allow, for those who ask; the sandbox itself refuses nobody."""
