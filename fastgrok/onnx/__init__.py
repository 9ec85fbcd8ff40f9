"""Export of models to ONNX files, which onnxruntime and others run: `export`.

The model runs, and every op that it calculates is written down (`tracing`); a table says which ONNX nodes stand for an
op (`elementwise`, `arrays`, `layers`), and `graph` puts them together. Needs the package onnx:
`pip install 'fastgrok[onnx]'`.
"""

from .model import export

__all__ = ["export"]
