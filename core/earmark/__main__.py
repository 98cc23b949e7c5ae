"""`python -m earmark`."""

import sys

from earmark.cli.main import main

sys.exit(main())
