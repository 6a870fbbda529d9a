"""What long commands say where stderr is no terminal."""

from stages import terminal


def test_a_long_step_says_a_line_per_minute_and_a_short_one_nothing(monkeypatch, capsys):
    now = 0.0
    monkeypatch.setattr(terminal, "monotonic", lambda: now)
    with terminal.bar() as progress:
        for epoch in range(1, 11):
            now += 25
            progress("training", 21 * epoch, 210, f"epoch {epoch}, loss 0.500, dev 41.7 %")
        for done in (500, 1000):
            now += 40
            progress("predicting", done, 1000)
    assert capsys.readouterr().err.splitlines() == [
        "training 63 of 210, epoch 3, loss 0.500, dev 41.7 %, 3 min left",
        "training 126 of 210, epoch 6, loss 0.500, dev 41.7 %, 2 min left",
        "training 189 of 210, epoch 9, loss 0.500, dev 41.7 %, 0 min left",
        "predicting 500 of 1,000, 1 min left",
    ]
    with terminal.bar() as progress:
        for done in range(50):
            now += 1
            progress("training", done, 50)
    assert capsys.readouterr().err == ""
