"""Encoders of transformers: layers of attention and of a small network for each position."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor, dtypes
from . import functional as F
from .attention import MultiheadAttention
from .container import ModuleList
from .dropout import Dropout
from .functional_attention import additive_mask, causal_mask
from .linear import Linear
from .module import Module
from .norm import LayerNorm

__all__ = ["Transformer", "TransformerEncoder", "TransformerEncoderLayer"]


class TransformerEncoderLayer(Module):
    """Self-attention, then a network of two linear layers for each position, each added to what went in.

    Vaswani et al., "Attention is all you need" (2017), section 3.1; with `norm_first` as in Xiong et al., "On layer
    normalization in the transformer architecture" (2020), which is easier to train.

    Parameters
    ----------
    d_model, nhead : int
        E, and the number of heads, which divides it.
    dim_feedforward : int
        Hidden units of the network.
    dropout : float
        The probability of dropping a weight of attention, a hidden unit, or an element of what is added.
    activation : "relu", "gelu" or callable
        Between the two linear layers.
    layer_norm_eps : float
        Of both norms.
    batch_first : bool
        Whether sequences are (B, T, E) instead of (T, B, E).
    norm_first : bool
        Whether attention and network get normalised input, instead of the sums being normalised.
    bias : bool
        Whether linear layers and norms have biases.

    Raises
    ------
    ValueError, AssertionError, RuntimeError
        For settings that make no sense, as in PyTorch.

    Examples
    --------
    >>> import fastgrok
    >>> layer = TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(fastgrok.ones(3, 5, 8), Transformer.generate_square_subsequent_mask(5), is_causal=True).shape == (3, 5, 8)
    True
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        if isinstance(activation, str):
            if activation not in ("relu", "gelu"):
                raise ArgumentError(f"activation should be relu/gelu, not {activation}")
            activation = F.relu if activation == "relu" else F.gelu
        super().__init__()
        given = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **given)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **given)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **given)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **given)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **given)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Return a sequence like `src` (T, B, E), (B, T, E) if `batch_first`, or (T, E).

        `src_mask` (T, T) or (B * nhead, T, T), `src_key_padding_mask` (B, T) and `is_causal` are those of
        `MultiheadAttention`, and so are the errors.
        """
        if self.norm_first:
            x = src + self._attend(self.norm1(src), src_mask, src_key_padding_mask, is_causal)
            return x + self._feed_forward(self.norm2(x))
        x = self.norm1(src + self._attend(src, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self._feed_forward(x))

    def _attend(self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool) -> Tensor:
        x, _ = self.self_attn(x, x, x, padding, need_weights=False, attn_mask=mask, is_causal=is_causal)
        return self.dropout1(x)

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(Module):
    """Several encoder layers, one after another, and perhaps a norm.

    Parameters
    ----------
    encoder_layer : TransformerEncoderLayer
        Copied num_layers times, values and all: initialise the copies anew if they shall differ.
    num_layers : int
    norm : Module, optional
        Applied at the end; layers with `norm_first` need one.
    enable_nested_tensor, mask_check : bool
        About a fast path of PyTorch's; they change nothing here. Padded positions are calculated like all others.

    Examples
    --------
    >>> import fastgrok
    >>> encoder = TransformerEncoder(TransformerEncoderLayer(8, 2, 16, batch_first=True), num_layers=2)
    >>> encoder(fastgrok.ones(3, 5, 8)).shape == (3, 5, 8)
    True
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ):
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Pass `src` through all layers; masks as in `TransformerEncoderLayer`. Without layers: `IndexError`."""
        F.check_tensors("TransformerEncoder", src=src)
        if src_key_padding_mask is not None:  # made additive once, not in every layer
            src_key_padding_mask = additive_mask(
                "TransformerEncoder", "src_key_padding_mask", src_key_padding_mask, src.array.dtype, mask
            )
        if mask is not None:
            mask = additive_mask("TransformerEncoder", "mask", mask, src.array.dtype)
        if not len(self.layers):
            raise IndexError("TransformerEncoder: num_layers=0, expected at least one layer")
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return src if self.norm is None else self.norm(src)


class Transformer(Module):
    """Of PyTorch's pair of encoder and decoder only the mask is covered; making one raises `NotImplementedError`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("Transformer is not covered; TransformerEncoder and TransformerEncoderLayer are")

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return (sz, sz): 0 on and below the diagonal, -inf above, float32 unless `dtype` says otherwise.

        Raises
        ------
        TypeError, RuntimeError
            When sz is not a whole number or negative.

        Examples
        --------
        >>> Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        if isinstance(sz, bool) or not isinstance(sz, int | np.integer):
            raise TypeError(f"generate_square_subsequent_mask: sz={sz!r}, expected a whole number")
        if sz < 0:
            raise ShapeError(f"generate_square_subsequent_mask: sz={sz}, expected at least 0")
        if device is not None:
            dtypes.device(device)
        return causal_mask(int(sz), int(sz), np.dtype(np.float32) if dtype is None else dtypes.as_dtype(dtype))
