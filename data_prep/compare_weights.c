/* Whether a training has given the weights it should: those of another run of it. */
#include "core/file.h"
#include "core/cli.h"
#include "core/error.h"
#include "io/h5.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "compare_weights"

typedef struct {
    const char *path;
    char sha256[65];
    char *command; /* that trained it */
    char *data;    /* SHA-256 of the images that it was trained on */
    int64_t steps;
    double loss;
} training;

static int read_training(training *t, const char *path) {
    *t = (training){.path = path};
    h5_file *f = h5_open(path);
    if (!f)
        return -1;
    int status = h5_attr_text(f, "training_command", &t->command) == 0 &&
                         h5_attr_text(f, "training_data_sha256", &t->data) == 0 &&
                         h5_attr_integer(f, "training_steps", &t->steps) == 0 &&
                         h5_attr_real(f, "validation_loss_last", &t->loss) == 0
                     ? 0
                     : -1;
    h5_close(f);
    if (status == 0 && !(isfinite(t->loss) && t->loss > 0.0))
        status = err_set("%s: validation_loss_last is %g, expected a number above 0", path, t->loss);
    return status < 0 ? -1 : file_checksum(path, "sha256", t->sha256);
}

static int compare(const training *found, const training *expected, double tolerance) {
    double difference = fabs(found->loss - expected->loss) / expected->loss;
    if (strcmp(found->command, expected->command) != 0)
        return err_set("%s: trained by '%s', expected '%s' as for %s", found->path, found->command,
                       expected->command, expected->path);
    if (found->steps != expected->steps)
        return err_set("%s: trained for %lld steps, expected %lld as %s", found->path,
                       (long long)found->steps, (long long)expected->steps, expected->path);
    if (difference > tolerance)
        return err_set("%s: validation loss %.6g, expected that of %s, %.6g, within %g %%: it is %.2g %% off",
                       found->path, found->loss, expected->path, expected->loss, 100.0 * tolerance,
                       100.0 * difference);
    if (strcmp(found->sha256, expected->sha256) == 0)
        printf("%s: same bytes as %s\n", found->path, expected->path);
    else
        printf("%s: other bytes than %s, trained on %s images; validation loss %.6g and %.6g: %.2g %% apart, "
               "within %g %%\n",
               found->path, expected->path, strcmp(found->data, expected->data) == 0 ? "the same" : "other",
               found->loss, expected->loss, 100.0 * difference, 100.0 * tolerance);
    return 0;
}

int main(int argc, char **argv) {
    double percent = 5.0;
    const cli_option table[] = {
        {CLI_REAL, "tolerance", &percent, "PERCENT", "largest difference of the validation losses", 0, 100},
        {CLI_END, NULL, NULL, NULL, NULL, 0, 0}};
    const cli_spec spec = {
        PROGRAM,
        "Holds a weight file of train_ssl or train_recon against another one of the same command: the same\n"
        "bytes, or, from another kind of CPU or build, the same validation loss within a tolerance.",
        "FOUND EXPECTED",
        2,
        2,
        table,
        NULL};
    int first;
    cli_result parsed = cli_parse(&spec, argc, argv, &first, stdout, stderr);
    if (parsed != CLI_RUN)
        return parsed == CLI_DONE ? 0 : 2;
    training found = {0}, expected = {0};
    int status = read_training(&found, argv[first]) == 0 && read_training(&expected, argv[first + 1]) == 0
                     ? compare(&found, &expected, percent / 100.0)
                     : -1;
    free(found.command);
    free(expected.command);
    free(found.data);
    free(expected.data);
    return status < 0 ? cli_fail(PROGRAM) : 0;
}
