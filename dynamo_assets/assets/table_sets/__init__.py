"""Sets of tables, whose views move together from one instant to the next."""
