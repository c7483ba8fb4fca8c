#include "train/training_record.h"

#include "core/version.h"
#include "core/error.h"
#include <stdio.h>
#include <stdlib.h>

static int make_texts(training_record *r, const cli_spec *spec, const char *const *without) {
    char *arguments = cli_values(spec->options, without, CLI_ARGUMENTS);
    char *settings = cli_values(spec->options, without, CLI_SETTINGS);
    int status = arguments && settings ? 0 : -1;
    if (status == 0 &&
        (asprintf(&r->command, "%s %s", r->program, arguments) < 0 ||
         asprintf(&r->settings, "%s cohort=%s train_slices=%d train_sha256=%s validation_sha256=%s", settings,
                  r->cohort, r->slices, r->train_sha256, r->validation_sha256) < 0))
        status = err_set("out of memory");
    free(arguments);
    free(settings);
    return status;
}

int training_record_init(training_record *r, const cli_spec *spec, const char *const *without,
                         const slice_set *train, const slice_set *validation, int kind_count,
                         const prepared_kind *kinds) {
    *r = (training_record){.program = spec->program,
                           .cohort = train->split->cohort,
                           .seed = train->seed,
                           .slices = train->count};
    if (slice_set_checksum(train, kind_count, kinds, r->train_sha256) < 0 ||
        slice_set_checksum(validation, kind_count, kinds, r->validation_sha256) < 0)
        return -1;
    return make_texts(r, spec, without);
}

void training_record_free(training_record *r) {
    free(r->command);
    free(r->settings);
    r->command = r->settings = NULL;
}

int training_record_write(const training_record *r, const trainer_result *result, h5_file *f) {
    char program[64];
    snprintf(program, sizeof program, "%s " SSFD_VERSION, r->program);
    return h5_set_text(f, "training_program", program) < 0 ||
                   h5_set_text(f, "training_command", r->command) < 0 ||
                   h5_set_text(f, "training_settings", r->settings) < 0 ||
                   h5_set_integer(f, "training_seed", (int64_t)r->seed) < 0 ||
                   h5_set_text(f, "training_cohort", r->cohort) < 0 ||
                   h5_set_integer(f, "training_slices", r->slices) < 0 ||
                   h5_set_text(f, "training_data_sha256", r->train_sha256) < 0 ||
                   h5_set_text(f, "validation_data_sha256", r->validation_sha256) < 0 ||
                   h5_set_integer(f, "training_steps", result->steps) < 0 ||
                   h5_set_integer(f, "training_best_step", result->best_step) < 0 ||
                   h5_set_real(f, "training_loss", result->train_loss) < 0 ||
                   h5_set_real(f, "validation_loss_best", result->best_loss) < 0 ||
                   h5_set_real(f, "validation_loss_last", result->last_loss) < 0
               ? -1
               : 0;
}
