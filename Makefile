# The programs, their tests and benchmarks; the study is in experiments/study.mk, training in data_prep/training.mk.
# `make help` lists targets and settings. It is made from the comments that begin with ##: above a variable, or after a
# target. Settings are variables on the command line: make reproduce LEVELS=21 FASTMRI="/media/My Passport".

# ---------------------------------------------------------------- settings
ifeq ($(origin CC),default)
## the C compiler
CC        := gcc
endif
## compiler flags of your own; the default keeps debugging symbols
CFLAGS    ?= -g
## optimisation
OPT       ?= -O3
## options of the sanitizers (make sanitize sets them)
SANITIZE  ?=
## 1: warnings are errors
WERROR    ?=
## 1: programs run on several processes or machines (mpirun), which is the default where OpenMPI is installed; empty: not
MPI       ?= $(shell pkg-config --exists ompi-c 2>/dev/null && echo 1)
## folder of what is built
BUILD     ?= build
## threads of every program
THREADS   ?= $(shell nproc)
## thread counts that make bench measures
BENCH_THREADS ?= 1,2
## rounds of make bench
BENCH_ROUNDS ?= 5
## more options of tests/bench/bench.py
BENCH     ?=

# $(call quoted,TEXT): one word of the shell, whatever TEXT holds. $(call as_target,PATH): the same file as a prerequisite.
quoted     = '$(subst ','\'',$(1))'
blank     := $() $()
as_target  = $(subst $(blank),\$(blank),$(1))
# $(call folders,NAMES OF VARIABLES): these become part of targets, which a blank would split.
folders    = $(foreach name,$(1),$(if $(word 2,$($(name))),$(error $(name)=$($(name)): make cannot write to a folder with a blank in its name)))
$(call folders,BUILD)

# ---------------------------------------------------------------- build
PKGS      := gsl hdf5 openblas fftw3f libcrypto zlib jansson $(if $(MPI),ompi-c)
CPPFLAGS  += $(if $(MPI),-DSSFD_MPI) -Ilib -D_GNU_SOURCE -I/usr/include/nifti $(shell pkg-config --cflags $(PKGS))
FLAGS     := -std=c11 $(OPT) -Wall -Wextra $(if $(WERROR),-Werror) -fopenmp -ffp-contract=fast $(SANITIZE)
# GSL's own BLAS would shadow OpenBLAS.
LDLIBS    += $(filter-out -lgslcblas,$(shell pkg-config --libs $(PKGS))) -lniftiio -lznz -lz -lm

LIB_SRC   := $(sort $(wildcard lib/*/*.c))
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o)
PROG_SRC  := $(sort $(wildcard data_prep/*.c experiments/*.c))
PROGS     := $(patsubst %.c,$(BUILD)/bin/%,$(notdir $(PROG_SRC)))
TEST_SRC  := $(sort $(wildcard tests/*.c))
TEST_OBJ  := $(TEST_SRC:%.c=$(BUILD)/%.o)
FORMATTED := $(wildcard lib/*/*.[ch] lib/*/*.inc data_prep/*.[ch] experiments/*.[ch] tests/*.[ch] tests/bench/*.c)

all: $(PROGS) ## build the programs into BUILD/bin

# The convolution kernels are compiled once per instruction set and chosen at run time (lib/nn/kernels.c).
ifneq ($(filter x86_64 amd64,$(shell uname -m)),)
$(BUILD)/lib/nn/kernels_avx512.o: KERNEL_FLAGS := -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx2 -mfma
$(BUILD)/lib/nn/kernels_avx2.o: KERNEL_FLAGS := -mavx2 -mfma
endif

# GCC makes vectors of "a > 0 ? b : b * c" only if the product may be computed, and raise a flag, where it is not used.
$(BUILD)/lib/nn/layers.o: KERNEL_FLAGS := -fno-trapping-math

# Everything is rebuilt when the compiler's name or its flags (OPT, SANITIZE, MPI, WERROR) change.
COMPILER  := $(call quoted,$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) $(LDLIBS))
$(BUILD)/.compiler: $(shell echo $(COMPILER) | cmp -s - $(BUILD)/.compiler || echo always)
	@mkdir -p $(@D) && echo $(COMPILER) >$@

# The templates and published numbers are part of the program (lib/report/template.h).
$(filter $(BUILD)/lib/report/%,$(LIB_OBJ)): $(wildcard lib/report/*.html experiments/*.csv)

$(BUILD)/%.o: %.c $(BUILD)/.compiler
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) $(KERNEL_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libssfd.a: $(LIB_OBJ)
	rm -f $@ && ar rcs $@ $^

# $(call link,LIBRARIES): the target from its prerequisites.
define link
@mkdir -p $(@D)
$(CC) $(CFLAGS) $(FLAGS) $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS) $(1) -o $@
endef
$(PROGS): $(BUILD)/bin/%: $(BUILD)/libssfd.a
	$(link)
$(foreach source,$(PROG_SRC),$(eval $(BUILD)/bin/$(notdir $(source:.c=)): $(BUILD)/$(source:.c=.o)))
$(BUILD)/tests/check_ssfd: $(TEST_OBJ) $(BUILD)/libssfd.a
	$(call link,$(shell pkg-config --libs check))
$(BUILD)/bench/bench_ssfd: $(BUILD)/tests/bench/bench_ssfd.o $(BUILD)/libssfd.a
	$(link)

# ---------------------------------------------------------------- checks
check: $(PROGS) $(BUILD)/tests/check_ssfd ## build and run the tests
	SSFD_BIN=$(BUILD)/bin $(BUILD)/tests/check_ssfd

check-suites: $(PROGS) $(BUILD)/tests/check_ssfd ## the same, THREADS suites at a time, each in its own process
	$(BUILD)/tests/check_ssfd --suites | SSFD_BIN=$(BUILD)/bin CK_TIMEOUT_MULTIPLIER=4 \
	    xargs -P $(THREADS) -I@ env CK_RUN_SUITE=@ $(BUILD)/tests/check_ssfd

# The thread pools of OpenMP and OpenBLAS live as long as the process, so only leaks of our own allocations are reported.
sanitize: ## the tests under the address and undefined-behaviour sanitizers, in a build of their own
	$(MAKE) check-suites BUILD=$(BUILD)/sanitize OPT=-O1 \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'

format: ## lay out the sources with clang-format
	clang-format -i $(FORMATTED)
format-check: ## report sources that clang-format would change
	clang-format --dry-run -Werror $(FORMATTED)

# Figures follow the rule of the study.
bench: $(PROGS) $(BUILD)/bench/bench_ssfd ## compare speed with other libraries: RESULTS/bench.csv and its figure (Python installs the peers)
	python3 tests/bench/bench.py --build $(BUILD) --results $(call quoted,$(RESULTS)) --cohort $(call quoted,$(COHORT)) \
	    --weights $(call quoted,$(WEIGHTS)) --recon-weights $(call quoted,$(RECON_WEIGHTS)) \
	    --threads $(BENCH_THREADS) --rounds $(BENCH_ROUNDS) $(BENCH)
	@$(MAKE) --no-print-directory $(RESULTS)/figures/bench.pdf

# ---------------------------------------------------------------- everything else
include experiments/study.mk data_prep/training.mk
HELP_FROM := $(MAKEFILE_LIST)

clean: ## remove BUILD; in build/ are also the cached cohort, trained models and downloaded weights
	rm -rf $(BUILD)

SETTINGS_SHOWN := $(shell awk '/^[A-Z0-9_]+ *[?:]?=/ && text {print $$1} {text = /^\#\# /}' $(HELP_FROM))
help: ## this list
	@$(foreach name,$(SETTINGS_SHOWN),$(name)=$(call quoted,$($(name)))) awk ' \
	    /^[a-z0-9-]+:.*## / { target = $$1; sub(/:.*/, "", target); sub(/.*## /, ""); printf "make %-17s %s\n", target, $$0 } \
	    /^[A-Z0-9_]+ *[?:]?=/ && text { settings = settings sprintf("\n  %-32s %s", $$1 "=" ENVIRON[$$1], text) } \
	    { text = /^## / ? substr($$0, 4) : "" } \
	    END { print "\nsettings, with their values:" settings }' $(HELP_FROM)

-include $(LIB_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(PROG_SRC:%.c=$(BUILD)/%.d) $(BUILD)/tests/bench/bench_ssfd.d
.PHONY: all check check-suites sanitize format format-check bench clean help always
.DELETE_ON_ERROR:
