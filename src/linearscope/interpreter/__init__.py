"""Freeze: a Program and one image become y = F x + r."""

from linearscope.interpreter.certificate import Certificate
from linearscope.interpreter.engine import Visit
from linearscope.interpreter.interpreter import LinearInterpreter, interpret

__all__ = ["Certificate", "LinearInterpreter", "Visit", "interpret"]
