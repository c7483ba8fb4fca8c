# Training of both networks, and the ablation of the pretext task. Included by the Makefile.

# ---------------------------------------------------------------- settings
## folder of the trained networks
MODELS    ?= build/models
## training steps of the SSL network
STEPS     ?= 4000
## training steps of the reconstruction network
RECON_STEPS ?= 3000
## more options of both trainings; the last one given counts
TRAINING  ?=
## networks of the ablation, PATCH_COVERAGE in pixels and percent
ABLATION_NETWORKS ?= 1_25 4_25 8_25 16_25 64_25 16_10 16_50 16_75
## training steps of each
ABLATION_STEPS ?= 100
## scans of the sweep with each
ABLATION_SCANS ?= 24
$(call folders,MODELS)

SSL_TRAINING := --schedule cosine --clip 1 --augment --rotation 10 --batch 4
RECON_TRAINING := --schedule cosine --clip 1 --augment --batch 2
# The rate rises over the first 200 steps, or a tenth of all.
steps      = --steps $(1) --warmup $$(($(1) < 2000 ? $(1) / 10 : 200))
TRAIN      = --cohort $(call quoted,$(COHORT)) --seed $(SEED) --threads $(THREADS)

# ---------------------------------------------------------------- networks
training-scans: $(BUILD)/bin/prepare_scans ## prepare the scans that training and validation read
	$(PREPARE_SCANS) --records $(call quoted,$(MODELS)/records) --split train --complex --no-reconstruction
	$(PREPARE_SCANS) --records $(call quoted,$(MODELS)/records) --split val --complex --no-reconstruction

models: $(BUILD)/bin/train_ssl $(BUILD)/bin/train_recon training-scans ## train both networks from scratch (resumes when interrupted)
	$(BUILD)/bin/train_ssl $(TRAIN) --out $(call quoted,$(MODELS)/ssl_unet) $(SSL_TRAINING) $(call steps,$(STEPS)) $(TRAINING)
	$(BUILD)/bin/train_recon $(TRAIN) --out $(call quoted,$(MODELS)/recon_unet) $(RECON_TRAINING) $(call steps,$(RECON_STEPS)) $(TRAINING)
	@$(MAKE) --no-print-directory learning-curves
	@if [ -f "$(MODELS)/ssl_unet/weights.h5" ] && [ -f "$(MODELS)/recon_unet/weights.h5" ]; then \
	    echo "use them with: make reproduce WEIGHTS=$(MODELS)/ssl_unet/weights.h5 RECON_WEIGHTS=$(MODELS)/recon_unet/weights.h5"; \
	else echo "not finished: make models resumes"; fi

check-models: $(BUILD)/bin/compare_weights ## whether make models gave the shipped weights: the same bytes on the same kind of CPU
	$< "$(MODELS)/ssl_unet/weights.h5" lib/models/weights/ssl_unet.h5
	$< "$(MODELS)/recon_unet/weights.h5" lib/models/weights/recon_unet.h5

learning-curves: $(patsubst %/training_loss.csv,%/learning_curve.pdf,$(wildcard $(MODELS)/*/training_loss.csv)) ## draw the curves of networks in MODELS, trained or in training
	@[ -n "$^" ] || { echo "$(MODELS): no network with a training_loss.csv; make models trains them" >&2; exit 1; }
$(MODELS)/%/learning_curve.pdf $(MODELS)/%/learning_curve.png: plots/learning_curve.gp plots/style.gp $(MODELS)/%/training_loss.csv
	$(call draw,$(MODELS)/$*/training_loss.csv,learning_curve)

# ---------------------------------------------------------------- ablation
# A folder for each network, named by what the network depends on; the sweep with it is next to its weights.
ABLATION  := $(MODELS)/ablation/$(ABLATION_STEPS)_steps_seed_$(SEED)
ABLATION_FOLDERS := $(ABLATION_NETWORKS:%=$(ABLATION)/%)
patch      = $(word 1,$(subst _, ,$(1)))
percent    = $(word 2,$(subst _, ,$(1)))
$(foreach name,$(ABLATION_NETWORKS),$(if $(call percent,$(name)),,\
    $(error ABLATION_NETWORKS: '$(name)' is not <patch>_<coverage in percent>)))

ablation: $(RESULTS)/figures/ablation.pdf ## train a network for each of ABLATION_NETWORKS and compare them: RESULTS/ablation.csv and its figure
	@echo "$(RESULTS)/ablation.csv and $<"

$(ABLATION)/.settings: always
	$(call keep_settings,cohort=$(COHORT) fastmri=$(FASTMRI) prepare=$(PREPARE) scans=$(ABLATION_SCANS) levels=$(LEVELS))
$(RESULTS)/.ablation: always
	$(call keep_settings,$(ABLATION_FOLDERS))

# A network that is trained already costs nothing here: its checkpoint is complete. Checkpoints of another cohort are refused.
$(ABLATION)/%/weights.h5: $(BUILD)/bin/train_ssl $(ABLATION)/.settings | training-scans
	$< $(TRAIN) --out "$(@D)" $(SSL_TRAINING) $(call steps,$(ABLATION_STEPS)) --validate-every $(ABLATION_STEPS) \
	    --patch $(call patch,$*) --coverage $$(echo $(call percent,$*) | awk '{print $$1 / 100}')
$(ABLATION)/%/perturbation_sweep_claims.csv: $(ABLATION)/%/weights.h5 $(BUILD)/bin/perturbation_sweep $(COHORT)/.test
	$(BUILD)/bin/perturbation_sweep --cohort $(call quoted,$(COHORT)) --weights "$<" --out "$(@D)" \
	    --scans $(ABLATION_SCANS) --levels $(LEVELS) --seed $(SEED) --threads $(THREADS)
$(RESULTS)/ablation.csv: $(BUILD)/bin/ablation $(ABLATION_FOLDERS:%=%/perturbation_sweep_claims.csv) $(RESULTS)/.ablation
	$< --cohort $(call quoted,$(COHORT)) --out $(call quoted,$(RESULTS)) --seed $(SEED) --threads $(THREADS) \
	    $(foreach folder,$(ABLATION_FOLDERS),$(call quoted,$(folder)))
.SECONDARY: $(ABLATION_FOLDERS:%=%/weights.h5)

.PHONY: models training-scans check-models learning-curves ablation
