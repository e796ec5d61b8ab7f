"""C++17: recipe, network, link and scale, and if wanted the new variables, as one header that needs nothing else."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from fivesigma.analysis.section import Section
from fivesigma.deployment.base import PARAMETERS, Deliverable, Exporter, Numbers
from fivesigma.deployment.columns import BOOL, DOUBLE, SINGLE, Symbol, without_missing
from fivesigma.deployment.layers import Step, steps_of
from fivesigma.errors import MissingExtra, RunError

TYPES = {BOOL: "bool", SINGLE: "float", DOUBLE: "double"}
_ORDER = "// inputs in their order: "
_OUTPUTS = "constexpr int outputs = "


class Cpp(Section):
    """A C++ header."""

    kind: Literal["cpp"] = "cpp"
    namespace: str = Field("fivesigma", pattern=r"^[A-Za-z][0-9A-Za-z_]*$", description="of everything in the header")
    licence: str = Field("", description="under which the model may be used, for the header's first lines")

    @field_validator("namespace")
    @classmethod
    def _is_free(cls, value: str) -> str:
        if value in _WORDS or _RESERVED.fullmatch(value) or value in ("std", "main"):
            raise ValueError(f"{value!r} means something else in C++; take another name")
        return value


def write(settings: Cpp, what: Deliverable, path: Path) -> None:
    """Write the header; the same networks give the same bytes."""
    fields = _fields(what)
    networks = [_network(what, i) for i in range(len(what.networks))]
    features, read = _features(what, fields)
    count = len(what.networks)
    replaced = {
        "METADATA": _metadata({**what.metadata, "licence": settings.licence or "not stated"}),
        "ORDER": _ORDER + json.dumps([[given.name, given.width] for given in what.inputs]),
        "NAMESPACE": settings.namespace,
        "FIELDS": "\n".join(f"    {line}" for line in fields.values()),
        "OUTPUTS": str(what.outputs),
        "FEATURES": str(len(what.features)),
        "PARAMETERS": str(max(len(what.parameters), 1)),
        "NETWORKS": "\n\n".join(networks),
        "COMPUTE": "\n".join(f"    {line}" for line in [*features, *_parameters(what, fields)]),
        "CALLS": "\n".join(_call(i) for i in range(count)),
        "COUNT": str(count),
        "READ": "\n".join(f"        {line}" for line in read),
    }
    text = (resources.files("fivesigma.deployment") / "model.hpp").read_text(encoding="utf-8")
    model = "\n".join(replaced[name] for name in ("ORDER", "FIELDS", "NETWORKS", "COMPUTE", "CALLS"))
    replaced["HASH"] = hashlib.sha256(model.encode()).hexdigest()[:15]
    path.write_text(re.sub(r"@([A-Z]+)@", lambda found: replaced[found[1]], text), encoding="utf-8")


def load(path: Path) -> Any:
    """A function that scores arrays with the test program of the header, which is compiled for it.

    Raises:
        RunError: if it does not compile.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    names = json.loads(next(line for line in lines if line.startswith(_ORDER)).removeprefix(_ORDER))
    outputs = int(next(line for line in lines if line.startswith(_OUTPUTS)).removeprefix(_OUTPUTS).rstrip(";"))
    folder = tempfile.mkdtemp(prefix="fivesigma-cpp-")
    program = Path(folder) / "model"
    command = [compiler(), "-std=c++17", "-O2", "-DFIVESIGMA_TEST_PROGRAM"]
    found = subprocess.run(
        [*command, "-x", "c++", str(path), "-o", str(program)], capture_output=True, text=True, check=False
    )
    if found.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise RunError(f"the C++ header does not compile: {' '.join(found.stderr.split())[:300]}")

    def score(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        table = np.concatenate([np.asarray(arrays[name], np.float64) for name, _ in names], axis=1)
        text = "\n".join(" ".join(map(repr, row)) for row in table.tolist())
        done = subprocess.run([str(program)], input=text + "\n", capture_output=True, text=True, check=True)
        rows = np.array([line.split() for line in done.stdout.splitlines()], np.float32).reshape(len(table), outputs)
        return rows[:, 0] if outputs == 1 else rows

    weakref.finalize(score, shutil.rmtree, folder, ignore_errors=True)
    return score


def compiler() -> str:
    """The C++ compiler: `$CXX`, or the first of the usual names.

    Raises:
        MissingExtra: if there is none.
    """
    for name in (os.environ.get("CXX", ""), "g++", "clang++", "c++"):
        if name and (found := shutil.which(name)):
            return found
    raise MissingExtra(
        "a C++ header is compared with the network, and there is no C++ compiler", hint="install g++, or set CXX"
    )


class Source:
    """Lines of C++ that compute columns, one value for each operation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._known: dict[str, str] = {}

    def constant(self, value: float | bool, dtype: np.dtype[Any]) -> str:
        return ("true" if value else "false") if dtype == BOOL else _literal(value, dtype)

    def cast(self, value: str, source: np.dtype[Any], target: np.dtype[Any]) -> str:
        if target == BOOL:
            return self._named(f"{value} != 0", target)
        return self._named(f"{value} ? 1 : 0" if source == BOOL else f"static_cast<{TYPES[target]}>({value})", target)

    def apply(self, name: str, operands: Sequence[str], dtype: np.dtype[Any]) -> str:
        """Arithmetic in the precision of the columns, as NumPy has it, and functions in double precision."""
        if name in _OPERATORS:
            result = BOOL if name in _GIVE_CONDITIONS else dtype
            return self._named(_OPERATORS[name].format(*operands), result)
        return self._named(
            f"static_cast<{TYPES[dtype]}>({_FUNCTIONS.get(name, 'std::' + name)}({', '.join(operands)}))", dtype
        )

    def _named(self, text: str, dtype: np.dtype[Any]) -> str:
        key = f"{TYPES[dtype]} {text}"
        if key not in self._known:
            self._known[key] = f"t{len(self._known)}"
            self.lines.append(f"const {TYPES[dtype]} {self._known[key]} = {text};")
        return self._known[key]

    def needed(self, last: Sequence[str]) -> list[str]:
        """The lines that the last ones depend on, and these: a formula may leave others behind, of which compilers warn."""
        used, kept = set(_VARIABLE.findall(" ".join(last))), list(reversed(last))
        for line in reversed(self.lines):
            name, _, text = line.partition(" = ")
            if name.rpartition(" ")[2] in used:
                used |= set(_VARIABLE.findall(text))
                kept.append(line)
        return kept[::-1]


_VARIABLE = re.compile(r"(?<![\w.])t\d+\b")

_OPERATORS = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "negative": "-({})",
    "less": "{} < {}",
    "less_equal": "{} <= {}",
    "greater": "{} > {}",
    "greater_equal": "{} >= {}",
    "equal": "{} == {}",
    "not_equal": "{} != {}",
    "logical_and": "{} && {}",
    "logical_or": "{} || {}",
    "logical_not": "!({})",
    "where": "{} ? {} : {}",
    "isnan": "std::isnan({})",
    "isfinite": "std::isfinite({})",
}
_GIVE_CONDITIONS = (
    *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_not"),
    *("isnan", "isfinite"),
)
_IN_DOUBLE = (
    "exp expm1 log log10 log2 log1p sin cos tan sinh cosh tanh hypot delta_phi remainder floor_divide "
    "arcsin arccos arctan arcsinh arccosh arctanh arctan2 power"
)
_FUNCTIONS = {
    **{name: f"in_double::{name}" for name in _IN_DOUBLE.split()},
    **{name: name for name in ("minimum", "maximum", "sign")},
    "absolute": "std::abs",
}


def _literal(value: float, dtype: np.dtype[Any] = SINGLE) -> str:
    """An exact number: hexadecimal, or NaN or infinity by name."""
    kind = TYPES[dtype]
    if np.isnan(value):
        return f"std::numeric_limits<{kind}>::quiet_NaN()"
    if np.isinf(value):
        return f"({'-' * (value < 0)}std::numeric_limits<{kind}>::infinity())"
    text = float(dtype.type(value)).hex() + ("f" if dtype == SINGLE else "")
    return f"({text})" if value < 0 else text


def _array(name: str, values: NDArray[Any], kind: str = "float") -> str:
    flat = values.ravel().tolist()
    items = [_literal(value) if kind == "float" else str(value).lower() for value in flat]
    rows = [", ".join(items[i : i + 8]) for i in range(0, len(items), 8)]
    body = ",\n    ".join(rows)
    return f"inline constexpr {kind} {name}[{len(flat)}] = {{\n    {body}}};"


def _metadata(metadata: Mapping[str, str]) -> str:
    lines = [f"{name}: {value}" for name, value in sorted(metadata.items())]
    return "\n".join(f"//   {_comment(line)}" for line in lines)


def _comment(text: str) -> str:
    """A text on the rest of a line; a backslash at its end, or what stands for one, would join the next line to it."""
    line = " ".join(text.split()).replace("??", "? ?")
    return f"{line} ." if line.endswith("\\") else line


def _fields(what: Deliverable) -> dict[str, str]:
    """The declaration of each input, by its name in C++, in their order."""
    if what.formulas is None:
        return {given.name: f"float {given.name}[{given.width}];" for given in what.inputs}
    found: dict[str, str] = {}
    for given in what.inputs:
        plain = re.sub(r"[^0-9A-Za-z]+", "_", given.name if given.name[:1].isalpha() else f"c_{given.name}")
        plain = plain if plain.strip("_") else "c"
        name = plain = f"c_{plain.lstrip('_')}" if _RESERVED.fullmatch(plain) else plain
        count = 1
        while name in found or name in _WORDS:
            count += 1
            name = f"{plain}_{count}"
        found[name] = f"{TYPES[given.dtype]} {name};  // {_comment(given.name)}"
    return found


_KEYWORDS = (
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class "
    "compl concept const const_cast consteval constexpr constinit continue co_await co_return co_yield decltype "
    "default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline int "
    "long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register "
    "reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template "
    "this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t "
    "while xor xor_eq"
)
_MACROS = (
    "NAN INFINITY HUGE_VAL HUGE_VALF HUGE_VALL NULL EOF BUFSIZ RAND_MAX MATH_ERRNO MATH_ERREXCEPT math_errhandling "
    "DOMAIN SING OVERFLOW UNDERFLOW PLOSS TLOSS MAXFLOAT linux unix stdin stdout stderr assert errno major minor I "
    "L_tmpnam P_tmpdir NFDBITS WNOHANG WUNTRACED WSTOPPED WEXITED WCONTINUED WNOWAIT WEXITSTATUS WTERMSIG WSTOPSIG "
    "WIFEXITED WIFSIGNALED WIFSTOPPED WIFCONTINUED WCOREDUMP"
)
_WORDS = frozenset(f"{_KEYWORDS} {_MACROS}".split())
"""What no field can be called."""
_RESERVED = re.compile(
    r"(M|FP|FLT|DBL|LDBL|SEEK|FIVESIGMA|EXIT|FD|SNAN|HUGE)_.*|SNAN.*|HUGE_VAL.*|.*_(MAX|MIN|ENDIAN|ORDER)|_[A-Z_].*|.*__.*"
)
"""Names that belong to the compiler or to the headers of its library."""


def _features(what: Deliverable, fields: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Lines that compute the features, and lines of the test program that read an event."""
    if what.formulas is None:
        lines = [f"for (int i = 0; i < {len(what.features)}; ++i) features[i] = in.features[i];"]
        return lines, [f"for (float& value : in.{given.name}) value = static_cast<float>(next());" for given in what.inputs]
    source, columns = Source(), {}
    names = dict(zip((given.name for given in what.inputs), fields, strict=True))
    for given in what.columns:
        symbol = Symbol(source, f"in.{names[given.name]}", given.dtype)
        columns[given.name] = without_missing(symbol, what.markers_of(given))
    results = []
    for value in what.feature_values(columns):
        results.append(value.to(SINGLE).value if isinstance(value, Symbol) else _literal(float(value)))
    lines = source.needed([f"features[{i}] = {result};" for i, result in enumerate(results)])
    kinds = {given.name: TYPES[given.dtype] for given in what.inputs}
    return lines, [f"in.{names[name]} = static_cast<{kinds[name]}>(next());" for name in names]


def _parameters(what: Deliverable, fields: Mapping[str, str]) -> list[str]:
    names = dict(zip((given.name for given in what.inputs), fields, strict=True))
    free = [name for name in what.parameters if name not in what.fixed]
    lines = []
    for i, name in enumerate(what.parameters):
        if name in what.fixed:
            value = _literal(what.fixed[name])
        else:
            value = f"in.{names[name]}" if what.formulas is not None else f"in.{PARAMETERS}[{free.index(name)}]"
        lines.append(f"parameters[{i}] = {value};")
    return lines


def _call(number: int) -> str:
    return (
        f"    network_{number + 1}(features, parameters, found);\n    for (int j = 0; j < outputs; ++j) sum[j] += found[j];"
    )


def _network(what: Deliverable, number: int) -> str:
    """A function that scores features and parameters with one network, and its numbers."""
    network = what.networks[number]
    numbers, steps = Numbers.of(network.recipe), steps_of(network.model)
    prefix = f"n{number + 1}"
    arrays, body = _recipe(numbers, prefix, len(what.parameters))
    widths = [len(network.recipe.inputs)]
    for i, step in enumerate(steps, start=1):
        arrays += [
            _array(f"{prefix}_{i}_{name}", values, "int" if name == "index" else "float")
            for name, values in step.arrays.items()
        ]
        body += [f"float v{i}[{step.width}];", *_step(step, i, prefix, widths)]
        widths.append(step.width)
    scale, shift = _literal(network.target_scale), _literal(network.target_shift)
    body.append(f"for (int j = 0; j < outputs; ++j) out[j] = v{len(steps)}[j] / {scale} + {shift};")
    unused = "" if what.parameters else "[[maybe_unused]] "
    head = f"inline void network_{number + 1}(const float* features, {unused}const float* parameters, float* out) {{"
    return "\n".join([*arrays, head, *(f"    {line}" for line in body), "}"])


def _recipe(numbers: Numbers, prefix: str, parameters: int) -> tuple[list[str], list[str]]:
    kept, flagged = len(numbers.kept), len(numbers.flagged)
    zero = np.zeros_like(numbers.high)
    arrays = [
        _array(f"{prefix}_kept", numbers.kept, "int"),
        _array(f"{prefix}_logged", numbers.logged, "bool"),
        _array(f"{prefix}_high", numbers.high),
        _array(f"{prefix}_low", zero if numbers.low is None else numbers.low),
        _array(f"{prefix}_scale", numbers.scale),
        _array(f"{prefix}_absent", numbers.absent),
    ]
    body = [
        f"float v0[{kept + flagged + parameters}];",
        f"for (int i = 0; i < {kept}; ++i) {{",
        f"    const float x = features[{prefix}_kept[i]];",
        f"    const float z = {prefix}_logged[i] ? std::log(x) : x;",
        f"    const float scaled = ((z - {prefix}_high[i]) - {prefix}_low[i]) / {prefix}_scale[i];",
        f"    v0[i] = std::isfinite(z) ? scaled : {prefix}_absent[i];",
        "}",
    ]
    if flagged:
        arrays.append(_array(f"{prefix}_flagged", numbers.flagged, "int"))
        value = f"std::isfinite(features[{prefix}_flagged[i]]) ? 0.0f : 1.0f"
        body.append(f"for (int i = 0; i < {flagged}; ++i) v0[{kept} + i] = {value};")
    if parameters:
        low = np.zeros_like(numbers.parameter_high) if numbers.parameter_low is None else numbers.parameter_low
        arrays += [
            _array(f"{prefix}_parameter_high", numbers.parameter_high),
            _array(f"{prefix}_parameter_low", low),
            _array(f"{prefix}_parameter_scale", numbers.parameter_scale),
        ]
        moved = f"(parameters[i] - {prefix}_parameter_high[i]) - {prefix}_parameter_low[i]"
        value = f"({moved}) / {prefix}_parameter_scale[i]"
        body.append(f"for (int i = 0; i < {parameters}; ++i) v0[{kept + flagged} + i] = {value};")
    return arrays, body


_PAIRS = {
    "add": "{} + {}",
    "average": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "maximum": "maximum({}, {})",
    "minimum": "minimum({}, {})",
}


def _step(step: Step, number: int, prefix: str, widths: Sequence[int]) -> list[str]:
    given, name, width = [f"v{i}" for i in step.inputs], f"{prefix}_{number}", step.width
    loop = f"for (int j = 0; j < {width}; ++j) v{number}[j] = "
    match step.operation:
        case "dense":
            return [f"dense<{widths[step.inputs[0]]}, {width}>({given[0]}, {name}_kernel, {name}_bias, v{number});"]
        case "affine":
            return [f"{loop}{given[0]}[j] * {name}_scale[j] + {name}_shift[j];"]
        case "quantise":
            bound = "high" if "high" in step.arrays else "span"
            return [
                f"{loop}quantise_{bound}({given[0]}[j], {name}_scale[j], {name}_step[j], {name}_low[j], {name}_{bound}[j], "
                f"{_literal(step.number)});"
            ]
        case "columns":
            return [f"{loop}{given[0]}[{name}_index[j]];"]
        case "norm":
            return [f"norm<{width}>({given[0]}, {name}_scale, {name}_shift, {_literal(step.number)}, v{number});"]
        case "concatenate":
            places = np.cumsum([0, *(widths[i] for i in step.inputs)]).tolist()
            return [
                f"for (int j = 0; j < {widths[i]}; ++j) v{number}[{place} + j] = {value}[j];"
                for i, value, place in zip(step.inputs, given, places, strict=False)
            ]
        case "activation" if step.name == "softmax":
            return [f"softmax<{width}>({given[0]}, v{number});"]
        case "activation":
            slope = f", {_literal(step.number)}" if step.name in ("elu", "leaky_relu") else ""
            return [f"{loop}activation::{step.name}({given[0]}[j]{slope});"]
    text = f"{given[0]}[j]"
    for other in given[1:]:
        text = f"({_PAIRS[step.operation].format(text, f'{other}[j]')})"
    return [f"{loop}{text}{f' / {len(given)}.0f' if step.operation == 'average' else ''};"]


def _notes(settings: Cpp, path: Path) -> list[str]:
    return [f"to try it: g++ -std=c++17 -O2 -DFIVESIGMA_TEST_PROGRAM -x c++ {path} -o model; numbers in, scores out"]


CPP = Exporter("cpp", Cpp, ".hpp", write, load, compiler, _notes, runs_code=True)
