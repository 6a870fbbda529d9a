"""The training pairs in XNLI's own translations: from the Hub and from folders."""

import shutil

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline import artifacts
from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT, SPLITS, TRANSLATED, TRANSLATED_SPLITS
from pipeline.corpora.translated import WAY_OUT, with_translations
from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from tests import real_data, toys
from tests.commands import call, only_line
from tests.hub_server import Repository, serving

XNLI, PINNED, MAIN = "facebook/xnli", "b" * 40, "a" * 40
FILES = [f"all_languages/train-{part:05}-of-00002.parquet" for part in range(2)]
TEXTS = {
    code: (toys.sentences(36, code), toys.sentences(36, code, start=36))
    for code in ("en", *toys.TARGETS)
}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder with XNLI's translations, corpora, and a split of two shots."""
    folder = tmp_path_factory.mktemp("template")
    xnli, _ = toys.hub(folder / "hub")
    toys.all_languages(xnli)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_params(folder)
        assert call(patch, "corpora") == 0
        assert call(patch, "fewshot", "--shots", "2") == 0
    return folder


@pytest.fixture
def project(template, tmp_path, monkeypatch):
    folder = shutil.copytree(template, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def stage(project, monkeypatch):
    """Run a stage by some parameters and return its exit code."""

    def run(command="translations", *, shots=2, **changes):
        write_params(project, **changes)
        return call(monkeypatch, command, "--shots", str(shots))

    return run


@pytest.fixture
def fails(stage, capsys):
    """Run `mpt translations`, which fails; return its complaint."""

    def complaint(*, shots=2, **changes):
        capsys.readouterr()
        assert stage(shots=shots, **changes) == 2
        assert not (TRANSLATED / f"k{shots}.parquet").exists()
        return only_line(capsys.readouterr().err)

    return complaint


def write_params(folder, **changes):
    values = toys.params(**{"fewshot__translations": True} | changes)
    toys.write_params(values, folder / "params.yaml")


def split():
    return artifacts.read_table(FEWSHOT / "k2.parquet", SPLITS)


def rows():
    """Return the rows of XNLI that the split trains on, ascending."""
    train = split()[split().split == "train"]
    return sorted(int(pair_id.removeprefix("train-")) for pair_id in train.pair_id)


def read(shots=2):
    path = TRANSLATED / f"k{shots}.parquet"
    return artifacts.read_table(path, TRANSLATED_SPLITS).astype({"split": str, "language": str})


def require_right():
    """Check each pair against the row of the toys that its id names."""
    pairs, drawn = read(), split()
    train = drawn[drawn.split.str.startswith("train")].reset_index(drop=True)
    columns = ["split", "pair_id", "premise", "hypothesis"]
    assert pairs[columns].to_dict("list") == train[columns].to_dict("list")
    for pair in pairs.itertuples():
        row = int(pair.pair_id.partition("train-")[2])
        premises, hypotheses = TEXTS[pair.language]
        assert (pair.target_premise, pair.target_hypothesis) == (premises[row], hypotheses[row])
    for _, part in pairs.groupby("split", observed=True):
        counts = part.language.value_counts().reindex(list(toys.TARGETS), fill_value=0)
        assert counts.max() - counts.min() <= 1


def test_translations_are_downloaded_once(project, stage, tmp_path, monkeypatch):
    xnli = project / "hub/xnli"
    (xnli / "all_languages/test-00000-of-00001.parquet").write_text("not to be downloaded")
    moved_on, _ = toys.hub(tmp_path / "new")
    on_hub = {"datasets__xnli": {"path": XNLI, "revision": PINNED}}
    with serving(
        Repository("datasets", XNLI, PINNED, xnli), Repository("datasets", XNLI, MAIN, moved_on)
    ) as hub:
        hub.use(monkeypatch, tmp_path / "cache")
        assert stage(**on_hub) == 0
        assert hub.downloaded == FILES
        assert hub.revisions == {PINNED}
        require_right()
        first = (TRANSLATED / "k2.parquet").read_bytes()
        hub.requests.clear()
        hub.use(monkeypatch, tmp_path / "cache", offline=True)
        assert stage(**on_hub) == 0
        assert hub.requests == []
    assert (TRANSLATED / "k2.parquet").read_bytes() == first


@pytest.mark.parametrize("per_seed", [False, True], ids=["fixed", "per seed"])
def test_sampled_pairs_are_translated_from_a_folder(per_seed, stage, capsys):
    assert stage("fewshot", fewshot__per_seed=per_seed) == 0
    capsys.readouterr()
    assert stage(fewshot__per_seed=per_seed) == 0
    said = "12 pairs: de 4, sw 4, zh 4" if per_seed else "6 pairs: de 2, sw 2, zh 2"
    assert capsys.readouterr().out == f"data/translated/k2.parquet: {said}\n"
    assert set(read().split) == ({"train@1", "train@2"} if per_seed else {"train"})
    require_right()


def test_the_split_seed_deals_the_languages(stage):
    dealt = []
    for seed in (0, 1, 2, 3):
        assert stage(fewshot__split_seed=seed) == 0
        dealt.append(tuple(read().language))
        require_right()
    assert len(set(dealt)) > 1


def test_if_none_are_wanted_nothing_is_read_and_the_file_has_no_rows(project, stage, capsys):
    shutil.rmtree(project / "hub/xnli/all_languages")
    assert stage(fewshot__translations=False) == 0
    assert capsys.readouterr().out == (
        "data/translated/k2.parquet: no pairs, because fewshot.translations is false\n"
    )
    assert read().empty
    assert list(read().columns) == TRANSLATED_SPLITS.schema.names


def change(project, function):
    """Change the rows (as lists) of both files."""
    for name in FILES:
        path = project / "hub/xnli" / name
        table = pq.read_table(path)
        pq.write_table(table.from_pylist(function(table.to_pylist()), schema=table.schema), path)


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
def test_a_missing_translation_is_replaced_by_another_language(lacking, project, stage):
    assert stage() == 0
    before = read()
    change(project, lacking)
    assert stage() == 0
    kept = before.language != "zh"
    assert (~kept).sum() == 2
    pd.testing.assert_frame_equal(read()[kept], before[kept])
    assert set(read()[~kept].language) <= {"de", "sw"}
    for pair in read().itertuples():
        row = int(pair.pair_id.removeprefix("train-"))
        assert pair.target_hypothesis == TEXTS[pair.language][1][row]


def test_a_pair_without_any_translation_is_named(project, fails):
    change(project, without("de", "sw", "zh"))
    line = fails()
    (pair_id,) = set(split().pair_id) & set(line.split())
    assert line == (
        f"hub/xnli: all_languages/train: expected a translation of {pair_id} in one of "
        f"de, sw, zh, found none {WAY_OUT}"
    )


def test_missing_files_are_named(project, fails):
    folder = project / "hub/xnli"
    (folder / FILES[1]).unlink()
    assert fails().endswith(f"found train-00000-of-00002.parquet {WAY_OUT}")
    (folder / FILES[0]).rename(folder / "all_languages/train.parquet")
    first = min(row for row in rows() if row >= 18)
    assert fails() == (
        f"hub/xnli: all_languages/train: expected a row {first} for the pair train-{first}, "
        f"found fewer rows {WAY_OUT}"
    )
    (folder / "all_languages/train.parquet").unlink()
    assert fails() == (
        "params.yaml: datasets.xnli: expected files all_languages/train in hub/xnli "
        "(parquet, csv, tsv, jsonl), found de/test, de/validation, en/test, en/train, "
        f"en/validation, sw/test, sw/validation, zh/test, ... {WAY_OUT}"
    )


def test_another_order_of_rows_is_detected_by_the_english_text(project, fails):
    change(project, lambda found: found[1:] + found[:1])
    row, premises = rows()[0], TEXTS["en"][0]
    assert fails() == (
        f"hub/xnli: all_languages/train, row {row}: expected the premise of "
        f"train-{row} ({premises[row]!r}), found {premises[row + 1]!r} {WAY_OUT}"
    )


def test_spaces_and_case_make_no_difference(project, stage):
    def changed(rows):
        for row in rows:
            row["premise"]["en"] = f"  {row['premise']['en'].upper()} "
        return rows

    change(project, changed)
    assert stage() == 0
    require_right()


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (
            {"premise": "a", "hypothesis": "b"},
            "expected a field premise.en, found premise, hypothesis",
        ),
        (
            {"premise": {"en": "a", "de": "b", "sw": "c"}},
            "expected a field premise.zh, found premise.en, premise.de, premise.sw",
        ),
        (
            {"premise": dict.fromkeys(("en", *toys.TARGETS), "a")},
            "expected a field hypothesis.language, found premise.en, premise.de, premise.sw, "
            "premise.zh",
        ),
    ],
    ids=["text", "no Chinese", "no hypothesis"],
)
def test_another_form_is_refused(columns, found, project, fails):
    toys.write_parquet(pd.DataFrame([columns]), project / "hub/xnli" / FILES[0])
    assert fails() == f"hub/xnli: all_languages/train: {found} {WAY_OUT}"
    (project / "hub/xnli" / FILES[0]).write_text("no Parquet")
    assert fails().startswith(
        "hub/xnli: all_languages/train: train-00000-of-00002.parquet: expected a readable "
        "file, found ArrowInvalid: "
    )


def test_a_split_of_another_source_is_refused(fails):
    assert fails(fewshot__source="given") == (
        "data/fewshot/k2.parquet: expected a split from fewshot.source (given), found one from "
        "sample (mpt fewshot --shots 2 makes it anew)"
    )


def test_a_missing_split_is_named(fails):
    assert fails(shots=4) == (
        "data/fewshot/k4.parquet: expected the output of an earlier stage, found no such file"
    )


def test_a_translated_pair_of_the_test_is_refused_and_a_sentence_is_not(stage, fails):
    assert stage() == 0
    pair = read().iloc[0]
    test = artifacts.read_table(CORPORA / "test.parquet", EXAMPLES)
    row = test[test.language == pair.language].index[0]
    test.loc[row, "premise"] = pair.target_premise
    artifacts.write_table(test, CORPORA / "test.parquet", EXAMPLES)
    assert stage() == 0
    (TRANSLATED / "k2.parquet").unlink()
    test.loc[row, "hypothesis"] = pair.target_hypothesis.upper()
    artifacts.write_table(test, CORPORA / "test.parquet", EXAMPLES)
    assert fails() == (
        f"hub/xnli: all_languages/train, {pair.language}: expected no text of the test set, found "
        f"the pair {pair.pair_id} in it ({pair.target_premise!r}, {pair.target_hypothesis!r})"
    )


GIVEN = {"fewshot__source": "given"}


@pytest.fixture
def given(project, stage):
    """Read a given split of the toys' sentences; return a function that changes translations."""
    for name, start in (("train", 0), ("validation", 100)):
        frame = pd.DataFrame(
            {
                "premise": toys.sentences(6, "en", start=start),
                "hypothesis": toys.sentences(6, "en", start=start + 36),
                "label": [0, 1, 2] * 2,
            }
        )
        toys.write_parquet(frame, project / f"given/k2/{name}-00000-of-00001.parquet")
    rows = [
        (row, code, TEXTS[code][0][row], TEXTS[code][1][row])
        for code in toys.TARGETS
        for row in range(6)
    ]
    frame = pd.DataFrame(rows, columns=["row", "language", "premise", "hypothesis"])

    def write(change):
        toys.write_parquet(change(frame), project / "given/k2/train-translations.parquet")

    write(lambda frame: frame)
    assert stage("fewshot", **GIVEN) == 0
    return write


def test_given_translations_are_read_by_row_in_any_order(given, stage):
    assert stage(**GIVEN) == 0
    first = read()
    assert list(first.pair_id) == [f"k2/train-{row}" for row in range(6)]
    require_right()
    given(lambda frame: frame.sample(frac=1, random_state=0))
    assert stage(**GIVEN) == 0
    pd.testing.assert_frame_equal(read(), first)


def test_a_given_row_may_lack_a_language(given, stage):
    assert stage(**GIVEN) == 0
    first = read()
    pair = first.iloc[3]
    given(lambda frame: frame[(frame.row != 3) | (frame.language != pair.language)])
    assert stage(**GIVEN) == 0
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
            "expected each row once per language, found row 0 twice in de",
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
def test_given_translations_that_are_wrong_are_refused(changed, line, given, fails):
    given(changed)
    assert fails(**GIVEN) == f"given/k2/train-translations.parquet: {line} {WAY_OUT}"


def test_missing_given_translations_are_named(given, project, fails):
    path = project / "given/k2/train-translations.parquet"
    path.write_text("no Parquet")
    assert fails(**GIVEN).startswith(
        "given/k2/train-translations.parquet: expected a readable file, found "
    )
    path.unlink()
    assert fails(**GIVEN) == (
        "given/k2/train-translations.parquet: expected the training pairs' translations, found no "
        f"such file {WAY_OUT}"
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
    every = pd.concat([train.assign(language=code) for code in ("de", "sw", "zh")])
    known = {"languages": ("de", "sw", "zh"), "seed": 0, "place": "HERE"}
    ours = with_translations(train, every, **known).set_index("pair_id").language
    for seed in range(3):
        shuffled = train.sample(frac=1, random_state=seed)
        theirs = with_translations(shuffled, every.sample(frac=1, random_state=seed), **known)
        assert list(theirs.pair_id) == list(shuffled.pair_id)
        assert theirs.set_index("pair_id").language.to_dict() == ours.to_dict()
    with pytest.raises(InputError, match="HERE: expected a translation of train-4 in one of de"):
        with_translations(train, every[every.pair_id != "train-4"], **known)
    # A pair without text in its language gets any of the others, not always the first.
    has_other = every.language != every.pair_id.map(ours)
    others = with_translations(train, every[has_other], **known).set_index("pair_id").language
    for code in known["languages"]:
        assert set(others[ours == code]) == set(known["languages"]) - {code}


@real_data.needs(real_data.FEWSHOT)
@pytest.mark.parametrize("shots", [1, 16, 256])
def test_the_translations_of_zhao_and_schuetzes_splits_are_read(shots, stage):
    real = real_data.FEWSHOT
    targets = [code for code in LANGUAGES if code != "en"]
    held_out = [artifacts.read_table(CORPORA / "test.parquet", EXAMPLES)]
    for code in LANGUAGES:
        path = real_data.XNLI / f"{code}/test-00000-of-00001.parquet"
        if path.is_file():
            frame = pd.read_parquet(path)
            ids = [f"real-{row}" for row in range(len(frame))]
            held_out.append(frame.assign(language=code, pair_id=ids))
    artifacts.write_table(pd.concat(held_out), CORPORA / "test.parquet", EXAMPLES)
    for command in ("fewshot", "translations"):
        changes = {"fewshot__source": str(real), "languages__targets": targets}
        assert stage(command, shots=shots, **changes) == 0
    pairs = read(shots)
    assert list(pairs.pair_id) == [f"k{shots}/train-{row}" for row in range(3 * shots)]
    english = pd.read_parquet(real / f"k{shots}/train-00000-of-00001.parquet")
    assert list(pairs.premise) == list(english.premise)
    theirs = pd.read_parquet(real / f"k{shots}/train-translations.parquet")
    theirs = theirs.set_index(["row", "language"])
    for row, pair in enumerate(pairs.itertuples()):
        expected = theirs.loc[(row, pair.language)]
        assert (pair.target_premise, pair.target_hypothesis) == tuple(expected)
    counts = pairs.language.value_counts().reindex(targets, fill_value=0)
    assert counts.max() - counts.min() <= 1
