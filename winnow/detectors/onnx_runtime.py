"""onnxruntime, told before it is loaded that it is to report to nobody.

Since release 1.32 its Linux builds keep a device id below the user's home and upload usage to its maker unless this
variable is set when the library is loaded. What runs on the box is nobody else's business.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

__all__ = ["ort", "ort_errors"]
