"""Public names that are not compared, each with the reason."""

from parity.table import exempt

exempt("PyTorch has none: the order of an epoch from its number", "utils.data.EpochSampler")
exempt("a record that only workers get; tests/data/test_loader.py", "utils.data.WorkerInfo")
exempt("a shorter way to nn.functional.one_hot", "fastgrok.one_hot")
exempt("what RNN, LSTM and GRU have in common, and their cells: compared with them", "nn.RNNBase nn.RNNCellBase")
exempt(
    "PyTorch has no contrastive loss; tests/nn/test_functions_against_torch.py compares it with its formula",
    "nn.NTXentLoss nn.functional.nt_xent",
)
exempt("what all schedules have in common: compared with them", "optim.lr_scheduler.LRScheduler")
exempt("the engine under the tensors; tests/engine", "autograd.Variable autograd.apply")
exempt("the op that made a tensor, or None: an object of another kind", "Tensor.grad_fn Tensor.op Tensor.output")
exempt(
    "how views and rows of gradients are kept; tests/engine",
    "Tensor.gathered Tensor.is_view Tensor.parent Tensor.rebased",
)
exempt("an error by design: there is no such device or dtype", "Tensor.cuda Tensor.half Tensor.bfloat16")
exempt("draws text in one compiled loop; tests/nn/test_generate.py compares it with a loop", "fastgrok.generate")
exempt("compiles the kernels ahead of time; tests/ops", "fastgrok.warmup")
