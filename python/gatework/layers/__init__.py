from .base import Layer
from .input import Input, InputLayer
from .core import *
from .regularization import *
