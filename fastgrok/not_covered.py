"""What PyTorch has and fastgrok leaves out: the names that scripts use, and what to say about them."""

#: Names of one entry are separated by blanks.
_REASONS = {
    "half precision is not covered; use float32": "float16 half bfloat16",
    "mixed precision is not covered; calculate in float32 without it": "autocast amp",
    "complex numbers are not covered": "complex32 chalf complex64 cfloat complex128 cdouble complex",
    "devices other than the CPU are not covered, and need no setting here": "mps xpu mtia backends accelerator",
    "models are not compiled as a whole; use them as they are: their kernels are compiled": "compile jit fx",
    "transforms and second derivatives are not covered; use backward() or autograd.grad": """
        func vmap functional gradcheck gradgradcheck forward_ad""",
    "sparse and quantized tensors are not covered; use float32": "sparse sparse_coo quantization ao",
    "operations of one's own are not covered; compose them of others": "Function",
    "only the encoder is covered: TransformerEncoder and TransformerEncoderLayer": """
        TransformerDecoder TransformerDecoderLayer""",
    "three dimensions are not covered": """
        Conv3d ConvTranspose3d MaxPool3d AvgPool3d BatchNorm3d Dropout3d AdaptiveAvgPool3d AdaptiveMaxPool3d conv3d
        conv_transpose3d max_pool3d avg_pool3d dropout3d""",
    "resampling is not covered": """
        interpolate upsample Upsample UpsamplingNearest2d UpsamplingBilinear2d grid_sample affine_grid PixelShuffle
        PixelUnshuffle pixel_shuffle pixel_unshuffle""",
    "this normalization is not covered; see LayerNorm, GroupNorm and BatchNorm2d": """
        InstanceNorm1d InstanceNorm2d InstanceNorm3d LocalResponseNorm RMSNorm SyncBatchNorm instance_norm
        local_response_norm rms_norm weight_norm spectral_norm parametrize parametrizations prune remove_weight_norm""",
    "this loss is not covered": """
        CTCLoss ctc_loss PoissonNLLLoss poisson_nll_loss GaussianNLLLoss gaussian_nll_loss MultiLabelMarginLoss
        MultiLabelSoftMarginLoss MultiMarginLoss SoftMarginLoss TripletMarginWithDistanceLoss multi_margin_loss
        soft_margin_loss multilabel_margin_loss multilabel_soft_margin_loss triplet_margin_with_distance_loss
        AdaptiveLogSoftmaxWithLoss""",
    "this nonlinearity is not covered; see GELU, SiLU, Mish, ELU and PReLU": """
        SELU CELU RReLU Hardswish Hardsigmoid Hardshrink Softshrink Tanhshrink Softsign Softmin Softmax2d Threshold
        AlphaDropout selu celu rrelu hardswish hardsigmoid hardshrink softshrink tanhshrink softsign softmin threshold
        gumbel_softmax alpha_dropout feature_alpha_dropout""",
    "this layer is not covered": """
        Bilinear bilinear LazyLinear LazyConv1d LazyConv2d LazyBatchNorm1d LazyBatchNorm2d ReflectionPad1d
        ReflectionPad2d ReplicationPad1d ReplicationPad2d ZeroPad2d ConstantPad1d ConstantPad2d LPPool1d LPPool2d
        FractionalMaxPool2d MaxUnpool1d MaxUnpool2d max_unpool2d ChannelShuffle DataParallel""",
    "this optimizer is not covered; see SGD, Adam, AdamW, NAdam, RMSprop, Adagrad, Adadelta and Adamax": """
        RAdam LBFGS ASGD Rprop Adafactor Muon""",
    "linear algebra beyond products is not covered; use NumPy": """
        linalg svd qr inverse pinverse det logdet slogdet cholesky lstsq eig matrix_exp matrix_power cross cov
        corrcoef cdist""",
    "Fourier transforms are not covered; use NumPy": "fft stft istft",
    "distributions are not covered; see the functions that draw, such as normal and multinomial": "distributions",
    "this function is not covered": """
        nanmean nansum nanmedian nanquantile quantile kthvalue mode histc searchsorted bucketize cummax cummin
        logcumsumexp diff isin lerp addcmul addcdiv addr addbmm tensordot kron block_diag cartesian_prod combinations
        rot90 fliplr flipud index_fill index_put index_copy masked_scatter scatter_reduce put take unfold as_strided
        tril_indices triu_indices logspace atan2 atan asin acos sinh cosh asinh acosh atanh tan erfc erfinv lgamma
        digamma sigmoid_ frac trunc fmod hypot logaddexp logical_xor bitwise_and bitwise_or bitwise_xor bitwise_not
        heaviside nan_to_num copysign poisson empty_strided unique_consecutive""",
}
_REASON = {name: reason for reason, names in _REASONS.items() for name in names.split()}


def missing(owner: str, name: str) -> AttributeError:
    """Return the error for a name that `owner`, a module or a class, does not have."""
    reason = f": fastgrok does not cover {name}: {_REASON[name]}" if name in _REASON else ""
    return AttributeError(f"{owner} has no attribute {name!r}{reason}", name=name)
