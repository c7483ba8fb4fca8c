/* Moved to support.h. */
#include "support.h"
