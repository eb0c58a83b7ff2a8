"""``prodaccess``, and ``python -m bot``: the command line, its modules loaded first."""

import gc
import sys


def main() -> int:
    """Run one command; see ``bot.cli.main``."""
    # What is loaded stays to the end: to look through it again and again takes a sixth of a start.
    gc.disable()
    from bot import cli  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
