"""Ids in paths and in queries."""

from typing import Annotated

from fastapi import Path

Id = Annotated[int, Path(ge=0, description="Any other text is no such path, and answers 404")]
