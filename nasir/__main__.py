"""``python -m nasir``."""

import sys

from nasir.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
