// Attention, forward and backward; see isa.cpp.
#include "kernels/attention_backward.h"
