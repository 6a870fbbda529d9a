"""The training pairs in XNLI's own translations: from the Hub, from folders, and what is wrong."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline import artifacts
from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT, SPLITS, TRANSLATED, TRANSLATED_SPLITS
from pipeline.corpora.translated import with_translations
from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from tests import toys
from tests.commands import call, only_line, run
from tests.hub_server import Repository, serving
from tests.imports import ROOT

REAL = ROOT.parent / "shared" / "hub" / "zhao-schuetze-2021" / "xnli-fewshot"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"no given splits at {REAL}")
XNLI, PINNED, MAIN = "facebook/xnli", "b" * 40, "a" * 40
FILES = [f"all_languages/train-{part:05}-of-00002.parquet" for part in range(2)]
TEXTS = {
    code: (toys.sentences(36, code), toys.sentences(36, code, start=36))
    for code in ("en", *toys.TARGETS)
}


def read(shots=2):
    path = TRANSLATED / f"k{shots}.parquet"
    return artifacts.read_table(path, TRANSLATED_SPLITS).astype({"split": str, "language": str})


def require_right(pairs, split):
    """Check each pair against the row of the toys that its id names."""
    train = split[split.split.str.startswith("train")].reset_index(drop=True)
    columns = ["split", "pair_id", "premise", "hypothesis"]
    assert pairs[columns].to_dict("list") == train[columns].to_dict("list")
    for pair in pairs.itertuples():
        row = int(pair.pair_id.partition("train-")[2])
        premises, hypotheses = TEXTS[pair.language]
        assert (pair.target_premise, pair.target_hypothesis) == (premises[row], hypotheses[row])
    for _, part in pairs.groupby("split", observed=True):
        counts = part.language.value_counts().reindex(list(toys.TARGETS), fill_value=0)
        assert counts.max() - counts.min() <= 1


def params(**changes):
    return toys.params(**{"fewshot__translations": True} | changes)


@pytest.fixture
def prepared(project, monkeypatch):
    """A project with a split of two shots, and XNLI's translations in its folder."""
    toys.all_languages(project / "hub" / "xnli")
    toys.write_params(params(), project / "params.yaml")
    assert call(monkeypatch, "corpora") == 0
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    return project


@pytest.mark.parametrize("per_seed", [False, True], ids=["fixed", "per seed"])
def test_sampled_pairs_are_translated_from_the_hub_alone_and_once(per_seed, tmp_path, monkeypatch):
    xnli, _ = toys.hub(tmp_path / "pinned")
    toys.all_languages(xnli)
    (xnli / "all_languages/test-00000-of-00001.parquet").write_text("not to be downloaded")
    moved_on, _ = toys.hub(tmp_path / "new")
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    changes = {
        "datasets__xnli": {"path": XNLI, "revision": PINNED},
        "datasets__paws_x": {"path": str(tmp_path / "pinned/paws-x"), "splits": ["validation"]},
        "fewshot__per_seed": per_seed,
    }
    toys.write_params(params(**changes), folder / "params.yaml")
    with serving(
        Repository("datasets", XNLI, PINNED, xnli), Repository("datasets", XNLI, MAIN, moved_on)
    ) as hub:
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_OFFLINE": "0",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        }
        for command in (("corpora",), ("fewshot", "--shots", "2")):
            assert run(folder, *command, **settings).returncode == 0
        hub.requests.clear()
        ended = run(folder, "translations", "--shots", "2", **settings)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert hub.downloaded == FILES
        assert hub.revisions == {PINNED}
        hub.requests.clear()
    # Whoever has the files needs no Hub.
    path = TRANSLATED / "k2.parquet"
    first = path.read_bytes()
    path.unlink()
    ended = run(folder, "translations", "--shots", "2", **settings | {"HF_HUB_OFFLINE": "1"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert path.read_bytes() == first
    split = artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS)
    parts = {"train@1", "train@2"} if per_seed else {"train"}
    assert set(read().split) == parts
    assert len(read()) == 6 * len(parts)
    require_right(read(), split)


def test_sampled_pairs_are_translated_from_a_folder(prepared, monkeypatch, capsys):
    capsys.readouterr()
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    assert capsys.readouterr().out == ("data/translated/k2.parquet: 6 pairs: de 2, sw 2, zh 2\n")
    require_right(read(), artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS))


def test_row_groups_without_wanted_rows_are_not_read(prepared, monkeypatch):
    for name in FILES:
        path = prepared / "hub/xnli" / name
        content = bytearray(path.read_bytes())
        wanted = {int(one.removeprefix("train-")) for one in _drawn()}
        first, broken = 18 * FILES.index(name), 0
        metadata = pq.read_metadata(path)
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            if not wanted & set(range(first, first + rows)):
                chunk = metadata.row_group(group).column(0)
                start, size = chunk.dictionary_page_offset, chunk.total_compressed_size
                content[start : start + size] = b"\xff" * size
                broken += 1
            first += rows
        assert broken
        path.write_bytes(content)
        with pytest.raises(OSError, match=r"\w"):
            pq.read_table(path)
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    require_right(read(), artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS))


def _drawn():
    split = artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS)
    return list(split[split.split == "train"].pair_id)


def test_the_split_seed_deals_the_languages(prepared, monkeypatch):
    dealt = []
    for seed in (0, 1, 2, 3):
        toys.write_params(params(fewshot__split_seed=seed), prepared / "params.yaml")
        assert call(monkeypatch, "translations", "--shots", "2") == 0
        dealt.append(tuple(read().language))
        require_right(read(), artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS))
    assert len(set(dealt)) > 1


def test_where_none_are_wanted_nothing_is_read_and_the_file_has_no_rows(
    prepared, monkeypatch, capsys
):
    for name in FILES:
        (prepared / "hub/xnli" / name).unlink()
    toys.write_params(params(fewshot__translations=False), prepared / "params.yaml")
    capsys.readouterr()
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    assert capsys.readouterr().out == (
        "data/translated/k2.parquet: no pairs, because fewshot.translations is false\n"
    )
    assert read().empty
    assert list(read().columns) == TRANSLATED_SPLITS.schema.names


def change(project, part, function):
    """Change the rows (as a list) of one of the two files."""
    path = project / "hub/xnli" / FILES[part]
    table = pq.read_table(path)
    rows = function(table.to_pylist())
    pq.write_table(table.from_pylist(rows, schema=table.schema), path)


def without(*codes):
    """Return a function that blanks the hypotheses of some languages in every row."""

    def blanked(rows):
        for row in rows:
            both = row["hypothesis"]
            both["translation"] = [
                " " if code in codes else text
                for code, text in zip(both["language"], both["translation"], strict=True)
            ]
        return rows

    return blanked


def dropped(rows):
    for row in rows:
        for texts in row["hypothesis"].values():
            del texts[-1]
    return rows


@pytest.mark.parametrize("lacking", [without("zh"), dropped], ids=["blank", "missing"])
def test_where_a_translation_is_missing_another_language_takes_its_place(
    lacking, prepared, monkeypatch
):
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    before = read()
    for part in range(2):
        change(prepared, part, lacking)
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    kept = before.language != "zh"
    assert (~kept).sum() == 2
    pd.testing.assert_frame_equal(read()[kept], before[kept])
    assert set(read()[~kept].language) <= {"de", "sw"}
    for pair in read().itertuples():
        row = int(pair.pair_id.removeprefix("train-"))
        assert pair.target_hypothesis == TEXTS[pair.language][1][row]


def fails(monkeypatch, capsys, *, shots=2):
    capsys.readouterr()
    assert call(monkeypatch, "translations", "--shots", str(shots)) == 2
    assert not (TRANSLATED / f"k{shots}.parquet").exists()
    return only_line(capsys.readouterr().err)


def test_a_pair_without_any_translation_is_named(prepared, monkeypatch, capsys):
    for part in range(2):
        change(prepared, part, without("de", "sw", "zh"))
    line = fails(monkeypatch, capsys)
    (pair_id,) = set(_drawn()) & set(line.split())
    assert line == (
        f"hub/xnli: all_languages/train: expected a translation of {pair_id} in one of "
        f"de, sw, zh, found none"
    )


def test_translations_that_are_not_there_are_one_line(prepared, monkeypatch, capsys):
    for name in FILES:
        (prepared / "hub/xnli" / name).unlink()
    assert fails(monkeypatch, capsys) == (
        "params.yaml: datasets.xnli: expected all_languages/train-*.parquet in hub/xnli, found "
        "de/test, de/validation, en/test, en/train, en/validation, sw/test, sw/validation, "
        "zh/test, ..."
    )


def test_another_order_of_rows_is_seen_by_the_english_text(prepared, monkeypatch, capsys):
    rows = sorted(int(one.removeprefix("train-")) for one in _drawn())
    for part in range(2):
        change(prepared, part, lambda found: found[1:] + found[:1])
    assert fails(monkeypatch, capsys) == (
        f"hub/xnli: all_languages/train, row {rows[0]}: expected the premise of "
        f"train-{rows[0]} ({TEXTS['en'][0][rows[0]]!r}), found {TEXTS['en'][0][rows[0] + 1]!r}"
    )


def test_spaces_and_case_make_no_other_text(prepared, monkeypatch):
    def changed(rows):
        for row in rows:
            row["premise"]["en"] = f"  {row['premise']['en'].upper()} "
        return rows

    for part in range(2):
        change(prepared, part, changed)
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    require_right(read(), artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS))


def test_a_file_that_is_missing_is_seen_by_the_rows(prepared, monkeypatch, capsys):
    (prepared / "hub/xnli" / FILES[1]).unlink()
    rows = [int(one.removeprefix("train-")) for one in _drawn()]
    first = min(row for row in rows if row >= 18)
    assert fails(monkeypatch, capsys) == (
        f"hub/xnli: all_languages/train: expected a row {first} for the pair train-{first}, "
        f"found fewer rows"
    )


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (
            lambda: pd.DataFrame({"premise": ["a"], "hypothesis": ["b"]}),
            "premise: expected a field en, found string",
        ),
        (
            lambda: pd.DataFrame({"premise": [{"en": "a", "de": "b", "sw": "c"}]}),
            "premise: expected a field zh, found en, de, sw",
        ),
        (
            lambda: pd.DataFrame({"premise": [dict.fromkeys(("en", *toys.TARGETS), "a")]}),
            "hypothesis: expected a field language, found no such column",
        ),
    ],
    ids=["text", "no Chinese", "no hypothesis"],
)
def test_another_form_is_one_line(made, found, prepared, monkeypatch, capsys):
    toys.write_parquet(made(), prepared / "hub/xnli" / FILES[0])
    line = fails(monkeypatch, capsys)
    assert line.replace("large_string", "string") == f"hub/xnli: all_languages/train: {found}"
    (prepared / "hub/xnli" / FILES[0]).write_text("no Parquet")
    assert fails(monkeypatch, capsys) == (
        "hub/xnli: all_languages/train: train-00000-of-00002.parquet: expected a Parquet file, "
        "found something else"
    )


def test_a_split_of_another_source_is_refused(prepared, monkeypatch, capsys):
    toys.write_params(params(fewshot__source="given"), prepared / "params.yaml")
    assert fails(monkeypatch, capsys) == (
        "data/fewshot/k2.parquet: expected a split from fewshot.source (given), found one from "
        "sample (mpt fewshot --shots 2 makes it anew)"
    )


def test_without_a_split_its_file_is_named(prepared, monkeypatch, capsys):
    assert fails(monkeypatch, capsys, shots=4) == (
        "data/fewshot/k4.parquet: expected the output of an earlier stage, found no such file"
    )


def test_a_translated_pair_of_the_test_is_refused_and_a_sentence_is_not(
    prepared, monkeypatch, capsys
):
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    path = TRANSLATED / "k2.parquet"
    pair = read().iloc[0]
    test = artifacts.read_table(CORPORA / "test.parquet", EXAMPLES)
    row = test[test.language == pair.language].index[0]
    test.loc[row, "premise"] = pair.target_premise
    artifacts.write_table(test, CORPORA / "test.parquet", EXAMPLES)
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    path.unlink()
    test.loc[row, "hypothesis"] = pair.target_hypothesis.upper()
    artifacts.write_table(test, CORPORA / "test.parquet", EXAMPLES)
    assert fails(monkeypatch, capsys) == (
        f"hub/xnli: all_languages/train, {pair.language}: expected no text of the test set, found "
        f"the pair {pair.pair_id} in it ({pair.target_premise!r}, {pair.target_hypothesis!r})"
    )


def write_given(folder, change=lambda frame: frame):
    """Write a split of two shots with its translations, both of the toys' sentences."""
    for split, start in (("train", 0), ("validation", 100)):
        frame = pd.DataFrame(
            {
                "premise": toys.sentences(36, "en", start=start)[:6],
                "hypothesis": toys.sentences(36, "en", start=start + 36)[:6],
                "label": [0, 1, 2] * 2,
            }
        )
        toys.write_parquet(frame, folder / f"k2/{split}-00000-of-00001.parquet")
    rows = [
        (row, code, TEXTS[code][0][row], TEXTS[code][1][row])
        for code in toys.TARGETS
        for row in range(6)
    ]
    frame = pd.DataFrame(rows, columns=["row", "language", "premise", "hypothesis"])
    toys.write_parquet(change(frame), folder / "k2/train-translations.parquet")


@pytest.fixture
def given(prepared, monkeypatch):
    """The project with a given split, and what writes its translations otherwise."""

    def write(change=lambda frame: frame):
        write_given(prepared / "given", change)

    write()
    toys.write_params(params(fewshot__source="given"), prepared / "params.yaml")
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    return write


def test_given_translations_are_read_by_row_in_any_order(given, monkeypatch):
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    first = read()
    assert list(first.pair_id) == [f"k2/train-{row}" for row in range(6)]
    require_right(first, artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS))
    given(lambda frame: frame.sample(frac=1, random_state=0))
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    pd.testing.assert_frame_equal(read(), first)


def test_a_given_row_may_lack_a_language(given, monkeypatch):
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    first = read()
    pair = first.iloc[3]
    given(lambda frame: frame[(frame.row != 3) | (frame.language != pair.language)])
    assert call(monkeypatch, "translations", "--shots", "2") == 0
    assert read().language[3] != pair.language
    pd.testing.assert_frame_equal(read().drop(3), first.drop(3))


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            lambda frame: frame.assign(row=frame.row + 1),
            "expected rows 0 to 5 of k2/train, found 6",
        ),
        (
            lambda frame: pd.concat([frame, frame.head(1)]),
            "expected a row once in a language, found row 0 twice in de",
        ),
        (lambda frame: frame[frame.language != "sw"], "expected text in sw, found de, zh"),
        (
            lambda frame: frame.drop(columns="row"),
            "expected a column row, found language, premise, hypothesis",
        ),
        (
            lambda frame: frame[frame.row != 2],
            "expected a translation of k2/train-2 in one of de, sw, zh, found none",
        ),
    ],
    ids=["row", "twice", "language", "column", "pair"],
)
def test_given_translations_that_are_wrong_are_one_line(changed, line, given, monkeypatch, capsys):
    given(changed)
    assert fails(monkeypatch, capsys) == f"given/k2/train-translations.parquet: {line}"


def test_given_translations_that_are_not_there_are_one_line(given, prepared, monkeypatch, capsys):
    path = prepared / "given/k2/train-translations.parquet"
    path.write_text("no Parquet")
    assert fails(monkeypatch, capsys) == (
        "given/k2/train-translations.parquet: expected a Parquet file, found something else"
    )
    path.unlink()
    assert fails(monkeypatch, capsys) == (
        "params.yaml: fewshot.translations: expected the training pairs' translations in "
        "given/k2/train-translations.parquet, found no such file"
    )


def test_the_languages_do_not_depend_on_the_order_of_pairs():
    rows = range(20)
    train = pd.DataFrame(
        {
            "split": "train",
            "pair_id": [f"train-{row}" for row in rows],
            "premise": [f"premise {row}" for row in rows],
            "hypothesis": [f"hypothesis {row}" for row in rows],
        }
    )
    found = pd.concat([train.assign(language=code) for code in ("de", "sw", "zh")])
    known = {"languages": ("de", "sw", "zh"), "seed": 0, "place": "HERE"}
    ours = with_translations(train, found, **known).set_index("pair_id").language
    for seed in range(3):
        shuffled = train.sample(frac=1, random_state=seed)
        theirs = with_translations(shuffled, found.sample(frac=1, random_state=seed), **known)
        assert list(theirs.pair_id) == list(shuffled.pair_id)
        assert theirs.set_index("pair_id").language.to_dict() == ours.to_dict()
    with pytest.raises(InputError, match="HERE: expected a translation of train-4 in one of de"):
        with_translations(train, found[found.pair_id != "train-4"], **known)


@needs_real
@pytest.mark.parametrize("shots", [1, 16, 256])
def test_the_translations_of_zhao_and_schuetzes_splits_are_read(shots, prepared, monkeypatch):
    targets = [code for code in LANGUAGES if code != "en"]
    values = params(fewshot__source=str(REAL), languages__targets=targets)
    toys.write_params(values, prepared / "params.yaml")
    held_out = [artifacts.read_table(CORPORA / "test.parquet", EXAMPLES)]
    for code in LANGUAGES:
        path = REAL.parents[1] / f"facebook/xnli/{code}/test-00000-of-00001.parquet"
        if path.is_file():
            frame = pd.read_parquet(path)
            ids = [f"real-{row}" for row in range(len(frame))]
            held_out.append(frame.assign(language=code, pair_id=ids))
    test = pd.concat(held_out)
    artifacts.write_table(test, CORPORA / "test.parquet", EXAMPLES)
    for command in ("fewshot", "translations"):
        assert call(monkeypatch, command, "--shots", str(shots)) == 0
    pairs = read(shots)
    assert list(pairs.pair_id) == [f"k{shots}/train-{row}" for row in range(3 * shots)]
    english = pd.read_parquet(REAL / f"k{shots}/train-00000-of-00001.parquet")
    assert list(pairs.premise) == list(english.premise)
    theirs = pd.read_parquet(REAL / f"k{shots}/train-translations.parquet")
    theirs = theirs.set_index(["row", "language"])
    for row, pair in enumerate(pairs.itertuples()):
        expected = theirs.loc[(row, pair.language)]
        assert (pair.target_premise, pair.target_hypothesis) == tuple(expected)
    counts = pairs.language.value_counts().reindex(targets, fill_value=0)
    assert counts.max() - counts.min() <= 1
