"""What the value of a cell looks like, by MIME type: what notebooks ask a value for, and the figures of matplotlib."""

import binascii
import io
import json
import sys
import warnings

RICH = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
)

# There is no screen, and what `show` would put on it is the cell's result: no reason for a warning.
warnings.filterwarnings("ignore", message="(?s).*(non-GUI backend|FigureCanvas\\w+ is non-interactive)", category=UserWarning)


def describe(value, complain):
    """Of a cell's value, and of the figures that are open behind it, which are then closed: the next cell begins with none, as in a
    notebook. None where there is neither. `complain` is called in the handler of what goes wrong with a figure."""
    result = None if value is None else forms_of(value)
    try:
        drawn = pictures_of(value, result)
    except Exception:
        complain()  # the rest of the result is as good as without it
        drawn = None
    return drawn if result is None else {**result, **(drawn or {}), "text/plain": result["text/plain"]}


def encoded(image):
    return binascii.b2a_base64(image, newline=False).decode()


def forms_of(value):
    result = {"text/plain": repr(value)}
    if isinstance(value, type):
        return result
    for method, mime in RICH:
        try:
            shown = getattr(value, method, None)
            shown = shown() if callable(shown) else None
        except Exception:
            continue  # a broken rich form is no reason to lose the plain one
        if isinstance(shown, tuple):
            shown = shown[0]
        if shown is None:
            continue
        if isinstance(shown, bytes):
            shown = encoded(shown)
        elif not isinstance(shown, str):
            shown = json.dumps(shown, default=str)
        result[mime] = shown
    return result


def pictures_of(value, result):
    """The value, where it is a figure, and all that are open: one image, one below the other; None where there are none."""
    if result is not None and "image/png" in result:
        return None  # it has an image of its own: the figures are shown behind the next cell
    kind = getattr(sys.modules.get("matplotlib.figure"), "Figure", None)
    figures = [value] if isinstance(kind, type) and isinstance(value, kind) else []
    figures += [figure for figure in open_figures() if figure is not value]
    if not figures:
        return None
    try:
        pages = []
        for figure in figures:
            page = io.BytesIO()
            figure.savefig(page, format="png", bbox_inches="tight")
            pages.append(page.getvalue())
        image = pages[0] if len(pages) == 1 else stacked(pages)
    finally:
        close_figures()
    return {"text/plain": "\n".join(map(repr, figures)), "image/png": encoded(image)}


def open_figures():
    pyplot = sys.modules.get("matplotlib.pyplot")
    # Half loaded, or another module of that name: it has none.
    numbers = getattr(pyplot, "get_fignums", None)
    return [pyplot.figure(number) for number in numbers()] if callable(numbers) else []


def close_figures():
    """What a cell that failed had begun to draw is not the next one's."""
    close = getattr(sys.modules.get("matplotlib.pyplot"), "close", None)
    if callable(close):
        close("all")


def stacked(pages):
    import numpy
    from matplotlib import image

    rows = [image.imread(io.BytesIO(page), format="png") for page in pages]
    width = max(row.shape[1] for row in rows)
    white = [numpy.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=1) for row in rows]
    whole = io.BytesIO()
    image.imsave(whole, numpy.concatenate(white), format="png")
    return whole.getvalue()
