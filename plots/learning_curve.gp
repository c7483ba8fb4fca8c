# The learning curve of a network: training and validation loss against steps, the loss of doing without a network,
# and the learning rate below.
#
#   gnuplot -c plots/learning_curve.gp TABLE [OUTPUT]
#
# Writes OUTPUT.pdf and OUTPUT.png.
curve = ARGC > 0 ? ARG1 : "build/models/ssl_unet/training_loss.csv"
output = ARGC > 1 ? ARG2 : "learning_curve"
load ARG0[1:strlen(ARG0) - strlen("learning_curve.gp")] . "style.gp"

header = system("sed -n '/^#/d; p; q' " . quoted(curve))
settings = " " . comment_of(curve, "settings") . " "
setting(name) = (at = strstrt(settings, " " . name . "="), at == 0 ? "?" : \
    (rest = settings[at + strlen(name) + 2:*], rest[1:strstrt(rest, " ") - 1]))
is_ssl = strstrt(header, "validation_mse") > 0
if (!is_ssl && strstrt(header, "validation_l1") == 0) {
    print curve . ": expected a column validation_mse or validation_l1"
    exit status 1
}
loss = is_ssl ? "validation_mse" : "validation_l1"
baseline = is_ssl ? "validation_mse_local_mean" : "zero_filled_l1"
title = is_ssl ? "SSL network: in-painting" : "Reconstruction network"
loss_label = is_ssl ? "mean squared error\n(image variance = 1)" : "mean absolute error\n(95th percentile of input = 1)"
baseline_label = is_ssl ? "local mean in the patches" : "zero-filled image"

# Rows with a number in a column. A run that paused early has no training loss yet: the first row is from before the
# first step.
numbers(name) = int(system(sprintf("awk -F, '/^#/ {next} !c {for (k = 1; k <= NF; k++) if ($k == \"%s\") c = k; next} " . \
    "$c ~ /^-?[.0-9]/ {n++} END {print n + 0}' ", name) . quoted(curve)))
if (numbers(loss) == 0 || numbers(baseline) == 0) {
    print curve . ": no number in column " . loss . " yet: nothing to draw"
    exit status 1
}
has_training = numbers("train_loss") > 0
stats curve using "step" name "STEP" nooutput
stats curve using loss name "LOSS" nooutput
stats curve using "learning_rate" name "RATE" nooutput
stats curve using baseline name "BASE" nooutput
if (has_training) {
    stats curve using "train_loss" name "TRAIN" nooutput
} else {
    TRAIN_min = LOSS_min
    TRAIN_max = LOSS_max
}
training = has_training ? 'curve using "step":"train_loss"' : "NaN"
right = STEP_max > 0 ? STEP_max : 1
least(a, b) = a < b ? a : b
largest(a, b) = a > b ? a : b
bottom = least(least(LOSS_min, TRAIN_min), BASE_min) / 1.2
top = largest(largest(LOSS_max, TRAIN_max), BASE_max) * 1.2
caption = sprintf("%s images a step, %s training slices, %s validation slices; cohort: %s", setting("batch"), \
    setting("train_slices"), setting("validation_slices"), setting("cohort"))

# Metrics keep their colours for themselves.
set linetype 1 lc rgb COLOUR_INK lw 2 dt 1 pt 7 ps 0.45
set linetype 2 lc rgb "#56B4E9" lw 2 dt (12, 5)
set linetype 3 lc rgb COLOUR_NOTE lw 1.5 dt (2, 3)
set linetype 4 lc rgb "#E69F00" lw 2 dt 1

page_width = 5.2
page_height = 4.2

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set xrange [0:right]
    set grid xtics ytics ls 10

    eval PLACE(0.95, 1.6, page_width - 1.15, page_height - 1.95)
    set label 1 title at screen x_of((page_width + 0.75) / 2), y_of(page_height - 0.17) center font ",10"
    set label 2 loss_label at screen x_of(0.2), y_of((page_height + 1.25) / 2) center rotate by 90
    set logscale y
    set yrange [bottom:top]
    set ytics (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 30, 50)
    set xtics format ""
    set key top right spacing 1.1 samplen 3
    set arrow 1 from first 0, first BASE_mean to first right, first BASE_mean nohead lt 3
    plot @training with lines lt 2 title "training", \
         curve using "step":loss with linespoints lt 1 title "validation", \
         NaN with lines lt 3 title baseline_label
    unset arrow 1
    unset for [i = 1:2] label i
    unset logscale y
    unset key

    eval PLACE(0.95, 0.72, page_width - 1.15, 0.7)
    set label 3 caption at screen 0.5, y_of(0.13) center font ",8" textcolor rgb COLOUR_NOTE
    set label 4 "learning rate\n(units of 10⁻³)" at screen x_of(0.2), y_of(1.07) center rotate by 90
    set xtics format "%g"
    set xlabel "step"
    set yrange [0:*]
    set ytics 0, RATE_max * 1000 / 2
    plot curve using (column("step")):(column("learning_rate") * 1000) with lines lt 4
    unset for [i = 3:4] label i
    unset xlabel
    eval FIGURE_CLOSE
}
