"""A space of three digits, so that rankings can be tested without a real generator."""

from tests.digits import card, codes, space  # noqa: F401
