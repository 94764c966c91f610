"""The notebooks of the docs run from the first cell to the last, show progress, and are kept without outputs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells), f"{path.name} is kept with outputs"
    shown: list[str] = []

    def watch(cell: object, cell_index: int, execute_reply: object) -> None:
        shown.extend(str(output) for output in notebook.cells[cell_index].outputs)

    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=place, on_cell_executed=watch
    ).execute()
    text = "".join(shown)
    assert "run folder" in text or "candidates/s" in text or "rank" in text, "no progress was shown"
    assert (tmp_path / "runs").is_dir()


def test_there_are_three() -> None:
    assert len(NOTEBOOKS) == 3
