"""report.md: the report in one Markdown file, tables and text; the figures are in report.html."""

from __future__ import annotations

from mobilenn.report import format as fmt
from mobilenn.report import (
    view,
    view_baselines,
    view_episodes,
    view_errors,
    view_files,
    view_forms,
    view_judge,
    view_ondevice,
)
from mobilenn.report.recipe_text import toml
from mobilenn.report.schema import Report
from mobilenn.report.tables import code, escape, table, text_table

_NOTE = (
    "Download: the file compressed. Drop: lost against the Keras model, negative is better. "
    "± spans the 95 % interval of the median. Latencies are this machine's, not a phone's: read them as ratios."
)


def render(report: Report) -> str:
    """Returns the whole report as Markdown; the same report gives the same text."""
    parts = [*verdict(report), *variants(report), *baselines(report), *judge(report), *_training(report)]
    parts += [*_errors(report), *_samples(report), *_files(report), *_reproduce(report)]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(report: Report) -> list[str]:
    """The recommendation, its figures and the file's hash."""
    title = f"Ship {escape(report.recommended)}" if report.recommended else "Nothing to ship"
    parts = [f"# {escape(report.recipe.name)}: {title}", escape(view.lead(report))]
    figures = view.verdict_figures(report)
    if figures:
        parts.append(text_table(["", "", ""], [(f.title, f.value, f.note) for f in figures], left=3))
        best = report.variants[report.recommended]
        parts.append(f"File {code(best.file or fmt.NONE)}, SHA-256 {code(best.sha256 or fmt.NONE)}")
    return parts


def variants(report: Report) -> list[str]:
    """The variants side by side, and why any was not accepted."""
    agreement = bool(report.data.labels)
    threads = view.thread_counts(report)
    heads = ["Variant", "Status", "On disk", "Download", escape(fmt.metric_title(report.metric)), "Drop"]
    heads += ["Agrees"] * agreement
    for count in threads:
        heads += [f"{view.time_unit(report).name}, {view.plural(count, 'thread')}", "p90"]
    heads += ["Memory", "Zeros"]
    reference = {0: "float (Keras)", 1: "reference", 4: fmt.metric(report.metric, report.float.metric)}
    made = view.variant_rows(report)
    rows = [[reference.get(column, fmt.NONE) for column in range(len(heads))]]
    rows += [_variant(row, agreement) for row in made]
    reasons = [f"- {escape(row.name)}, {row.status}: {escape(row.reason)}" for row in made if row.reason]
    said = (view.metric_interval(report), view.disturbed(report))
    note = " ".join([_NOTE, *map(escape, filter(None, said))])
    return ["## Variants side by side", table(heads, rows, left=2), "\n".join(reasons), note]


def _variant(row: view.VariantRow, agreement: bool) -> list[str]:
    name = f"**{escape(row.name)}**" if row.recommended else escape(row.name)
    cells = [name, row.status, row.size, row.download, row.metric, row.drop]
    cells += [row.agreement] * agreement
    for cell in row.latency:
        cells += [f"{cell.median} ± {cell.plus_minus}" if cell.plus_minus else cell.median, cell.p90]
    return [*cells, row.memory, row.sparsity]


def baselines(report: Report) -> list[str]:
    """What the network was held against, where the recipe names a baseline."""
    rows = view_baselines.rows(report)
    return ["## Baselines", text_table(view_baselines.heads(report), rows, left=2)] if rows else []


def judge(report: Report) -> list[str]:
    """Of generated images: who judged them, what bounds that sets, and the shares of the classes."""
    rows = view_judge.rows(report)
    if not rows:
        return []
    heads, shares = view_judge.share_rows(report)
    parts = ["## The judge", text_table(view_judge.HEADS, rows, left=3)]
    return [*parts, "### Share of the images by class", text_table(list(map(escape, heads)), shares)]


def forms(report: Report) -> list[str]:
    """Of a recurrent network: the forms that were tried for each variant, and why one of them is shipped."""
    parts = []
    for tried in view_forms.tables(report):
        parts += [f"### {escape(tried.variant)}", text_table(view_forms.HEADS, tried.rows), escape(tried.why)]
    return ["## Forms of the recurrent layers", *parts] if parts else []


def on_device(report: Report) -> list[str]:
    """Of files that can be trained where they run: signatures, golden lesson, times."""
    parts = []
    for row in view_ondevice.trained(report):
        parts += [f"### {escape(row.variant)}", escape(row.words)]
        parts.append(text_table(view_ondevice.SIGNATURE_HEADS, row.signatures, left=4))
        parts += [text_table(view_ondevice.LESSON_HEADS, row.lesson), escape(row.verdict)] if row.lesson else []
    return ["## Training where the file runs", *parts, escape(view_ondevice.NOTE)] if parts else []


def _training(report: Report) -> list[str]:
    training = report.training
    text = (
        f"{fmt.count(training.parameters)} parameters, {view.plural(training.epochs, 'epoch')} in "
        f"{fmt.seconds(training.seconds)}, {escape(training.precision)}. {escape(report.data.description)}"
    )
    names = [name for name, values in training.history.items() if values]
    epochs = max((len(values) for values in training.history.values()), default=0)
    rows = [[str(epoch + 1), *(_at(training.history[name], epoch) for name in names)] for epoch in range(epochs)]
    return ["## Training", text, table(["Epoch", *map(escape, names)], rows, left=0) if rows else ""]


def _at(values: tuple[float | None, ...], epoch: int) -> str:
    return fmt.significant(values[epoch], 4) if epoch < len(values) else fmt.NONE


def _errors(report: Report) -> list[str]:
    parts = ["## Errors"]
    for matrix in view_errors.confusions(report):
        parts.append(f"### Confusion matrix of {escape(matrix.model)}")
        parts.append(_matrix(matrix))
        worst = [(truth, said, str(times), share) for truth, said, times, share in matrix.worst()]
        parts.append(text_table(["Truth", "Said", "Times", "Of that truth"], worst, left=2) if worst else "")
    rows = [(r.label, r.support, r.precision, r.recall, r.f1, r.float_f1) for r in view_errors.class_rows(report)]
    if rows:
        parts.append(f"### By class, {escape(view.shown(report) or view_errors.FLOAT)}")
        parts.append(text_table(["Class", "Samples", "Precision", "Recall", "F1", "F1 of float"], rows))
    models, measures = view_errors.measure_rows(report)
    if measures:
        parts += ["### Other measures", text_table(["Measure", *map(escape, models)], measures)]
    return parts if len(parts) > 1 else []


def _matrix(matrix: view_errors.Confusion) -> str:
    if len(matrix.labels) > 24:
        return "Too many classes for a table here; report.html draws them."
    rows = [[label, *(str(cell.count) for cell in row)] for label, row in zip(matrix.labels, matrix.rows, strict=True)]
    return text_table(["truth ╲ said", *map(escape, matrix.labels)], rows)


def _samples(report: Report) -> list[str]:
    rows = view_errors.sample_rows(report)
    if not rows:
        return []
    models = list(dict.fromkeys(said.model for row in rows for said in row.said))
    played = bool(view_episodes.spreads(report))
    heads = [*(("Episode", "Best possible") if played else ("Sample", "Truth")), *map(escape, models)]
    body = [[str(row.index), escape(row.target), *(_said(row, model) for model in models)] for row in rows]
    looked = [_looked(row) for row in rows if row.attended.words or row.attended.tokens or row.aligned.words]
    return [
        f"## {'Episodes' if played else 'Samples'} of the test split",
        table(heads, body, left=len(heads)),
        "\n".join(looked),
    ]


def _looked(row: view_errors.SampleRow) -> str:
    """A line on a sample's text and on what mattered most in it."""
    found = row.attended
    said = f" {escape(found.text)}" if found.tokens else ""
    most = f" ({escape(found.model)} looked at {escape(found.words)})" if found.words else ""
    wrote = f" ({escape(row.aligned.model)} looked, for {escape(row.aligned.words)})" if row.aligned.words else ""
    return f"- Sample {row.index}:{said}{most}{wrote}"


def _said(row: view_errors.SampleRow, model: str) -> str:
    said = next((item for item in row.said if item.model == model), None)
    if said is None:
        return fmt.NONE
    return f"{escape(said.label)} {said.confidence}{' ✗' if said.right is False else ''}".replace("  ", " ").strip()


def _files(report: Report) -> list[str]:
    parts = []
    parity = view_files.parity_rows(report)
    if parity:
        parts += ["## Parity: absolute error of each output", text_table(view_files.PARITY_HEADS, parity, left=2)]
        parts += filter(None, [escape(view_files.runtimes(report))])
    parts += forms(report)
    parts += on_device(report)
    operators = view_files.operators(report)
    if operators.rows:
        parts += ["## Operators", text_table(["Operator", *map(escape, operators.variants)], operators.rows)]
    for profile in view_files.profiles(report):
        rows = [(row.operator, row.count, row.ms, row.percent) for row in profile.rows]
        parts.append(f"### Time by operator, {escape(profile.variant)}")
        parts.append(text_table(["Operator", "Count", "ms", "Share"], rows))
    return parts


def _reproduce(report: Report) -> list[str]:
    commands = "\n".join(f"    {' '.join(line.split())}" for line, _ in view_files.command_lines(report))
    run = text_table(["", ""], view_files.run_rows(report), left=2)
    hashes = text_table(["Variant", "File", "SHA-256"], view_files.hash_rows(report), left=3)
    recipe = "\n".join(f"    {line}".rstrip() for line in toml(report.to_dict()["recipe"]).rstrip().split("\n"))
    return ["## Make it again", commands, run, hashes, "The recipe:", recipe]
