/* Time. */
#ifndef SSFD_CORE_CLOCK_H
#define SSFD_CORE_CLOCK_H

double clock_seconds(void); /* monotonic wall clock */

#endif
