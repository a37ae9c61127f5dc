"""What is shown of work in progress: on a terminal, in a notebook, or in lines."""
