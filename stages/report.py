"""`mpt report`: the figures under results/figures/, and one page with all results."""


def report() -> None:
    """Draw the figures and write results/report.html from the tables and the cells."""
    from pipeline.evaluation.files import RESULTS
    from pipeline.files import write_text
    from pipeline.params.whole import load_params
    from pipeline.report.figures.collection import figures
    from pipeline.report.figures.drawing import draw, pictures, write_pictures
    from pipeline.report.page import page, read_tables

    params, tables = load_params(), read_tables()
    made = figures(tables, params)
    drawn = {name: draw(figure) if figure else None for name, figure in made.items()}
    # Everything is made before the first file is written: an error leaves the last results intact.
    html, files = page(params, tables, drawn), pictures(drawn)
    write_pictures(files, RESULTS / "figures")
    write_text(html, RESULTS / "report.html")
