/* Moved to support.h. */
#include "core/memory.h"
#include "support.h"
