/* Times one benchmark case, for tests/bench/bench.py: runs it once untimed, then prints the wall time of each
 * repetition in ms, one a line. Tensors are random, and so are weights that are not given: the time does not depend
 * on them.
 *
 * --job writes what the case works on, so that other libraries can do the same: datasets `input` and, for cases that
 * take two, `target`, both float32 (batch, channels, rows, columns). For a network the attribute `layers` is a CSV of
 * its layers, from the first one after the input, and there is a dataset per parameter, named as in weight files.
 * --output writes what was computed. */
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

#define PATH_LENGTH 4096
#define ENCODER_OUTPUT "block5_relu2"
#define VGG_OUTPUT "relu5_3"
#define TRAIN_RATE 1e-3
#define ADAM_BETA1 0.9 /* nn/adam.h */

typedef struct {
    operand_list operands;
    const struct bench_case *found;
    const char *weights, *job, *output;
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
    h5_file *job;          /* NULL without --job */
} bench;

typedef struct bench_case {
    const char *name, *what;
    int channels, batch, size; /* of the input; batch and size unless the command line gives them */
    int has_target, has_weights;
    int (*measure)(const bench *b);
} bench_case;

/* ---------------------------------------------------------------- the job */

static size_t floats(const bench *b) {
    return (size_t)b->batch * b->image;
}

/* Of mean 0.05, as networks see images; the largest magnitude is that of the maximum, SSIM's range. */
static int make_tensors(bench *b, const bench_case *c) {
    gsl_rng *rng = rng_stream(b->o->seed, RNG_TEST, 0, 0);
    b->batch = b->o->batch ? b->o->batch : c->batch;
    b->channels = c->channels;
    b->rows = b->columns = b->o->size ? b->o->size : c->size;
    b->image = (size_t)b->channels * b->rows * b->columns;
    b->input = mem_alloc(floats(b) * sizeof(float));
    b->target = mem_alloc(floats(b) * sizeof(float));
    int status = rng && b->input && b->target ? 0 : -1;
    for (size_t k = 0; status == 0 && k < floats(b); k++) {
        b->input[k] = (float)(1.9 * gsl_rng_uniform(rng) - 0.9);
        b->target[k] = b->input[k] + (float)(0.1 * gsl_rng_uniform(rng));
    }
    if (rng)
        gsl_rng_free(rng);
    return status;
}

static int write_tensors(const bench *b, int has_target) {
    hsize_t dims[4] = {(hsize_t)b->batch, (hsize_t)b->channels, (hsize_t)b->rows, (hsize_t)b->columns};
    if (h5_write_f32(b->job, "input", 4, dims, b->input, H5_F32) < 0)
        return -1;
    return has_target ? h5_write_f32(b->job, "target", 4, dims, b->target, H5_F32) : 0;
}

/* A dataset per parameter: the weights, or a gradient. */
static int write_params(h5_file *f, const net *n, const float *values) {
    for (int k = 0; k < n->param_count; k++) {
        const net_param *p = &n->params[k];
        hsize_t dims[4];
        for (int d = 0; d < p->rank; d++)
            dims[d] = (hsize_t)p->dims[d];
        if (h5_write_f32(f, p->name, p->rank, dims, values + p->offset, H5_F32) < 0)
            return -1;
    }
    return 0;
}

/* Up to the layer `last`. */
static int write_network(h5_file *f, const net *n, int last) {
    static const char *const kinds[] = {"input",         "conv",     "conv",     "up_conv", "group_norm",
                                        "instance_norm", "max_pool", "avg_pool", "dropout", "concat"};
    char text[16384];
    int used = snprintf(text, sizeof text, "kind,first,second,params,name,relu,groups,slope\n");
    for (int k = 1; k <= last; k++) {
        const net_layer *l = &n->layers[k];
        const char *weight = l->weight >= 0 ? n->params[l->weight].name : "";
        int stem = (int)(strlen(weight) - (*weight ? strlen(".weight") : 0));
        if (l->standardize)
            return err_set("%s: standardised weights are not written", weight);
        used +=
            snprintf(text + used, sizeof text - (size_t)used, "%s,%d,%d,%.*s,%s,%d,%d,%g\n", kinds[l->kind],
                     l->input[0], l->input[1], stem, weight, l->name, l->relu, l->groups, l->slope);
    }
    return h5_set_text(f, "layers", text) < 0 ? -1 : write_params(f, n, n->values);
}

/* ---------------------------------------------------------------- measuring */

typedef struct {
    int (*run)(void *self);
    void *self;
    hsize_t
        dims[4]; /* of what was computed: real numbers, or double precision ones, or nothing of interest */
    const float *values;
    const double *doubles;
} work;

static int write_output(const char *path, const work *w) {
    h5_file *f = h5_create(path);
    if (!f)
        return -1;
    int status = w->values ? h5_write_f32(f, "output", 4, w->dims, w->values, H5_F32)
                           : h5_write_f64(f, "output", 4, w->dims, w->doubles);
    if (status == 0)
        return h5_commit(f);
    h5_close(f);
    return -1;
}

static void print_seconds(double seconds) {
    printf("%.6f\n", 1e3 * seconds);
}

static int measure(const options *o, const work *w) {
    if (w->run(w->self) < 0 || (o->output && (w->values || w->doubles) && write_output(o->output, w) < 0))
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
    f->features = (size_t)y->channels * y->rows * y->columns;
    f->out = mem_alloc((size_t)b->batch * f->features * sizeof(float));
    return f->out ? 0 : -1;
}

/* Takes n over, which may be NULL after a failure. */
static int measure_forward(const bench *b, net *n, const char *layer) {
    forward f = {.b = b, .last = n ? net_layer_find(n, layer) : -1};
    int status = -1;
    if (f.last >= 0 && (!b->job || write_network(b->job, n, f.last) == 0) &&
        net_inference_only(n, f.last) == 0 && forward_prepare(&f, n) == 0) {
        const tensor *y = net_output(f.states[0], f.last);
        const hsize_t images = (hsize_t)b->batch, channels = (hsize_t)y->channels;
        status = measure(b->o, &(work){.run = forward_run,
                                       .self = &f,
                                       .dims = {images, channels, (hsize_t)y->rows, (hsize_t)y->columns},
                                       .values = f.out});
    }
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

/* The given weights, or initial ones. */
static net *network(const options *o, const model *m, const void *config) {
    return o->weights ? model_load(o->weights, m) : initialised(m->create(config), o->seed);
}

static net *ssl_net(const options *o, const model *m) {
    ssl_unet_config config = ssl_unet_defaults();
    return network(o, m, &config);
}

static int measure_ssl_encoder(const bench *b) {
    return measure_forward(b, ssl_net(b->o, &model_ssl_encoder), ENCODER_OUTPUT);
}

static int measure_recon_unet(const bench *b) {
    recon_unet_config config = recon_unet_defaults();
    return measure_forward(b, network(b->o, &model_recon_unet, &config), "output");
}

static int measure_vgg(const bench *b, const char *layer) {
    net *n = initialised(vgg16_create(layer), b->o->seed);
    for (size_t k = 0; n && k < n->param_floats; k++)
        n->values[k] *= sqrtf(6.0f); /* He et al.: features stay of one size from layer to layer */
    if (n)
        net_update(n);
    return measure_forward(b, n, layer);
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
            memcpy(tensor_row(&c->x, k, row), c->b->input + (size_t)row * c->x.columns,
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
        rng && convolution_prepare(&c, rng) == 0 ? measure(b->o, &(work){.run = run, .self = &c}) : -1;
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
    t->started[t->steps] = clock_seconds(); /* the last of these calls comes after the last step */
    values[0] = 0.0;
    return 0;
}

/* The gradient of the first step, parameter by parameter: Adam's first moment, which the checkpoint keeps, is
 * (1 - beta1) times it. */
static int write_gradient(const net *n, const char *checkpoint, const char *path) {
    hsize_t count[1] = {n->param_floats};
    float *gradient = mem_alloc(n->param_floats * sizeof *gradient);
    h5_file *from = gradient ? h5_open(checkpoint) : NULL;
    h5_file *to = from ? h5_create(path) : NULL;
    int status = to ? h5_read_f32(from, "adam_m", 1, count, gradient) : -1;
    for (size_t k = 0; status == 0 && k < n->param_floats; k++)
        gradient[k] /= 1.0f - (float)ADAM_BETA1;
    if (status == 0)
        status = write_params(to, n, gradient);
    h5_close(from);
    free(gradient);
    if (status == 0)
        return h5_commit(to);
    h5_close(to);
    return -1;
}

/* One step for the output; a second run resumes there, with a step to warm its memory and the timed ones. */
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

static int train_in_folder(training *t, net *n) {
    char folder[] = "/tmp/bench_ssfd_XXXXXX", command[64];
    if (!mkdtemp(folder))
        return err_set("%s: a temporary folder cannot be made", folder);
    int status = train(t, n, folder);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? status : -1;
}

static int measure_train_step(const bench *b) {
    training t = {.b = b, .steps = 2 + (int64_t)b->o->repeat};
    net *n = ssl_net(b->o, &model_ssl_unet);
    for (int k = 0; n && k < n->layer_count; k++)
        n->layers[k].dropout = 0.0;
    t.started = mem_calloc((size_t)t.steps + 1, sizeof *t.started);
    int status = -1;
    if (n && t.started && (!b->job || write_network(b->job, n, n->layer_count - 1) == 0))
        status = train_in_folder(&t, n);
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

static int measure_ssim(const bench *b) {
    similarity s = {b, mem_calloc((size_t)b->batch, sizeof(double))};
    int status = s.values ? measure(b->o, &(work){.run = ssim_run,
                                                  .self = &s,
                                                  .dims = {(hsize_t)b->batch, 1, 1, 1},
                                                  .doubles = s.values})
                          : -1;
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
    const float *first = p->b->input, *second = first + (size_t)n * n;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0f, first, n, second, n, 0.0f, p->out,
                n);
    return 0;
}

static int measure_sgemm(const bench *b) {
    openblas_set_num_threads(b->o->threads);
    product p = {b, mem_alloc(b->image / 2 * sizeof(float))};
    int status = p.out ? measure(b->o, &(work){.run = product_run,
                                               .self = &p,
                                               .dims = {1, 1, (hsize_t)b->rows, (hsize_t)b->columns},
                                               .values = p.out})
                       : -1;
    free(p.out);
    return status;
}

/* ---------------------------------------------------------------- command line */

static const bench_case cases[] = {
    {"ssl_encoder", "encoder of SSFD's U-Net up to " ENCODER_OUTPUT, 1, 1, 320, 0, 1, measure_ssl_encoder},
    {"vgg16", "13 convolutions of VGG-16 up to " VGG_OUTPUT, 3, 1, 320, 0, 0, measure_vgg16},
    {"vgg16_relu2_2", "4 convolutions of VGG-16 up to " VGG16_DEFAULT_LAYER, 3, 1, 320, 0, 0,
     measure_vgg16_shallow},
    {"train_step", "training step of SSFD's U-Net: forward, backward, Adam; no dropout", 1, 4, 320, 1, 1,
     measure_train_step},
    {"recon_unet", "reconstruction U-Net", 2, 1, 320, 0, 1, measure_recon_unet},
    {"ssim", "SSIM (Wang et al.) of target against input", 1, 1, 320, 1, 0, measure_ssim},
    {"conv", "3x3 convolution and ReLU, --channels to --outputs", 1, 1, 320, 0, 0, measure_conv},
    {"conv_gradient", "gradient of its weights", 1, 1, 320, 0, 0, measure_conv_gradient},
    {"sgemm", "matrix product by OpenBLAS", 2, 1, 2048, 0, 0, measure_sgemm}};
#define CASES (sizeof cases / sizeof *cases)

/* Wrong usage, or nothing. */
static int check(void *self) {
    options *o = self;
    for (size_t k = 0; k < CASES; k++)
        if (strcmp(cases[k].name, o->operands.at[0]) == 0)
            o->found = &cases[k];
    if (!o->found)
        return err_set("unknown case '%s'", o->operands.at[0]);
    return o->weights && !o->found->has_weights ? err_set("%s takes no --weights", o->found->name) : 0;
}

/* Writes the job, if requested, and times the case. */
static int run(void *self, run_record *record) {
    const options *o = self;
    bench b = {.o = o};
    (void)record;
    omp_set_num_threads(o->threads);
    int status = make_tensors(&b, o->found);
    if (status == 0 && o->job) {
        b.job = h5_create(o->job);
        status = b.job ? write_tensors(&b, o->found->has_target) : -1;
    }
    if (status == 0)
        status = o->found->measure(&b);
    if (status == 0 && b.job)
        status = h5_commit(b.job);
    else
        h5_close(b.job);
    free(b.input);
    free(b.target);
    return status;
}

int main(int argc, char **argv) {
    char names[2048] = "Cases:\n";
    options o = {.repeat = 5, .threads = omp_get_max_threads(), .channels = 20, .outputs = 20, .seed = 2022};
    const program_option table[] = {
        OPT_TEXT("weights", &o.weights, "FILE", "weights of the network; random ones by default"),
        OPT_TEXT("job", &o.job, "FILE", "where to write the tensors and the network"),
        OPT_TEXT("output", &o.output, "FILE", "where to write what was computed"),
        OPT_INT("repeat", &o.repeat, "N", 1, 1e6, "timed repetitions"),
        OPT_INT("batch", &o.batch, "N", 0, 4096, "images (0: the case's own number)"),
        OPT_INT("size", &o.size, "N", 0, 16384, "rows and columns (0: the case's own)"),
        OPT_INT("channels", &o.channels, "N", 1, 4096, "input channels of conv and conv_gradient"),
        OPT_INT("outputs", &o.outputs, "N", 1, 4096, "output channels of conv and conv_gradient"),
        OPT_INT("threads", &o.threads, "N", 1, 1024, "threads"),
        OPT_SEED("seed", &o.seed, "seed of random tensors and weights"),
        OPT_END};
    for (size_t k = 0; k < CASES; k++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "  %-14s %s\n", cases[k].name,
                 cases[k].what);
    const program p = {
        .command = {.name = "bench_ssfd",
                    .summary = "Prints the wall time of each repetition of a benchmark case, in ms.",
                    .operands = "CASE",
                    .operands_min = 1,
                    .operands_max = 1,
                    .options = table,
                    .epilogue = names},
        .operands = &o.operands,
        .one_rank = 1,
        .self = &o,
        .check = check,
        .run = run};
    return program_main(&p, argc, argv);
}
