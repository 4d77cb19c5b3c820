"""The table of recurrent cells: a new cell is one row here."""

from typing import NamedTuple


class CellRow(NamedTuple):
    """A cell as its users see it: the shapes of its weights and the number of its states."""

    name: str
    gates: int  # G: kernel (I, G·H), recurrent_kernel (H, G·H)
    states: int  # of (B, H) each; the first is the output
    bias_rows: int  # 1: bias (G·H,); 2: bias (2, G·H)
    peepholes: int = 0  # rows of weights (P, H) that multiply a state unit by unit
    clips: bool = False  # whether it knows a bound of c
    gammas: int = 0  # rows of gains (S, H) of layer normalization
    betas: int = 0  # 1 where a state is normalized, with a bias (H,)
    projects: bool = False  # whether h may be a projection of what it puts out

    def bias_shape(self, units: int) -> tuple[int, ...]:
        """The shape of the bias of ``units`` units."""
        columns = self.gates * units
        return (columns,) if self.bias_rows == 1 else (self.bias_rows, columns)


CELLS = {
    row.name: row
    for row in (
        CellRow("lstm", gates=4, states=2, bias_rows=1, projects=True),
        CellRow(
            "lstm_peephole",
            gates=4,
            states=2,
            bias_rows=1,
            peepholes=3,
            clips=True,
            projects=True,
        ),
        CellRow(
            "lstm_layer_norm",
            gates=4,
            states=2,
            bias_rows=1,
            clips=True,
            gammas=9,
            betas=1,
            projects=True,
        ),
        CellRow("gru", gates=3, states=1, bias_rows=2),
        CellRow("gru_v1", gates=3, states=1, bias_rows=1),
        CellRow("gru_layer_norm", gates=3, states=1, bias_rows=2, gammas=6),
        CellRow("simple_rnn", gates=1, states=1, bias_rows=1),
    )
}
