# The study: cohort, experiments, figures and the page that shows them. Included by the Makefile.

# ---------------------------------------------------------------- settings
## folder of fastMRI's multicoil_train and multicoil_val; empty: virtual scans
FASTMRI   ?=
## folder of the prepared scans
COHORT    ?= $(if $(FASTMRI),build/fastmri,build/cohort)
## folder of tables, figures and the page
RESULTS   ?= results
## random seed of every program
SEED      ?= 2022
## test scans
TEST_SCANS ?= 199
## acceleration of the undersampled scans
ACCELERATION ?= 4
## share of the test scans that are acquired a second time, with a fault, for quality control to find
FAULTS    ?= $(if $(FASTMRI),0,0.1)
## more options of prepare_scans
PREPARE   ?=
## the network of SSFD
WEIGHTS   ?= lib/models/weights/ssl_unet.h5
## the network that reconstructs
RECON_WEIGHTS ?= lib/models/weights/recon_unet.h5
## score that SSFD is held against: ssim, ssim_foreground, ...
AGAINST   ?= ssim
## levels of each perturbation
LEVELS    ?= 11
## distances that perturbation_sweep compares with SSFD (see its --help); empty: none
BASELINES ?= vgg_pl,ssfd_random
## scans that these are computed on
BASELINE_SCANS ?= 24
## distances that quality_control compares with SSFD, on all scans; the figure shows the first
QUALITY_BASELINES ?= vgg_pl
## replicates of bootstrap intervals
REPLICATES ?= 4000
## VGG-16 trained on ImageNet; by default what make vgg16-weights has downloaded; empty: random weights
VGG16_WEIGHTS ?= $(wildcard $(VGG16_FILE))
## weights of LPIPS; empty: no LPIPS
LPIPS_WEIGHTS ?=
$(call folders,COHORT RESULTS)

# ---------------------------------------------------------------- VGG-16 on ImageNet, as Keras publishes it
VGG16_URL ?= https://github.com/fchollet/deep-learning-models/releases/download/v0.1/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
VGG16_MD5 ?= 6d6bbae143d832006294945121d1f1fc
VGG16_FILE := build/weights/$(notdir $(VGG16_URL))
vgg16-weights: ## download the poster's baseline, VGG-16 trained on ImageNet (build/weights, 59 MB)
	@data_prep/download_checked.sh $(call quoted,$(VGG16_URL)) $(VGG16_MD5) $(VGG16_FILE)

# ---------------------------------------------------------------- what tables were made with
# A .settings file changes with its text, so a change of a variable remakes what depends on it. Results in several folders
# share a cohort.
define keep_settings
@mkdir -p "$(@D)"
@[ "$$(cat "$@" 2>/dev/null)" = $(call quoted,$(1)) ] || printf '%s\n' $(call quoted,$(1)) >"$@"
endef
COHORT_SETTINGS := seed=$(SEED) test_scans=$(TEST_SCANS) fastmri=$(FASTMRI) acceleration=$(ACCELERATION) \
    prepare=$(PREPARE) faults=$(FAULTS) recon_weights=$(RECON_WEIGHTS)
$(COHORT)/.settings: always
	$(call keep_settings,$(COHORT_SETTINGS))
$(RESULTS)/.settings: always
	$(call keep_settings,$(COHORT_SETTINGS) cohort=$(COHORT) weights=$(WEIGHTS) levels=$(LEVELS) baselines=$(BASELINES) \
	    baseline_scans=$(BASELINE_SCANS) vgg16=$(VGG16_WEIGHTS) lpips=$(LPIPS_WEIGHTS) replicates=$(REPLICATES) \
	    quality_baselines=$(QUALITY_BASELINES) against=$(AGAINST))

# ---------------------------------------------------------------- the cohort
# From raw k-space, fastMRI's or that of virtual scans, to prepared scans. Experiments read all scans of a folder. The
# default cohort belongs to make, which removes what an earlier, larger one left there. In any other folder nothing is
# removed without PREPARE=--prune.
PREPARE_SCANS = $(BUILD)/bin/prepare_scans $(if $(FASTMRI),$(call quoted,$(FASTMRI))) --out $(call quoted,$(COHORT)) \
    --seed $(SEED) --test $(TEST_SCANS) --acceleration $(ACCELERATION) --threads $(THREADS) \
    --records $(call quoted,$(RESULTS)/records) $(if $(FASTMRI)$(filter-out build/cohort,$(COHORT)),,--prune) $(PREPARE)
$(COHORT)/.test: $(BUILD)/bin/prepare_scans $(call as_target,$(RECON_WEIGHTS)) $(COHORT)/.settings
	$(PREPARE_SCANS) --split test --weights $(call quoted,$(RECON_WEIGHTS)) --faults $(FAULTS)
	@touch "$@"

# ---------------------------------------------------------------- the experiments
# Of each: the options of its program, files it reads besides cohort and weights, and tables it writes besides NAME.csv.
EXPERIMENTS := perturbation_sweep layer_correlation quality_control inpainting

against    = $(if $(filter-out ssim,$(AGAINST)),--against $(call quoted,$(AGAINST)))
networks   = $(if $(VGG16_WEIGHTS),--vgg16-weights $(call quoted,$(VGG16_WEIGHTS))) \
             $(if $(LPIPS_WEIGHTS),--lpips-weights $(call quoted,$(LPIPS_WEIGHTS)))
network_files = $(foreach name,VGG16_WEIGHTS LPIPS_WEIGHTS,$(call as_target,$(wildcard $(call as_target,$($(name))))))

perturbation_sweep.options = --levels $(LEVELS) $(if $(BASELINES),--baseline $(call quoted,$(BASELINES))) \
    --baseline-scans $(BASELINE_SCANS) $(networks) $(against)
perturbation_sweep.inputs = $(network_files)
perturbation_sweep.tables = $(if $(BASELINES),perturbation_baselines)

layer_correlation.options = --replicates $(REPLICATES) $(against)
layer_correlation.tables = layer_correlation_scores

quality_control.options = --replicates $(REPLICATES) --baseline $(call quoted,$(QUALITY_BASELINES)) $(networks) $(against)
quality_control.inputs = $(network_files)

define experiment
$(patsubst %,$(RESULTS)/%.csv,$(1) $($(1).tables)) &: $(BUILD)/bin/$(1) $(COHORT)/.test $(call as_target,$(WEIGHTS)) \
    $($(1).inputs) $(RESULTS)/.settings
	$$< --cohort $(call quoted,$(COHORT)) --weights $(call quoted,$(WEIGHTS)) --out $(call quoted,$(RESULTS)) \
	    --seed $(SEED) --threads $(THREADS) $($(1).options)
endef
$(foreach name,$(EXPERIMENTS),$(eval $(call experiment,$(name))))

# ---------------------------------------------------------------- figures and the page
# $(call draw,INPUT,FIGURE): figures appear whole or not at all. In the C locale gnuplot has no UTF-8.
define draw
@mkdir -p "$(@D)"
LC_ALL=C.UTF-8 gnuplot -c "$<" "$(1)" "$(@D)/.$(2)" || { rm -f "$(@D)/.$(2)".p*; exit 1; }
@for format in pdf png; do mv "$(@D)/.$(2).$$format" "$(@D)/$(2).$$format"; done
endef
$(RESULTS)/figures/%.pdf $(RESULTS)/figures/%.png: plots/%.gp plots/style.gp $(RESULTS)/%.csv
	$(call draw,$(RESULTS),$*)

# Tables that come with another one stand first: when one is lost, what depends on the other is made again, too.
TABLES    := $(foreach name,$(EXPERIMENTS),$($(name).tables:%=$(RESULTS)/%.csv))
FIGURES   := $(foreach name,$(if $(BASELINES),perturbation_baselines) $(EXPERIMENTS),$(RESULTS)/figures/$(name).pdf $(RESULTS)/figures/$(name).png)
figures: $(TABLES) $(FIGURES) ## draw the figures
reproduce: $(RESULTS)/index.html ## the study: default cohort, experiments, figures and RESULTS/index.html
	@echo $(call quoted,$(abspath $(RESULTS))/index.html)

# The page shows an ablation if there is one. Its figure is no prerequisite, which would start the training of networks.
NEW_ABLATION := $(shell [ "$(RESULTS)/figures/ablation.png" -nt "$(RESULTS)/index.html" ] && echo always)
$(RESULTS)/index.html: $(BUILD)/bin/report $(TABLES) $(FIGURES) $(NEW_ABLATION)
	$< --results $(call quoted,$(RESULTS)) --weights $(call quoted,$(WEIGHTS)) --recon-weights $(call quoted,$(RECON_WEIGHTS))

.PHONY: reproduce figures vgg16-weights
