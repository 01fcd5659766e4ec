"""Make model files: TensorFlow.js graph in, checked INT8 ONNX model out; needs the extra [models]."""
