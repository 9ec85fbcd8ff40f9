"""`MultiheadAttention`: several attentions side by side, each in a space of its own."""

import math
from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import ArgumentError, InputError, SettingsError
from ..tensor import Tensor
from ..tensor.functions import cat
from . import functional as F
from . import init
from .functional_attention import additive_mask, needs_no_weights
from .linear import Linear
from .module import Module
from .parameter import new_parameter

__all__ = ["MultiheadAttention", "NonDynamicallyQuantizableLinear"]


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` under the name that PyTorch gives the last product of attention, so that models print alike.

    PyTorch has a class of its own for it since quantizing it would go wrong there; here nothing is quantized.
    """


class MultiheadAttention(Module):
    """Attention of several heads: each projects queries, keys and values to embed_dim / num_heads numbers and attends.

    What the heads return stands side by side and is projected once more. Vaswani et al., "Attention is all you need"
    (2017), section 3.2.2.

    Parameters
    ----------
    embed_dim, num_heads : int
        E and H; H divides E.
    dropout : float
        The probability with which a weight of attention is dropped while training.
    bias : bool
        Whether the projections have biases.
    add_bias_kv : bool
        Whether one more key and value, that are learned, stand at the end of each sequence.
    add_zero_attn : bool
        Whether one more key and value of zeros stand there.
    kdim, vdim : int, optional
        The sizes of keys and values, E if None.
    batch_first : bool
        Whether sequences are (B, T, E) instead of (T, B, E).

    Attributes
    ----------
    in_proj_weight : Parameter (3 E, E) or None
        The projections of query, key and value, one below the other.
    q_proj_weight, k_proj_weight, v_proj_weight : Parameter (E, E), (E, kdim), (E, vdim) or None
        These instead, when kdim or vdim is not E. All are drawn by `init.xavier_uniform_`.
    in_proj_bias : Parameter (3 E,) or None
        Zeros at first, as is the bias of `out_proj`.
    out_proj : Linear
        The last projection.
    bias_k, bias_v : Parameter (1, 1, E) or None
        The learned key and value.

    Raises
    ------
    ValueError, AssertionError
        When embed_dim or num_heads is not positive, or the one no multiple of the other.

    Examples
    --------
    >>> import fastgrok
    >>> layer = MultiheadAttention(8, 2, batch_first=True)
    >>> x = fastgrok.ones(3, 5, 8)
    >>> output, weights = layer(x, x, x)
    >>> output.shape == (3, 5, 8), weights.shape == (3, 5, 5)
    (True, True)
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, "
                f"got embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        if embed_dim % num_heads:
            raise SettingsError(
                f"embed_dim must be divisible by num_heads, got embed_dim={embed_dim} and num_heads={num_heads}"
            )
        super().__init__()
        self.embed_dim = E = embed_dim
        self.kdim = E if kdim is None else kdim
        self.vdim = E if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == E
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = E // num_heads
        self.add_zero_attn = add_zero_attn
        together, apart = self._qkv_same_embed_dim, not self._qkv_same_embed_dim
        for name, shape, wanted in (
            ("q_proj_weight", (E, E), apart),
            ("k_proj_weight", (E, self.kdim), apart),
            ("v_proj_weight", (E, self.vdim), apart),
            ("in_proj_weight", (3 * E, E), together),
            ("in_proj_bias", (3 * E,), bias),
            ("bias_k", (1, 1, E), add_bias_kv),
            ("bias_v", (1, 1, E), add_bias_kv),
        ):
            self.register_parameter(name, new_parameter(shape, device, dtype) if wanted else None)
        self.out_proj = NonDynamicallyQuantizableLinear(E, E, bias, device, dtype)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from L positions of `query` to S positions of `key` and `value`.

        Parameters
        ----------
        query, key, value : Tensor (L, B, E), (S, B, kdim), (S, B, vdim)
            (B, L, E) and so on if `batch_first`; without the dimension B for a single sequence.
        key_padding_mask : Tensor (B, S) or (S,), optional
            Keys to ignore, where True; or numbers to add to their scores.
        need_weights : bool
            Whether to return the weights. Without them it is faster, and a query all of whose keys are masked gets
            zeros, where it gets nan with them.
        attn_mask : Tensor (L, S) or (B * H, L, S), optional
            Keys that a query must not attend to, where True; or numbers to add to the scores.
        average_attn_weights : bool
            Whether to return the mean of the heads' weights.
        is_causal : bool
            A hint that attn_mask, which must be given, is the causal one: query i attends to keys 0 .. i.

        Returns
        -------
        output : Tensor, like query
        weights : Tensor (B, L, S), or (B, H, L, S) unless averaged, or None

        Raises
        ------
        InputError (ValueError, RuntimeError, AssertionError)
            When sizes do not go together.
        ShapeError, DtypeError, TypeError
            Likewise.
        """
        F.check_tensors("MultiheadAttention", query=query, key=key, value=value)
        masks = {"key_padding_mask": key_padding_mask, "attn_mask": attn_mask}
        F.check_tensors("MultiheadAttention", **{name: m for name, m in masks.items() if m is not None})
        batched = query.array.ndim == 3
        self._check_dimensions(query, key, value, key_padding_mask, attn_mask)
        same = query is key and key is value
        if not batched:
            query, key, value = (x.unsqueeze(0 if self.batch_first else 1) for x in (query, key, value))
            key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        if is_causal and attn_mask is None:
            raise ArgumentError(
                "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
                "`generate_square_subsequent_mask` to create this mask."
            )
        self._check_sizes(query, key, value, key_padding_mask, attn_mask)
        # As in PyTorch the hint is then taken at its word: the mask is the causal one, whatever attn_mask holds.
        by_hint = is_causal and key_padding_mask is None and not need_weights
        mask = self._mask(query, key_padding_mask, None if by_hint else attn_mask)
        p, weights = self.dropout if self.training else 0.0, None
        packed = same and self._qkv_same_embed_dim
        plain = not (need_weights or self.add_zero_attn or self.bias_k is not None)
        heads = query.array.shape[0 if self.batch_first else 1] * self.num_heads
        if packed and plain and needs_no_weights(mask, p, heads):
            y = self.out_proj(self._attend_to_itself(query, mask, by_hint, p))
            return y if batched else y.squeeze(0 if self.batch_first else 1), None
        q, k, v = self._packed_heads(query) if packed else self._heads(query, key, value)
        k, v, mask = self._with_extra_keys(k, v, mask)

        if need_weights:
            scores = (q * math.sqrt(1 / self.head_dim)).matmul(k.transpose(-2, -1))
            weights = F.dropout((scores if mask is None else scores + mask).softmax(-1), p)
            y = weights.matmul(v)
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            y = F.scaled_dot_product_attention(q, k, v, mask, p, by_hint)
        y = y.permute((0, 2, 1, 3) if self.batch_first else (2, 0, 1, 3)).reshape(*query.shape[:2], self.embed_dim)
        y = self.out_proj(y)
        if not batched:
            y = y.squeeze(0 if self.batch_first else 1)
            weights = None if weights is None else weights.squeeze(0)
        return y, weights

    def _packed_heads(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return queries, keys and values (B, H, T, head_dim) of x, projected in one product.

        Of self-attention, where all three are projections of one x: one product of three times the width is quicker
        than three, and one op takes its result apart.
        """
        x = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        return apply(ops.Heads, x, parts=3, heads=self.num_heads, batch_first=self.batch_first)

    def _attend_to_itself(self, x: Tensor, mask: Tensor | None, causal: bool, p: float) -> Tensor:
        """Return what all heads attend to in x, side by side, without copying them apart."""
        x = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        settings = {"heads": self.num_heads, "scale": 1 / math.sqrt(self.head_dim), "batch_first": self.batch_first}
        return apply(ops.SelfAttention, x, mask=None if mask is None else mask.array, causal=causal, p=p, **settings)

    def _heads(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, ...]:
        """Return queries, keys and values (B, H, T, head_dim), each projected by itself: their inputs differ."""
        weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        if self._qkv_same_embed_dim:
            weights = self.in_proj_weight.chunk(3)
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        heads = []
        for x, weight, bias in zip((query, key, value), weights, biases, strict=True):
            x = F.linear(x, weight, bias)
            heads += apply(ops.Heads, x, parts=1, heads=self.num_heads, batch_first=self.batch_first)
        return tuple(heads)

    def _with_extra_keys(self, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
        """Add the learned key and value, and those of zeros, that the settings ask for. No mask hides them."""
        B, H, _, D = k.shape
        extra = []
        if self.bias_k is not None:
            extra.append([b.reshape(1, H, 1, D).expand(B, H, 1, D) for b in (self.bias_k, self.bias_v)])
        if self.add_zero_attn:
            extra.append([_zeros((B, H, 1, D), k)] * 2)
        for one_k, one_v in extra:
            k, v = cat([k, one_k], 2), cat([v, one_v], 2)
            mask = None if mask is None else cat([mask, _zeros((*mask.shape[:-1], 1), mask)], -1)
        return k, v, mask

    def _mask(self, query: Tensor, padding: Tensor | None, mask: Tensor | None) -> Tensor | None:
        """Return both masks as one, to be added to scores (B, H, L, S), or None."""
        dtype, merged = query.array.dtype, None
        if mask is not None:
            merged = additive_mask("MultiheadAttention", "attn_mask", mask, dtype)
            if merged.array.ndim == 3:
                merged = merged.reshape(-1, self.num_heads, *merged.shape[1:])
        if padding is not None:
            padding = additive_mask("MultiheadAttention", "key_padding_mask", padding, dtype, mask)
            padding = padding.reshape(padding.shape[0], 1, 1, padding.shape[1])
            merged = padding if merged is None else merged + padding
        return merged

    def _check_dimensions(self, query: Tensor, key: Tensor, value: Tensor, padding: Any, mask: Any) -> None:
        """Raise `InputError` unless all have as many dimensions as the query asks for."""
        ndim = query.array.ndim
        if ndim not in (2, 3):
            raise InputError(f"query should be unbatched 2D or batched 3D tensor but received {ndim}-D query tensor")
        for name, x, wanted in (
            ("key", key, (ndim,)),
            ("value", value, (ndim,)),
            ("key_padding_mask", padding, (ndim - 1,)),
            ("attn_mask", mask, (2, 3)),
        ):
            if x is not None and x.array.ndim not in wanted:
                raise InputError(
                    f"For {ndim}-D `query`, expected `{name}` to be {' or '.join(f'{n}-D' for n in wanted)} "
                    f"but found {x.array.ndim}-D tensor instead"
                )

    def _check_sizes(self, query: Tensor, key: Tensor, value: Tensor, padding: Any, mask: Any) -> None:
        """Raise `InputError` unless sizes go together; all have the dimension B."""
        order = (1, 0) if self.batch_first else (0, 1)
        (L, B), (S, B_key) = ([x.array.shape[i] for i in order] for x in (query, key))
        if query.array.shape[-1] != self.embed_dim:
            raise InputError(
                f"was expecting embedding dimension of {self.embed_dim}, but got {query.array.shape[-1]} for query"
            )
        k_shape, v_shape = key.array.shape, value.array.shape
        if k_shape[:2] != v_shape[:2] or (self._qkv_same_embed_dim and k_shape != v_shape) or B_key != B:
            raise InputError(
                f"query, key and value have shapes {query.array.shape}, {k_shape} and {v_shape}: key and value must "
                "have equal lengths, and all three equal batches"
            )
        if padding is not None and padding.array.shape != (B, S):
            raise InputError(f"key_padding_mask has shape {padding.array.shape}, expected {(B, S)}")
        if mask is not None:
            wanted = (L, S) if mask.array.ndim == 2 else (B * self.num_heads, L, S)
            if mask.array.shape != wanted:
                raise InputError(f"attn_mask has shape {mask.array.shape}, expected {wanted}")


def _zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    return Tensor._from_array(np.zeros(shape, like.array.dtype))
