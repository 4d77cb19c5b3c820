// The tile registers of a thread (AMX). While they hold anything, whoever switches away from the thread has
// their 8 KB to save, so they are given back at the end of each parallel region.
#pragma once
#include "api/types.h"

namespace gw {

// Rows that this thread's registers are configured for; 0: they hold nothing. Not thread_local, whose
// variables are asked for through a function.
extern __thread i32 tiles_configured;

} // namespace gw
