"""What people see while a command works and when it is done: progress, fronts and tables, as text."""
