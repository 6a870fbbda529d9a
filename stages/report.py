"""`mpt report`: the figures under results/figures/, and all of a reproduction on one page."""


def report() -> None:
    """Draw the figures and write results/report.html from the tables and the cells."""
    from pipeline.artifacts import write_text
    from pipeline.evaluation.files import RESULTS
    from pipeline.evaluation.table2 import read_paper_table2
    from pipeline.evaluation.tables import PAPER, read_table1
    from pipeline.params.whole import load_params
    from pipeline.report.figures.collection import figures
    from pipeline.report.figures.drawing import draw, pictures, write_pictures
    from pipeline.report.inputs import read_records, read_tables
    from pipeline.report.page import Material, page

    params = load_params()
    tables = read_tables()
    paper = read_table1(PAPER / "table1.csv")
    made = figures(tables, paper, params)
    drawn = {name: draw(figure) if figure else None for name, figure in made.items()}
    material = Material(
        params=params,
        tables=tables,
        table1=(read_table1(RESULTS / "table1.csv"), read_table1(RESULTS / "table1_std.csv")),
        paper=(paper, read_paper_table2(PAPER / "table2.csv")),
        records=read_records(params),
        figures=drawn,
    )
    # All is made before the first file is written: an error leaves the last results whole.
    html, files = page(material), pictures(drawn)
    write_pictures(files, RESULTS / "figures")
    write_text(html, RESULTS / "report.html")
