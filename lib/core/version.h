#ifndef SSFD_CORE_VERSION_H
#define SSFD_CORE_VERSION_H

#define SSFD_VERSION "0.1.0"

#endif
