"""The compiled modules: made once, of the same bytes each time, and never compared with a time."""

from runtime_tree.interpreter import PREFIX, Interpreter

# In the order of names, with the tree's own Python. Paths in tracebacks are those of the prefix.
_COMPILE = """\
import pathlib, py_compile, sys
tree, prefix = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
for path in sorted((tree / "lib").rglob("*.py")):
    py_compile.compile(str(path), dfile=str(prefix / path.relative_to(tree)), doraise=True,
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""


def compile_all(interpreter: Interpreter) -> None:
    """Compile every module in the tree."""
    interpreter.run(
        *("-c", _COMPILE, str(interpreter.tree), PREFIX),
        env={"PYTHONHASHSEED": "0"},
        remedy="read which module does not compile, and leave it out in runtime_tree/pruning.py",
    )
