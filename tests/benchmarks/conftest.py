"""A space of three digits for tables."""

from tests.digits import card, codes, space  # noqa: F401
