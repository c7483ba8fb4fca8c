/* Times one benchmark case, for tests/bench/bench.py. Runs it once untimed, writes what it computed, then
 * prints the wall time of each repetition in ms, one a line.
 *
 * Tensors come from a file, so that others can be timed on the same ones: datasets `input` and, for cases
 * that take two, `target`, both float32 (batch, channels, rows, columns). Without files input and weights are
 * random: the time does not depend on them. */
#include "core/clock.h"
#include "core/error.h"
#include "core/image.h"
#include "core/memory.h"
#include "core/progress.h"
#include "core/rng.h"
#include "io/h5.h"
#include "metrics/ssim.h"
#include "models/recon_unet.h"
#include "models/ssl_unet.h"
#include "models/vgg16.h"
#include "program/program.h"
#include "train/trainer.h"
#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "bench_ssfd"
#define PATH_LENGTH 4096
#define ENCODER_OUTPUT "block5_relu2"
#define VGG_OUTPUT "relu5_3"
#define TRAIN_RATE 1e-3
#define ADAM_BETA1 0.9 /* nn/adam.h */

typedef struct {
    const char *input, *weights, *output;
    int repeat, threads, batch, size;
    int channels, outputs; /* of the single convolution */
    uint64_t seed;
} options;

/* What a case works on. */
typedef struct {
    const options *o;
    int batch, channels, rows, columns;
    size_t image;          /* floats of one image, all its channels */
    float *input, *target; /* [batch][image]; target is NULL for cases without */
} bench;

typedef struct {
    const char *name, *what;
    int channels, batch, size; /* of the input; batch and size unless the command line or the file says */
    int has_target, has_weights;
    int (*measure)(const bench *b);
} bench_case;

/* ---------------------------------------------------------------- input */

static size_t floats(const bench *b) {
    return (size_t)b->batch * b->image;
}

static int set_shape(bench *b, const bench_case *c, int batch, int rows, int columns) {
    b->batch = batch;
    b->channels = c->channels;
    b->rows = rows;
    b->columns = columns;
    b->image = (size_t)c->channels * (size_t)rows * (size_t)columns;
    b->input = mem_alloc(floats(b) * sizeof(float));
    b->target = b->input && c->has_target ? mem_alloc(floats(b) * sizeof(float)) : NULL;
    return b->input && (b->target || !c->has_target) ? 0 : -1;
}

static int read_shape(bench *b, const h5_file *f, const bench_case *c) {
    int rank;
    hsize_t d[H5_MAX_RANK];
    if (h5_shape(f, "input", &rank, d) < 0)
        return -1;
    if (rank != 4 || d[0] < 1 || d[0] > 4096 || d[1] != (hsize_t)c->channels || d[2] < 1 || d[2] > 16384 ||
        d[3] < 1 || d[3] > 16384)
        return err_set("%s: input: expected (batch, %d, rows, columns) for %s", f->path, c->channels,
                       c->name);
    return set_shape(b, c, (int)d[0], (int)d[2], (int)d[3]);
}

static int read_tensors(bench *b, const bench_case *c) {
    h5_file *f = h5_open(b->o->input);
    if (!f)
        return -1;
    int status = read_shape(b, f, c);
    hsize_t dims[4] = {(hsize_t)b->batch, (hsize_t)b->channels, (hsize_t)b->rows, (hsize_t)b->columns};
    if (status == 0)
        status = h5_read_f32(f, "input", 4, dims, b->input);
    if (status == 0 && b->target)
        status = h5_read_f32(f, "target", 4, dims, b->target);
    h5_close(f);
    return status;
}

static int make_tensors(bench *b, const bench_case *c) {
    gsl_rng *rng = rng_stream(b->o->seed, RNG_TEST, 0, 0);
    int size = b->o->size ? b->o->size : c->size;
    int status = rng ? set_shape(b, c, b->o->batch ? b->o->batch : c->batch, size, size) : -1;
    for (size_t k = 0; status == 0 && k < floats(b); k++)
        b->input[k] = (float)(gsl_rng_uniform(rng) - 0.5);
    for (size_t k = 0; status == 0 && b->target && k < floats(b); k++)
        b->target[k] = b->input[k] + (float)(0.1 * gsl_rng_uniform(rng));
    if (rng)
        gsl_rng_free(rng);
    return status;
}

/* ---------------------------------------------------------------- measuring */

typedef struct {
    int (*run)(void *self);
    int (*write)(void *self, h5_file *f);
    void *self;
} work;

static int write_output(const char *path, const work *w) {
    h5_file *f = h5_create(path);
    if (!f)
        return -1;
    if (w->write(w->self, f) < 0) {
        h5_close(f);
        return -1;
    }
    return h5_commit(f);
}

static void print_seconds(double seconds) {
    printf("%.6f\n", 1e3 * seconds);
}

static int measure(const options *o, const work *w) {
    if (w->run(w->self) < 0 || (o->output && write_output(o->output, w) < 0))
        return -1;
    for (int k = 0; k < o->repeat; k++) {
        double start = clock_seconds();
        if (w->run(w->self) < 0)
            return -1;
        print_seconds(clock_seconds() - start);
    }
    return 0;
}

/* ---------------------------------------------------------------- networks, forward */

typedef struct {
    const bench *b;
    int last, workers;
    net_state **states; /* [workers] */
    float *out;         /* [batch][features] */
    size_t features;
} forward;

static void forward_image(forward *f, net_state *s, int k) {
    net_forward(s, f->b->input + (size_t)k * f->b->image, NULL);
    tensor_store(net_output(s, f->last), f->out + (size_t)k * f->features);
}

/* One image a thread; a single image has all threads to itself. */
static int forward_run(void *self) {
    forward *f = self;
    if (f->workers == 1) {
        for (int k = 0; k < f->b->batch; k++)
            forward_image(f, f->states[0], k);
        return 0;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(f->workers)
    for (int k = 0; k < f->b->batch; k++)
        forward_image(f, f->states[omp_get_thread_num()], k);
    return 0;
}

static int forward_write(void *self, h5_file *file) {
    const forward *f = self;
    const tensor *y = net_output(f->states[0], f->last);
    hsize_t dims[4] = {(hsize_t)f->b->batch, (hsize_t)y->channels, (hsize_t)y->rows, (hsize_t)y->columns};
    return h5_write_f32(file, "output", 4, dims, f->out, H5_F32);
}

static int forward_prepare(forward *f, const net *n) {
    const bench *b = f->b;
    f->workers = b->o->threads < b->batch ? b->o->threads : b->batch;
    f->states = mem_calloc((size_t)f->workers, sizeof *f->states);
    for (int k = 0; f->states && k < f->workers; k++)
        if (!(f->states[k] = net_state_create(n, b->rows, b->columns, f->last, NET_INFER)))
            return -1;
    if (!f->states)
        return -1;
    const tensor *y = net_output(f->states[0], f->last);
    f->features = (size_t)y->channels * (size_t)y->rows * (size_t)y->columns;
    f->out = mem_alloc((size_t)b->batch * f->features * sizeof(float));
    return f->out ? 0 : -1;
}

/* Takes n over, which may be NULL after a failure. */
static int measure_forward(const bench *b, net *n, const char *layer) {
    forward f = {.b = b, .last = n ? net_layer_find(n, layer) : -1};
    int status = f.last >= 0 && net_inference_only(n, f.last) == 0 && forward_prepare(&f, n) == 0
                     ? measure(b->o, &(work){forward_run, forward_write, &f})
                     : -1;
    for (int k = 0; f.states && k < f.workers; k++)
        net_state_free(f.states[k]);
    free(f.states);
    free(f.out);
    net_free(n);
    return status;
}

/* n with initial weights; NULL and freed on failure. */
static net *initialised(net *n, uint64_t seed) {
    if (n && net_init(n, seed) == 0)
        return n;
    net_free(n);
    return NULL;
}

static net *ssl_net(const options *o, const model *m) {
    ssl_unet_config config = ssl_unet_defaults();
    return o->weights ? model_load(o->weights, m) : initialised(m->create(&config), o->seed);
}

static int measure_ssl_encoder(const bench *b) {
    return measure_forward(b, ssl_net(b->o, &model_ssl_encoder), ENCODER_OUTPUT);
}

static int measure_recon_unet(const bench *b) {
    recon_unet_config config = recon_unet_defaults();
    return measure_forward(b,
                           b->o->weights ? model_load(b->o->weights, &model_recon_unet)
                                         : initialised(model_recon_unet.create(&config), b->o->seed),
                           "output");
}

static int measure_vgg(const bench *b, const char *layer) {
    vgg16 v;
    if ((b->o->weights ? vgg16_load(b->o->weights, layer, &v) : vgg16_random(b->o->seed, layer, &v)) < 0)
        return -1;
    return measure_forward(b, v.n, layer);
}

static int measure_vgg16(const bench *b) {
    return measure_vgg(b, VGG_OUTPUT);
}

static int measure_vgg16_shallow(const bench *b) {
    return measure_vgg(b, VGG16_DEFAULT_LAYER);
}

/* ---------------------------------------------------------------- one convolution */

/* Direct kernels instead: SSFD_CONV=direct. */
typedef struct {
    const bench *b;
    tensor x, y;
    conv_packed packed;
    float *w, *dw, *scratch;
} convolution;

static int convolution_run(void *self) {
    convolution *c = self;
    conv_forward(&c->x, &c->packed, NULL, 1, &c->y, c->b->o->threads, c->scratch);
    return 0;
}

static int gradient_run(void *self) {
    convolution *c = self;
    conv_weight_gradient(&c->x, &c->y, c->dw, c->scratch);
    return 0;
}

static int convolution_write(void *self, h5_file *file) {
    const convolution *c = self;
    hsize_t dims[4] = {(hsize_t)c->y.channels, (hsize_t)c->x.channels, 3, 3};
    return h5_write_f32(file, "weights", 4, dims, c->w, H5_F32);
}

static int convolution_prepare(convolution *c, gsl_rng *rng) {
    size_t count = 9 * (size_t)c->x.channels * (size_t)c->y.channels;
    size_t forward = conv_scratch(&c->x, c->y.channels) * (size_t)c->b->o->threads;
    size_t backward = conv_gradient_scratch(&c->x, c->y.channels);
    c->w = mem_alloc(count * sizeof(float));
    c->dw = mem_calloc(count, sizeof(float));
    c->packed.data = mem_aligned(conv_packed_floats(c->y.channels, c->x.channels) * sizeof(float));
    c->scratch = mem_aligned((forward > backward ? forward : backward) * sizeof(float));
    if (!c->w || !c->dw || !c->packed.data || !c->scratch || tensor_alloc(&c->x) < 0 ||
        tensor_alloc(&c->y) < 0)
        return -1;
    for (size_t k = 0; k < count; k++)
        c->w[k] = (float)(gsl_rng_uniform(rng) - 0.5);
    for (int k = 0; k < c->x.channels; k++)
        for (int row = 0; row < c->x.rows; row++)
            memcpy(tensor_row(&c->x, k, row), c->b->input + (size_t)row * (size_t)c->x.columns,
                   (size_t)c->x.columns * sizeof(float));
    conv_pack(c->w, c->y.channels, c->x.channels, &c->packed);
    return 0;
}

static int measure_convolution(const bench *b, int (*run)(void *self)) {
    gsl_rng *rng = rng_stream(b->o->seed, RNG_TEST, 1, 0);
    convolution c = {.b = b,
                     .x = tensor_shape(b->o->channels, b->rows, b->columns),
                     .y = tensor_shape(b->o->outputs, b->rows, b->columns)};
    int status =
        rng && convolution_prepare(&c, rng) == 0 ? measure(b->o, &(work){run, convolution_write, &c}) : -1;
    if (rng)
        gsl_rng_free(rng);
    tensor_free(&c.x);
    tensor_free(&c.y);
    free(c.packed.data);
    free(c.scratch);
    free(c.w);
    free(c.dw);
    return status;
}

static int measure_conv(const bench *b) {
    return measure_convolution(b, convolution_run);
}

static int measure_conv_gradient(const bench *b) {
    return measure_convolution(b, gradient_run);
}

/* ---------------------------------------------------------------- a training step */

/* The steps of the training loop itself (train/trainer.h), from one load of a batch to the next. The loop
 * draws dropout masks although the probability is 0. */
typedef struct {
    const bench *b;
    double *started; /* [steps + 1] */
    int64_t steps;
} training;

static int train_load(void *self, int64_t step, int position) {
    training *t = self;
    if (position == 0)
        t->started[step] = clock_seconds();
    return 0;
}

static int train_make(void *self, int64_t step, int position, float *input, float *target) {
    const bench *b = ((training *)self)->b;
    (void)step;
    memcpy(input, b->input + (size_t)position * b->image, b->image * sizeof(float));
    memcpy(target, b->target + (size_t)position * b->image, b->image * sizeof(float));
    return 0;
}

static int train_validate(void *self, const net *n, double *values) {
    training *t = self;
    (void)n;
    t->started[t->steps] = clock_seconds(); /* the last of these calls is behind the last step */
    values[0] = 0.0;
    return 0;
}

/* The gradient of the first step, parameter by parameter: Adam's first moment, which the checkpoint keeps, is
 * (1 - beta1) times it. n holds the weights behind that step. */
static int write_gradient(const net *n, const char *checkpoint, const char *path) {
    hsize_t count[1] = {n->param_floats};
    float *gradient = mem_alloc(n->param_floats * sizeof *gradient);
    h5_file *from = gradient ? h5_open(checkpoint) : NULL;
    h5_file *to = from ? h5_create(path) : NULL;
    int status = to ? h5_read_f32(from, "adam_m", 1, count, gradient) : -1;
    for (size_t k = 0; status == 0 && k < n->param_floats; k++)
        gradient[k] /= 1.0f - (float)ADAM_BETA1;
    for (int k = 0; status == 0 && k < n->param_count; k++) {
        const net_param *p = &n->params[k];
        hsize_t dims[4];
        for (int d = 0; d < p->rank; d++)
            dims[d] = (hsize_t)p->dims[d];
        status = h5_write_f32(to, p->name, p->rank, dims, gradient + p->offset, H5_F32);
    }
    h5_close(from);
    free(gradient);
    if (status == 0)
        return h5_commit(to);
    h5_close(to);
    return -1;
}

/* One step for the output, from where a second run goes on: another to warm its memory, then the timed ones.
 */
static int train(training *t, net *n, const char *folder) {
    const options *o = t->b->o;
    char checkpoint[PATH_LENGTH + 32];
    const trainer_task task = {.self = t,
                               .rows = t->b->rows,
                               .columns = t->b->columns,
                               .input_channels = 1,
                               .output_channels = 1,
                               .examples = t->b->batch,
                               .load = train_load,
                               .make = train_make,
                               .validate = train_validate,
                               .value_count = 1,
                               .value_names = {"none"}};
    trainer_config config = {.steps = t->steps,
                             .batch = t->b->batch,
                             .rate = TRAIN_RATE,
                             .loss = TRAINER_MSE,
                             .seed = o->seed,
                             .validate_every = INT_MAX,
                             .checkpoint_every = INT_MAX,
                             .folder = folder,
                             .settings = "benchmark",
                             .stop_after = 1};
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.h5", folder);
    if (trainer_run(n, &task, &config, NULL) < 0 ||
        (o->output && write_gradient(n, checkpoint, o->output) < 0))
        return -1;
    config.stop_after = 0;
    return trainer_run(n, &task, &config, NULL);
}

static void remove_folder(const char *folder) {
    static const char *const names[] = {"checkpoint.h5", "training_loss.csv"};
    char path[PATH_LENGTH + 32];
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[k]);
        unlink(path);
    }
    rmdir(folder);
}

static int measure_train_step(const bench *b) {
    training t = {.b = b, .steps = 2 + (int64_t)b->o->repeat};
    char folder[PATH_LENGTH];
    const char *temporary = getenv("TMPDIR");
    net *n = ssl_net(b->o, &model_ssl_unet);
    if (!n)
        return -1;
    for (int k = 0; k < n->layer_count; k++)
        n->layers[k].dropout = 0.0;
    snprintf(folder, sizeof folder, "%s/bench_ssfd_XXXXXX", temporary && *temporary ? temporary : "/tmp");
    t.started = mem_calloc((size_t)t.steps + 1, sizeof *t.started);
    int status = t.started ? 0 : -1;
    if (status == 0 && !mkdtemp(folder))
        status = err_set("%s: a temporary folder cannot be made", folder);
    if (status == 0) {
        status = train(&t, n, folder);
        remove_folder(folder);
    }
    for (int64_t k = 2; status == 0 && k < t.steps; k++)
        print_seconds(t.started[k + 1] - t.started[k]);
    free(t.started);
    net_free(n);
    return status;
}

/* ---------------------------------------------------------------- SSIM */

typedef struct {
    const bench *b;
    double *values; /* [batch] */
} similarity;

static int ssim_run(void *self) {
    similarity *s = self;
    const bench *b = s->b;
    err_box failure = {0};
#pragma omp parallel for schedule(dynamic, 1)
    for (int k = 0; k < b->batch; k++) {
        const float *reference = b->input + (size_t)k * b->image, *image = b->target + (size_t)k * b->image;
        if (image_ssim(reference, image, b->rows, b->columns, SSIM_WANG,
                       image_max_abs(reference, b->rows, b->columns), &s->values[k]) < 0)
            err_box_take(&failure);
    }
    return err_box_raise(&failure);
}

static int ssim_write(void *self, h5_file *file) {
    const similarity *s = self;
    hsize_t dims[1] = {(hsize_t)s->b->batch};
    return h5_write_f64(file, "output", 1, dims, s->values);
}

static int measure_ssim(const bench *b) {
    similarity s = {b, mem_calloc((size_t)b->batch, sizeof(double))};
    int status = s.values ? measure(b->o, &(work){ssim_run, ssim_write, &s}) : -1;
    free(s.values);
    return status;
}

/* ---------------------------------------------------------------- OpenBLAS */

typedef struct {
    const bench *b;
    float *out;
} product;

static int product_run(void *self) {
    const product *p = self;
    int n = p->b->rows;
    const float *first = p->b->input, *second = first + (size_t)n * (size_t)n;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0f, first, n, second, n, 0.0f, p->out,
                n);
    return 0;
}

static int product_write(void *self, h5_file *file) {
    const product *p = self;
    hsize_t dims[4] = {1, 1, (hsize_t)p->b->rows, (hsize_t)p->b->columns};
    return h5_write_f32(file, "output", 4, dims, p->out, H5_F32);
}

static int measure_sgemm(const bench *b) {
    if (b->batch != 1 || b->rows != b->columns)
        return err_set("sgemm: input: expected one pair of square matrices (1, 2, n, n)");
    openblas_set_num_threads(b->o->threads);
    product p = {b, mem_alloc(b->image / 2 * sizeof(float))};
    int status = p.out ? measure(b->o, &(work){product_run, product_write, &p}) : -1;
    free(p.out);
    return status;
}

/* ---------------------------------------------------------------- command line */

static const bench_case cases[] = {
    {"ssl_encoder", "encoder of SSFD's U-Net up to " ENCODER_OUTPUT, 1, 1, 320, 0, 1, measure_ssl_encoder},
    {"vgg16", "13 convolutions of VGG-16 up to " VGG_OUTPUT, 3, 1, 320, 0, 1, measure_vgg16},
    {"vgg16_relu2_2", "4 convolutions of VGG-16 up to " VGG16_DEFAULT_LAYER, 3, 1, 320, 0, 1,
     measure_vgg16_shallow},
    {"train_step", "training step of SSFD's U-Net: forward, backward, Adam; no dropout", 1, 4, 320, 1, 1,
     measure_train_step},
    {"recon_unet", "reconstruction U-Net", 2, 1, 320, 0, 1, measure_recon_unet},
    {"ssim", "SSIM (Wang et al.) of target against input", 1, 1, 320, 1, 0, measure_ssim},
    {"conv", "3x3 convolution and ReLU, --channels to --outputs", 1, 1, 320, 0, 0, measure_conv},
    {"conv_gradient", "gradient of its weights", 1, 1, 320, 0, 0, measure_conv_gradient},
    {"sgemm", "matrix product by OpenBLAS", 2, 1, 2048, 0, 0, measure_sgemm}};
#define CASES (sizeof cases / sizeof *cases)

static const bench_case *find_case(const char *name) {
    for (size_t k = 0; k < CASES; k++)
        if (strcmp(cases[k].name, name) == 0)
            return &cases[k];
    return NULL;
}

static int run(const options *o, const bench_case *c) {
    bench b = {.o = o};
    int status = o->input ? read_tensors(&b, c) : make_tensors(&b, c);
    if (status == 0)
        status = c->measure(&b);
    free(b.input);
    free(b.target);
    return status;
}

typedef struct {
    options o;
    operand_list name;
    const bench_case *c;
} command;

static int check(void *self) {
    command *m = self;
    m->c = find_case(m->name.at[0]);
    if (!m->c)
        return err_set("unknown case '%s'", m->name.at[0]);
    return m->o.weights && !m->c->has_weights ? err_set("%s takes no --weights", m->c->name) : 0;
}

static int run_command(void *self, run_record *record) {
    (void)record;
    command *m = self;
    omp_set_num_threads(m->o.threads);
    openblas_set_num_threads(1); /* as in the programs: threads work on different images */
    return run(&m->o, m->c);
}

int main(int argc, char **argv) {
    char names[2048] = "Cases:\n";
    static command m = {.o = {.repeat = 5, .channels = 20, .outputs = 20, .seed = 2022}};
    static const program_option table[] = {
        OPT_TEXT("input", &m.o.input, "FILE", "tensors `input` and `target`; without, random ones"),
        OPT_TEXT("weights", &m.o.weights, "FILE", "weights of the network; without, random ones"),
        OPT_TEXT("output", &m.o.output, "FILE", "where to write what was computed"),
        OPT_INT("repeat", &m.o.repeat, "N", 1, 1e6, "repetitions that are timed"),
        OPT_INT("batch", &m.o.batch, "N", 0, 4096, "images, without --input (0: the case's own number)"),
        OPT_INT("size", &m.o.size, "N", 0, 16384, "rows and columns, without --input (0: the case's own)"),
        OPT_INT("channels", &m.o.channels, "N", 1, 4096, "input channels of conv and conv_gradient"),
        OPT_INT("outputs", &m.o.outputs, "N", 1, 4096, "output channels of conv and conv_gradient"),
        OPT_INT("threads", &m.o.threads, "N", 1, 1024, "threads"),
        OPT_SEED("seed", &m.o.seed, "seed of random input and weights"),
        OPT_END};
    m.o.threads = omp_get_max_threads();
    for (size_t k = 0; k < CASES; k++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "  %-14s %s\n", cases[k].name,
                 cases[k].what);
    const program p = {
        .command = {.name = PROGRAM,
                    .summary = "Prints the wall time of each repetition of a benchmark case, in ms.",
                    .operands = "CASE",
                    .operands_min = 1,
                    .operands_max = 1,
                    .options = table,
                    .epilogue = names},
        .operands = &m.name,
        .one_rank = 1,
        .self = &m,
        .check = check,
        .run = run_command};
    return program_main(&p, argc, argv);
}
