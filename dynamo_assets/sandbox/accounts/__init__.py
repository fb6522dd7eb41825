"""Other accounts than the sandbox's own: whose a request is, and what policies let it do there."""
