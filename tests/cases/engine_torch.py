"""Makes engine_torch.toml: what PyTorch says of a thousand packets, for src/model/engine/tests.rs.

Run with any PyTorch: python tests/cases/engine_torch.py > tests/cases/engine_torch.toml
Weights and inputs come from a congruence that the Rust test has too, so that the file stays small.
"""

import torch

PACKETS = 1000


class Numbers:
    """Numbers from -1 to 1, exact in single precision."""

    def __init__(self, seed):
        self.state = seed

    def take(self, n, scale):
        values = []
        for _ in range(n):
            self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
            values.append((self.state >> 40) / 8388608.0 - 1.0)
        # In single precision, as the test multiplies.
        return torch.tensor(values, dtype=torch.float32) * torch.tensor(scale, dtype=torch.float32)


def case(cell, hidden, inputs, outputs, seed):
    gates = {"gru": 3, "lstm": 4}[cell]
    rnn = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](inputs, hidden)
    head = torch.nn.Linear(hidden, outputs)
    numbers = Numbers(seed)
    unit = (torch.tensor(1.0) / torch.tensor(float(hidden)).sqrt()).item()
    rows = gates * hidden
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(numbers.take(rows * inputs, 1.5 * unit).view(rows, inputs))
        rnn.weight_hh_l0.copy_(numbers.take(rows * hidden, 1.5 * unit).view(rows, hidden))
        rnn.bias_ih_l0.copy_(numbers.take(rows, unit))
        rnn.bias_hh_l0.copy_(numbers.take(rows, unit))
        head.weight.copy_(numbers.take(outputs * hidden, 2.0 * unit).view(outputs, hidden))
        head.bias.copy_(numbers.take(outputs, unit))
        x = Numbers(seed + 1).take(PACKETS * inputs, 2.0).view(PACKETS, inputs)
        _, last = rnn(x)
        h, *c = last if cell == "lstm" else (last,)
        state = torch.cat([h.flatten()] + [part.flatten() for part in c])
        out = head(h.flatten())
    print("[[case]]")
    print(f'cell = "{cell}"')
    for name, value in [("hidden", hidden), ("inputs", inputs), ("outputs", outputs)]:
        print(f"{name} = {value}")
    print(f"seed = {seed}\npackets = {PACKETS}")
    for name, values in [("state", state), ("heads", out)]:
        print(f"{name} = [")
        values = [f"{value:.8f}" for value in values.tolist()]
        for start in range(0, len(values), 8):
            print("    " + ", ".join(values[start : start + 8]) + ",")
        print("]")
    print()


torch.set_num_threads(1)
print(f"# Made by engine_torch.py with PyTorch {torch.__version__}.\n")
case("gru", 32, 17, 40, 101)
case("gru", 48, 21, 16, 103)
case("lstm", 32, 17, 40, 105)
case("lstm", 64, 9, 16, 107)
