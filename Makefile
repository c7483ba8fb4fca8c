# ssfd: `make help` lists the targets. Settings are variables on the command line: `make reproduce LEVELS=21 THREADS=8`.

# ---------------------------------------------------------------- settings
ifeq ($(origin CC),default)
CC        := gcc
endif
OPT       ?= -O3
SANITIZE  ?=
# 1: programs run on several processes or machines (mpirun); empty: not. By default where OpenMPI can be built with.
MPI       ?= $(shell pkg-config --exists ompi-c 2>/dev/null && echo 1)
BUILD     ?= build
THREADS   ?= $(shell nproc)
SEED      ?= 2022
LEVELS    ?= 11
TEST_SCANS ?= 199
FASTMRI   ?=
ACCELERATION ?= 4
PREPARE   ?=
# Share of the test scans that are acquired a second time, with a fault, for quality control to find.
FAULTS    ?= $(if $(FASTMRI),0,0.1)
COHORT    ?= $(if $(FASTMRI),build/fastmri,build/cohort)
RESULTS   ?= results
WEIGHTS   ?= lib/models/weights/ssl_unet.h5
RECON_WEIGHTS ?= lib/models/weights/recon_unet.h5
MODELS    ?= build/models
BASELINES ?= vgg_pl,ssfd_random
BASELINE_SCANS ?= 24
LPIPS_WEIGHTS ?=
# What quality_control compares SSFD with, on all scans; the figure shows the first.
QUALITY_BASELINES ?= vgg_pl
REPLICATES ?= 4000
STEPS     ?= 4000
RECON_STEPS ?= 3000
# How they are trained; each option can be said again in TRAINING, which comes last.
SSL_TRAINING := --schedule cosine --clip 1 --augment --rotation 10 --batch 4
RECON_TRAINING := --schedule cosine --clip 1 --augment --batch 2
TRAINING  ?=
# The rate rises over the first 200 steps, or a tenth of them.
warmup_of = --warmup $$(($(1) < 2000 ? $(1) / 10 : 200))
# Networks of the ablation, <patch>_<coverage in percent>, how long each is trained, and the scans of its sweep.
ABLATION_NETWORKS ?= 1_25 4_25 8_25 16_25 64_25 16_10 16_50 16_75
ABLATION_STEPS ?= 100
ABLATION_SCANS ?= 24
BENCH_THREADS ?= 1,2
BENCH_ROUNDS ?= 5
BENCH     ?=

# VGG-16 on ImageNet, as Keras publishes it (58.9 MB). Once downloaded it is used; VGG16_WEIGHTS= takes random weights.
VGG16_URL ?= https://github.com/fchollet/deep-learning-models/releases/download/v0.1/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
VGG16_MD5 ?= 6d6bbae143d832006294945121d1f1fc
VGG16_FILE := build/weights/$(notdir $(VGG16_URL))
VGG16_WEIGHTS ?= $(wildcard $(VGG16_FILE))

# ---------------------------------------------------------------- build
PKGS      := gsl hdf5 openblas fftw3f libcrypto zlib jansson $(if $(MPI),ompi-c)
CPPFLAGS  += $(if $(MPI),-DSSFD_MPI) -Ilib -D_GNU_SOURCE -I/usr/include/nifti $(shell pkg-config --cflags $(PKGS))
CFLAGS    ?= -g
FLAGS     := -std=c11 $(OPT) -Wall -Wextra -Werror -fopenmp -ffp-contract=fast $(SANITIZE)
# GSL's own BLAS would shadow OpenBLAS.
LDLIBS    += $(filter-out -lgslcblas,$(shell pkg-config --libs $(PKGS))) -lniftiio -lznz -lz -lm

LIB_SRC   := $(sort $(wildcard lib/*/*.c))
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o)
PROG_SRC  := $(sort $(wildcard data_prep/*.c experiments/*.c))
PROGS     := $(patsubst %.c,$(BUILD)/bin/%,$(notdir $(PROG_SRC)))
TEST_SRC  := $(sort $(wildcard tests/*.c))
TEST_OBJ  := $(TEST_SRC:%.c=$(BUILD)/%.o)
FORMATTED := $(wildcard lib/*/*.[ch] lib/*/*.inc data_prep/*.[ch] experiments/*.[ch] tests/*.[ch] tests/bench/*.c)

all: $(PROGS)

# The convolution kernels are compiled once per instruction set and chosen at run time (lib/nn/kernels.c).
ifneq ($(filter x86_64 amd64,$(shell uname -m)),)
$(BUILD)/lib/nn/kernels_avx512.o: KERNEL_FLAGS := -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx2 -mfma
$(BUILD)/lib/nn/kernels_avx2.o: KERNEL_FLAGS := -mavx2 -mfma
endif

# GCC makes vectors of "a > 0 ? b : b * c" only if the product may be computed, and raise a flag, where it is not used.
$(BUILD)/lib/nn/layers.o: KERNEL_FLAGS := -fno-trapping-math

# All is made again when the compiler's name or its flags (OPT, SANITIZE, MPI) change.
COMPILER  := $(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) $(LDLIBS))
$(BUILD)/.compiler: $(shell echo '$(COMPILER)' | cmp -s - $(BUILD)/.compiler || echo always)
	@mkdir -p $(@D) && echo '$(COMPILER)' >$@

$(BUILD)/%.o: %.c $(BUILD)/.compiler
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) $(KERNEL_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libssfd.a: $(LIB_OBJ)
	rm -f $@ && ar rcs $@ $^

define PROGRAM_RULE
$(BUILD)/bin/$(notdir $(1:.c=)): $(BUILD)/$(1:.c=.o) $(BUILD)/libssfd.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(FLAGS) $$^ $$(LDLIBS) -o $$@
endef
$(foreach source,$(PROG_SRC),$(eval $(call PROGRAM_RULE,$(source))))

$(BUILD)/tests/check_ssfd: $(TEST_OBJ) $(BUILD)/libssfd.a
	$(CC) $(CFLAGS) $(FLAGS) $^ $(LDLIBS) $(shell pkg-config --libs check) -o $@

$(BUILD)/bench/bench_ssfd: $(BUILD)/tests/bench/bench_ssfd.o $(BUILD)/libssfd.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(FLAGS) $^ $(LDLIBS) -o $@

# ---------------------------------------------------------------- checks
check: $(PROGS) $(BUILD)/tests/check_ssfd
	SSFD_BIN=$(BUILD)/bin $(BUILD)/tests/check_ssfd

# The same with a process per suite, as many at a time as there are threads.
check-suites: $(PROGS) $(BUILD)/tests/check_ssfd
	$(BUILD)/tests/check_ssfd --suites | SSFD_BIN=$(BUILD)/bin CK_TIMEOUT_MULTIPLIER=4 \
	    xargs -P $(THREADS) -I@ env CK_RUN_SUITE=@ $(BUILD)/tests/check_ssfd

# Address and undefined-behaviour sanitizers in a build of their own. OpenMP's and OpenBLAS's thread pools live as long as
# the process, so leaks are looked for in what our own code allocates only.
sanitize:
	$(MAKE) check-suites BUILD=$(BUILD)/sanitize OPT=-O1 \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'

format:
	clang-format -i $(FORMATTED)
format-check:
	clang-format --dry-run -Werror $(FORMATTED)

# ---------------------------------------------------------------- benchmarks
# Beside other libraries, in turns; quiet machines give better numbers. The figure's rule is that of the study.
bench: $(PROGS) $(BUILD)/bench/bench_ssfd
	python3 tests/bench/bench.py --build $(BUILD) --results $(RESULTS) --cohort $(COHORT) --weights $(WEIGHTS) \
	    --recon-weights $(RECON_WEIGHTS) --threads $(BENCH_THREADS) --rounds $(BENCH_ROUNDS) $(BENCH)
	@$(MAKE) --no-print-directory $(RESULTS)/figures/bench.pdf

# ---------------------------------------------------------------- the study
# What is made along with another table first: when it was lost, what hangs on the other is made again, too.
FIGURES   := $(foreach name,$(if $(BASELINES),perturbation_baselines) perturbation_sweep layer_correlation_foreground layer_correlation quality_control inpainting,$(RESULTS)/figures/$(name).pdf $(RESULTS)/figures/$(name).png)
# From raw k-space, fastMRI's (FASTMRI=folder) or that of virtual scans, to prepared scans.
PREPARE_SCANS = $(BUILD)/bin/prepare_scans $(FASTMRI) --out $(COHORT) --seed $(SEED) --test $(TEST_SCANS) \
             --acceleration $(ACCELERATION) --threads $(THREADS) --records $(RESULTS)/records $(PREPARE)

# A file that changes with the text (1): what was made with other settings is made again.
define KEEP_SETTINGS
@mkdir -p $(@D)
@[ "$$(cat $@ 2>/dev/null)" = "$(1)" ] || echo "$(1)" > $@
endef

# Which settings the files below were made with: a change of a variable remakes what depends on it. Results in several
# folders share a cohort.
COHORT_SETTINGS := seed=$(SEED) test_scans=$(TEST_SCANS) fastmri=$(FASTMRI) acceleration=$(ACCELERATION) \
             prepare=$(PREPARE) faults=$(FAULTS) recon_weights=$(RECON_WEIGHTS)
SETTINGS  := $(COHORT_SETTINGS) cohort=$(COHORT) levels=$(LEVELS) weights=$(WEIGHTS) \
             baselines=$(BASELINES) baseline_scans=$(BASELINE_SCANS) vgg16=$(VGG16_WEIGHTS) lpips=$(LPIPS_WEIGHTS) \
             replicates=$(REPLICATES) quality_baselines=$(QUALITY_BASELINES)
$(COHORT)/.settings: always
	$(call KEEP_SETTINGS,$(COHORT_SETTINGS))
$(RESULTS)/.settings: always
	$(call KEEP_SETTINGS,$(SETTINGS))

reproduce: $(RESULTS)/index.html
	@echo "$(abspath $(RESULTS))/index.html"

figures: $(FIGURES)

$(COHORT)/.test: $(BUILD)/bin/prepare_scans $(RECON_WEIGHTS) $(COHORT)/.settings
	$(PREPARE_SCANS) --split test --weights $(RECON_WEIGHTS) --faults $(FAULTS)
	@touch $@

# What the experiments compare SSFD with.
BASELINE_FILES = $(if $(VGG16_WEIGHTS),--vgg16-weights $(VGG16_WEIGHTS)) $(if $(LPIPS_WEIGHTS),--lpips-weights $(LPIPS_WEIGHTS))
BASELINE   = $(if $(BASELINES),--baseline $(BASELINES)) --baseline-scans $(BASELINE_SCANS) $(BASELINE_FILES)

$(RESULTS)/perturbation_sweep.csv $(RESULTS)/foreground/perturbation_sweep_claims.csv \
             $(if $(BASELINES),$(RESULTS)/perturbation_baselines.csv) &: \
             $(BUILD)/bin/perturbation_sweep $(COHORT)/.test $(WEIGHTS) \
             $(wildcard $(VGG16_WEIGHTS) $(LPIPS_WEIGHTS)) $(RESULTS)/.settings
	$(BUILD)/bin/perturbation_sweep --cohort $(COHORT) --weights $(WEIGHTS) --out $(RESULTS) --levels $(LEVELS) \
	    --seed $(SEED) --threads $(THREADS) $(BASELINE)

$(RESULTS)/layer_correlation.csv $(RESULTS)/layer_correlation_scores.csv &: \
             $(BUILD)/bin/layer_correlation $(COHORT)/.test $(WEIGHTS) $(RESULTS)/.settings
	$(BUILD)/bin/layer_correlation --cohort $(COHORT) --weights $(WEIGHTS) --out $(RESULTS) --replicates $(REPLICATES) \
	    --seed $(SEED) --threads $(THREADS)

$(RESULTS)/quality_control.csv: $(BUILD)/bin/quality_control $(COHORT)/.test $(WEIGHTS) \
             $(wildcard $(VGG16_WEIGHTS) $(LPIPS_WEIGHTS)) $(RESULTS)/.settings
	$(BUILD)/bin/quality_control --cohort $(COHORT) --weights $(WEIGHTS) --out $(RESULTS) --replicates $(REPLICATES) \
	    --seed $(SEED) --threads $(THREADS) --baseline '$(QUALITY_BASELINES)' $(BASELINE_FILES)

# The same statistics of the same scores, with SSIM over the foreground for SSIM.
FOREGROUND = --columns ssim=ssim_foreground --out $(RESULTS)/foreground --replicates $(REPLICATES) --seed $(SEED) --threads $(THREADS)
$(RESULTS)/foreground/layer_correlation.csv: $(BUILD)/bin/layer_correlation $(RESULTS)/layer_correlation_scores.csv
	$< --table $(RESULTS)/layer_correlation_scores.csv $(FOREGROUND)
$(RESULTS)/foreground/quality_control.csv: $(BUILD)/bin/quality_control $(RESULTS)/quality_control.csv
	$< --table $(RESULTS)/quality_control.csv $(FOREGROUND)

$(RESULTS)/inpainting.csv: $(BUILD)/bin/inpainting $(COHORT)/.test $(WEIGHTS) $(RESULTS)/.settings
	$(BUILD)/bin/inpainting --cohort $(COHORT) --weights $(WEIGHTS) --out $(RESULTS) --seed $(SEED) --threads $(THREADS)

# One run draws both formats, aside first: figures appear whole or not at all. In a bare C locale gnuplot has no UTF-8.
define DRAW
LC_ALL=C.UTF-8 gnuplot -e "$(1); output='$(2)'" $< || { rm -f $(2).*; exit 1; }
@mv $(2).pdf $(3).pdf && mv $(2).png $(3).png
endef
$(RESULTS)/figures/%.pdf $(RESULTS)/figures/%.png: plots/%.gp plots/style.gp $(RESULTS)/%.csv
	@mkdir -p $(@D)
	$(call DRAW,results='$(RESULTS)',$(@D)/.$*,$(@D)/$*)

$(RESULTS)/figures/%_foreground.pdf $(RESULTS)/figures/%_foreground.png: plots/%.gp plots/style.gp $(RESULTS)/foreground/%.csv
	@mkdir -p $(@D)
	$(call DRAW,results='$(RESULTS)/foreground',$(@D)/.$*_foreground,$(@D)/$*_foreground)

# An ablation that was made meanwhile comes onto the page; as a prerequisite its figure would have networks trained.
NEW_ABLATION := $(shell [ $(RESULTS)/figures/ablation.png -nt $(RESULTS)/index.html ] && echo always)
$(RESULTS)/index.html: $(BUILD)/bin/report $(RESULTS)/foreground/perturbation_sweep_claims.csv $(FIGURES) \
             $(RESULTS)/foreground/quality_control.csv $(NEW_ABLATION)
	$(BUILD)/bin/report --results $(RESULTS) --weights $(WEIGHTS) --recon-weights $(RECON_WEIGHTS)

# ---------------------------------------------------------------- other people's weights
vgg16-weights:
	@data_prep/download_checked.sh '$(VGG16_URL)' $(VGG16_MD5) $(VGG16_FILE)

# ---------------------------------------------------------------- training
TRAIN      = --cohort $(COHORT) --seed $(SEED) --threads $(THREADS)
training-scans: $(BUILD)/bin/prepare_scans
	$(PREPARE_SCANS) --records $(MODELS)/records --split train --complex --no-reconstruction
	$(PREPARE_SCANS) --records $(MODELS)/records --split val --complex --no-reconstruction

models: $(BUILD)/bin/train_ssl $(BUILD)/bin/train_recon training-scans
	$(BUILD)/bin/train_ssl $(TRAIN) --out $(MODELS)/ssl_unet $(SSL_TRAINING) --steps $(STEPS) $(call warmup_of,$(STEPS)) $(TRAINING)
	$(BUILD)/bin/train_recon $(TRAIN) --out $(MODELS)/recon_unet $(RECON_TRAINING) --steps $(RECON_STEPS) \
	    $(call warmup_of,$(RECON_STEPS)) $(TRAINING)
	@$(MAKE) --no-print-directory learning-curves
	@if [ -f $(MODELS)/ssl_unet/weights.h5 ] && [ -f $(MODELS)/recon_unet/weights.h5 ]; then \
	    echo "use them with: make reproduce WEIGHTS=$(MODELS)/ssl_unet/weights.h5 RECON_WEIGHTS=$(MODELS)/recon_unet/weights.h5"; \
	else echo "not finished: make models goes on"; fi

# Whether a training on this machine gives the shipped weights again: the same bytes on the same kind of CPU.
check-models: $(BUILD)/bin/compare_weights
	$< $(MODELS)/ssl_unet/weights.h5 lib/models/weights/ssl_unet.h5
	$< $(MODELS)/recon_unet/weights.h5 lib/models/weights/recon_unet.h5

# Of whatever networks have been trained, or are being trained: the curve grows with every validation.
learning-curves: $(patsubst %/training_loss.csv,%/learning_curve.pdf,$(wildcard $(MODELS)/*/training_loss.csv))
	@[ -n "$^" ] || { echo "$(MODELS): no network with a training_loss.csv; make models trains them" >&2; exit 1; }

$(MODELS)/%/learning_curve.pdf $(MODELS)/%/learning_curve.png: plots/learning_curve.gp plots/style.gp $(MODELS)/%/training_loss.csv
	$(call DRAW,curve='$(MODELS)/$*/training_loss.csv',$(@D)/.learning_curve,$(@D)/learning_curve)

# Each network in a folder of its own that names what it depends on, with its sweep beside the weights.
ABLATION  := $(MODELS)/ablation/$(ABLATION_STEPS)_steps_seed_$(SEED)
ABLATION_FOLDERS := $(ABLATION_NETWORKS:%=$(ABLATION)/%)
patch_of = $(word 1,$(subst _, ,$(1)))
coverage_of = $(shell printf '%s' "$(word 2,$(subst _, ,$(1)))" | awk '{print $$1 / 100}')
$(foreach name,$(ABLATION_NETWORKS),$(if $(call patch_of,$(name)),$(if $(word 2,$(subst _, ,$(name))),,\
    $(error ABLATION_NETWORKS: '$(name)' is not <patch>_<coverage in percent>))))

# A trained network is at once done again from its checkpoint; of another cohort, the checkpoint is refused.
$(ABLATION)/.settings: always
	$(call KEEP_SETTINGS,cohort=$(COHORT) fastmri=$(FASTMRI) prepare=$(PREPARE) scans=$(ABLATION_SCANS) levels=$(LEVELS))
$(RESULTS)/.ablation: always
	$(call KEEP_SETTINGS,$(ABLATION_FOLDERS))

ablation: $(RESULTS)/figures/ablation.pdf
	@echo "$(RESULTS)/ablation.csv and $<"

$(ABLATION)/%/weights.h5: $(BUILD)/bin/train_ssl $(ABLATION)/.settings | training-scans
	$(BUILD)/bin/train_ssl $(TRAIN) --out $(@D) $(SSL_TRAINING) \
	    --steps $(ABLATION_STEPS) $(call warmup_of,$(ABLATION_STEPS)) --validate-every $(ABLATION_STEPS) \
	    --patch $(call patch_of,$*) --coverage $(call coverage_of,$*)
$(ABLATION)/%/perturbation_sweep_claims.csv: $(ABLATION)/%/weights.h5 $(BUILD)/bin/perturbation_sweep $(COHORT)/.test
	$(BUILD)/bin/perturbation_sweep --cohort $(COHORT) --weights $< --out $(@D) --scans $(ABLATION_SCANS) \
	    --levels $(LEVELS) --seed $(SEED) --threads $(THREADS)
$(RESULTS)/ablation.csv: $(BUILD)/bin/ablation $(ABLATION_FOLDERS:%=%/perturbation_sweep_claims.csv) $(RESULTS)/.ablation
	$(BUILD)/bin/ablation --cohort $(COHORT) --out $(RESULTS) --seed $(SEED) --threads $(THREADS) $(ABLATION_FOLDERS)
.SECONDARY: $(ABLATION_FOLDERS:%=%/weights.h5)

help:
	@echo "make                build the programs into $(BUILD)/bin"
	@echo "make reproduce      the study: default cohort, experiments, figures, $(RESULTS)/index.html"
	@echo "make figures        draw the figures again"
	@echo "make check          build and run the tests"
	@echo "make sanitize       the tests under the address and undefined-behaviour sanitizers"
	@echo "make models         train both networks from scratch (resumes when interrupted); learning-curves only draws their curves"
	@echo "make check-models   whether make models has given the shipped weights again"
	@echo "make ablation       networks of other patch sizes and coverages, each trained for a while: $(RESULTS)/ablation.csv and its figure"
	@echo "make vgg16-weights  download VGG-16's ImageNet weights, the poster's baseline (build/weights, 59 MB)"
	@echo "make bench          times beside other libraries: $(RESULTS)/bench.csv and its figure (Python fetches the peers)"
	@echo "make format         clang-format the sources; format-check only looks"
	@echo "make clean          remove $(BUILD), the cached cohort and trained models and downloaded weights in it included"
	@echo
	@echo "settings            CC=$(CC) OPT=$(OPT) SANITIZE=$(SANITIZE) MPI=$(MPI) BUILD=$(BUILD)"
	@echo "                    THREADS=$(THREADS) SEED=$(SEED)"
	@echo "                    LEVELS=$(LEVELS) TEST_SCANS=$(TEST_SCANS) COHORT=$(COHORT) RESULTS=$(RESULTS)"
	@echo "                    FASTMRI=$(FASTMRI) (folder of multicoil_train and multicoil_val; empty: virtual scans)"
	@echo "                    ACCELERATION=$(ACCELERATION) FAULTS=$(FAULTS) PREPARE=$(PREPARE) (more options of prepare_scans)"
	@echo "                    WEIGHTS=$(WEIGHTS) RECON_WEIGHTS=$(RECON_WEIGHTS)"
	@echo "                    BASELINES=$(BASELINES) BASELINE_SCANS=$(BASELINE_SCANS) (see perturbation_sweep --help)"
	@echo "                    VGG16_WEIGHTS=$(VGG16_WEIGHTS) LPIPS_WEIGHTS=$(LPIPS_WEIGHTS) (empty: random VGG-16, no LPIPS)"
	@echo "                    REPLICATES=$(REPLICATES) (of bootstrap intervals) QUALITY_BASELINES=$(QUALITY_BASELINES)"
	@echo "                    BENCH_THREADS=$(BENCH_THREADS) BENCH_ROUNDS=$(BENCH_ROUNDS) BENCH=$(BENCH) (more options of tests/bench/bench.py)"
	@echo "                    MODELS=$(MODELS) STEPS=$(STEPS) RECON_STEPS=$(RECON_STEPS) TRAINING=$(TRAINING) (more options of both)"
	@echo "                    ABLATION_STEPS=$(ABLATION_STEPS) ABLATION_SCANS=$(ABLATION_SCANS) ABLATION_NETWORKS='$(ABLATION_NETWORKS)' (patch_coverage)"

clean:
	rm -rf $(BUILD)

-include $(LIB_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(PROG_SRC:%.c=$(BUILD)/%.d) $(BUILD)/tests/bench/bench_ssfd.d
.PHONY: all bench check check-suites sanitize format format-check reproduce figures models training-scans check-models learning-curves ablation vgg16-weights help clean always
.DELETE_ON_ERROR:
