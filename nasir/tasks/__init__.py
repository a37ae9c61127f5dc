"""What a network has to do, and the pictures it does it to."""
