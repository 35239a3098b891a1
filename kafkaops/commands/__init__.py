"""What each command does with its flags: from the use case to the screen and the exit code. Loaded when the command runs."""
