"""Which packages are installed, and from where; everything else stands in pyproject.toml.

primitives/ and search_spaces/ lie at the top of the repository and are installed inside gpproxy: under their own names,
which are this general, they would meet others in site-packages and in the folders of users.
"""

from setuptools import find_packages, setup

inner = find_packages(include=["primitives*", "search_spaces*"])

setup(
    packages=[*find_packages(include=["gpproxy*"]), *(f"gpproxy.{name}" for name in inner)],
    package_dir={"gpproxy": "gpproxy", **{f"gpproxy.{name}": name.replace(".", "/") for name in inner}},
)
