# ssfd: `make help` lists the targets. Settings are variables on the command line, e.g. `make CC=clang`.
CC        ?= gcc
OPT       ?= -O3
SANITIZE  ?=
BUILD     ?= build
PKGS      := gsl hdf5 openblas fftw3f libcrypto zlib
CPPFLAGS  += -Ilib -D_GNU_SOURCE -I/usr/include/nifti $(shell pkg-config --cflags $(PKGS))
CFLAGS    ?= -g
CFLAGS    += -std=c11 $(OPT) -Wall -Wextra -Werror -fopenmp -ffp-contract=fast $(SANITIZE)
LDLIBS    += $(filter-out -lgslcblas,$(shell pkg-config --libs $(PKGS))) -lniftiio -lznz -lz -lm

LIB_SRC   := $(sort $(wildcard lib/*/*.c))
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o)
PROG_SRC  := $(sort $(wildcard data_prep/*.c experiments/*.c))
PROGS     := $(patsubst %.c,$(BUILD)/bin/%,$(notdir $(PROG_SRC)))
TEST_SRC  := $(sort $(wildcard tests/*.c))
TEST_OBJ  := $(TEST_SRC:%.c=$(BUILD)/%.o)

all: $(PROGS)

$(BUILD)/libssfd.a: $(LIB_OBJ)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(KERNEL_FLAGS) -MMD -MP -c $< -o $@

vpath %.c data_prep experiments
$(BUILD)/bin/%: $(BUILD)/data_prep/%.o $(BUILD)/libssfd.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $^ $(LDLIBS) -o $@
$(BUILD)/bin/%: $(BUILD)/experiments/%.o $(BUILD)/libssfd.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/check_ssfd: $(TEST_OBJ) $(BUILD)/libssfd.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $^ $(LDLIBS) $(shell pkg-config --libs check) -o $@

check: $(PROGS) $(BUILD)/tests/check_ssfd
	SSFD_BIN=$(BUILD)/bin $(BUILD)/tests/check_ssfd

clean:
	rm -rf $(BUILD)

-include $(LIB_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(PROG_SRC:%.c=$(BUILD)/%.d)
.PHONY: all check clean
.SECONDARY:
