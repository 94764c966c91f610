"""The operations that count, by the names of torch's functions and methods: the one list of them.

This file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

#: Convolutions and transposed convolutions with their number of position axes.
CONVOLUTIONS = {"conv1d": 1, "conv2d": 2, "conv3d": 3}
TRANSPOSED = {"conv_transpose1d": 1, "conv_transpose2d": 2, "conv_transpose3d": 3}
#: Those of any kind, which is told by an argument.
ANY_CONVOLUTION = ("convolution", "_convolution")
#: Matrix products, with the positions of their two factors.
PRODUCTS = {
    "matmul": (0, 1), "__matmul__": (0, 1), "__rmatmul__": (1, 0), "mm": (0, 1), "bmm": (0, 1), "addmm": (1, 2),
    "baddbmm": (1, 2), "mv": (0, 1), "addmv": (1, 2), "linalg_matmul": (0, 1),
}  # fmt: skip
#: Sums over products by letters for their axes.
SPELT = ("einsum", "tensordot", "inner")
#: Products of several matrices.
CHAINS = ("chain_matmul", "multi_dot", "linalg_multi_dot")
#: Sums and products by an element: what a bias, a gain or noise does to a value on its way leaves it the same value.
SHIFTS = frozenset((
    "add", "add_", "__add__", "__radd__", "__iadd__", "sub", "sub_", "__sub__", "__isub__", "mul", "mul_", "__mul__",
    "__rmul__", "__imul__", "div", "div_", "__truediv__", "__itruediv__", "multiply", "true_divide", "divide",
))  # fmt: skip
#: What only changes the shape.
RESHAPES = frozenset(("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "__getitem__"))
#: What moves axes.
MOVES = frozenset((
    "transpose", "transpose_", "swapaxes", "swapdims", "permute", "movedim", "moveaxis", "t", "T", "H", "mT", "mH",
))  # fmt: skip
#: Sums over products that have no reading here: parameters that meet activations in them are not seen.
UNREAD = (
    "addbmm", "conv_tbc", "dot", "vdot", "linalg_vecdot", "_scaled_mm", "scaled_mm", "_grouped_mm", "grouped_mm",
    "_scaled_grouped_mm", "scaled_grouped_mm", "_int_mm",
)  # fmt: skip
#: Recurrent layers: one call runs many steps, so that nothing inside is seen.
RECURRENT = (
    "lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell",
)  # fmt: skip
#: Rectifiers without a kink where they switch: a network of them is nowhere linear, so it has no linear regions.
SMOOTH = frozenset((
    "elu", "elu_", "selu", "selu_", "celu", "celu_", "gelu", "silu", "mish", "hardswish", "softplus",
))  # fmt: skip
#: Activations that switch with the sign of their input, in place or not.
RECTIFIERS = frozenset((
    "relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "prelu", "rrelu", "rrelu_", *SMOOTH,
))  # fmt: skip
#: Normalisations: they return the shape that they are given.
NORMS = frozenset(("batch_norm", "instance_norm", "layer_norm", "group_norm", "rms_norm"))
#: Activations that saturate on large values.
SQUASHERS = frozenset(("tanh", "tanh_", "sigmoid", "sigmoid_", "hardtanh", "hardtanh_", "relu6", "softsign"))
#: What weighs positions by their first argument.
MIXERS = frozenset(("softmax", "scaled_dot_product_attention"))
#: All that multiplies and accumulates.
COUNTED = frozenset((
    *CONVOLUTIONS, *TRANSPOSED, *ANY_CONVOLUTION, *PRODUCTS, *RECURRENT, *CHAINS, *UNREAD, *SPELT, "linear", "bilinear",
    "scaled_dot_product_attention", "multi_head_attention_forward",
))  # fmt: skip
