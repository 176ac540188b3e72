"""Freeze: a Program and one image become y = F x + r."""

from linearscope.interpreter.certificate import Certificate
from linearscope.interpreter.engine import Visit
from linearscope.interpreter.interpreter import LinearInterpreter, interpret
from linearscope.interpreter.windows import AxisSupport, Support, Window

__all__ = ["AxisSupport", "Certificate", "LinearInterpreter", "Support", "Visit", "Window", "interpret"]
