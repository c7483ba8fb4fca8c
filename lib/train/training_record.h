/* What a weight file says of its training, so that a reader can judge it and repeat it. */
#ifndef SSFD_TRAIN_TRAINING_RECORD_H
#define SSFD_TRAIN_TRAINING_RECORD_H

#include "core/checksum.h"
#include "core/cli.h"
#include "train/slice_set.h"
#include "train/trainer.h"

typedef struct {
    const char *program, *cohort; /* not its own */
    uint64_t seed;
    int slices;
    char train_sha256[CHECKSUM_HEX], validation_sha256[CHECKSUM_HEX];
    char *command;  /* trains the same network; options that cannot change the weights are left out */
    char *settings; /* all that the weights depend on, as words: what a checkpoint is checked against */
} training_record;

/* Takes the present values of the program's options but those named in `without` (paths, threads, how often
 * to save; ends with NULL), and the checksums of all images of the kinds that are trained and validated on:
 * reads them all. Release with training_record_free() in either case. */
int training_record_init(training_record *r, const cli_spec *spec, const char *const *without,
                         const slice_set *train, const slice_set *validation, int kind_count,
                         const prepared_kind *kinds);
void training_record_free(training_record *r);

/* Adds the attributes training_program, _command, _settings, _seed, _cohort, _slices, _data_sha256, _steps,
 * _best_step and training_loss (mean over the last steps), validation_data_sha256, validation_loss_best and
 * validation_loss_last to an open weight file. */
int training_record_write(const training_record *r, const trainer_result *result, h5_file *file);

#endif
