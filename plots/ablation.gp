# Ablation of the pretext task: left against patch size, right against coverage; top the correlation of SSFD with SSIM,
# bottom how much a shift counts compared with a blur or a noise that costs the same SSIM.
#
#   gnuplot -c plots/ablation.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/ablation"
load ARG0[1:strlen(ARG0) - strlen("ablation.gp")] . "style.gp"

file = results . "/ablation.csv"

# The two series share one network: the poster's patch and coverage.
PATCH = 16
COVERAGE = 25
stats file using (strcol("measure") eq "ssim_correlation" ? column("n_scans") : NaN) name "TOP" nooutput
stats file using (strcol("measure") eq "ssim_correlation" ? NaN : column("n_scans")) name "BOTTOM" nooutput
stats file using (column("training_steps")) name "STEPS" nooutput
caption = sprintf("%s steps of training each; top n = %d, bottom n = %d scans; bars: 95 %% intervals; cohort: %s", \
    STEPS_min == STEPS_max ? sprintf("%d", STEPS_max) : sprintf("%d to %d", STEPS_min, STEPS_max), TOP_max, BOTTOM_max, \
    comment_of(file, "cohort"))

page_width = 7.0
page_height = 4.9
left1 = 0.105; right1 = 0.52; left2 = 0.575; right2 = 0.985
top = 0.955; middle_top = 0.60; middle = 0.535; bottom = 0.165
is(name) = strcol("measure") eq name
by_patch(v) = column("coverage_percent") == COVERAGE ? v : NaN
by_coverage(v) = column("patch_pixels") == PATCH ? v : NaN
pick(name, column_name) = is(name) ? column(column_name) : NaN
# 1 is always in view: there a shift counts as much as the other.
stats file using (is("ssim_correlation") ? 1 : column("ci_low")) name "LOW" nooutput
stats file using (is("ssim_correlation") ? 1 : column("ci_high")) name "HIGH" nooutput

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set grid xtics ytics ls 10
    set bars 0.6
    set label 1 caption at screen 0.5, 0.03 center font ",8" textcolor rgb COLOUR_NOTE
    do for [series in "patch coverage"] {
        is_patch = series eq "patch"
        set lmargin at screen (is_patch ? left1 : left2)
        set rmargin at screen (is_patch ? right1 : right2)
        if (is_patch) {
            set logscale x 2
            set xrange [0.75:85]
            set xtics (1, 4, 8, 16, 64)
            at(v) = by_patch(v)
            position = "patch_pixels"
        } else {
            unset logscale x
            set xrange [0:85]
            set xtics (10, 25, 50, 75)
            at(v) = by_coverage(v)
            position = "coverage_percent"
        }
        # --- correlation ---
        set tmargin at screen top
        set bmargin at screen middle_top
        set format x ""
        unset xlabel
        set format y (is_patch ? "%g" : "")
        unset logscale y
        set yrange [-1:1]
        set ytics 0.5
        set ylabel (is_patch ? "correlation, SSFD with SSIM" : "") offset 0.5, 0 font ",8"
        plot file using (column(position)):(at(pick("ssim_correlation", "estimate"))):(at(pick("ssim_correlation", "ci_low"))):(at(pick("ssim_correlation", "ci_high"))) \
                 with yerrorbars lt 1 ps 0.7 notitle

        # --- sensitivity to shifts ---
        set tmargin at screen middle
        set bmargin at screen bottom
        set format x "%g"
        set xlabel (is_patch ? sprintf("patch (pixels), coverage %g %%", COVERAGE) : \
            sprintf("coverage (%%), patches of %g pixels", PATCH)) font ",8"
        set format y (is_patch ? "%g" : "")
        set logscale y
        set yrange [LOW_min / 2:HIGH_max * 1.5]
        set ytics (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
        set ylabel (is_patch ? "ratio of SSFD at SSIM 0.80" : "") offset 0.5, 0 font ",8"
        set key horizontal right bottom at graph 1, 1.0 font ",8" samplen 1.5
        if (!is_patch) { unset key }
        left_of(x) = is_patch ? x / 1.06 : x - 0.8
        right_of(x) = is_patch ? x * 1.06 : x + 0.8
        plot file using (left_of(column(position))):(at(pick("shift_to_gaussian_blur", "estimate"))):(at(pick("shift_to_gaussian_blur", "ci_low"))):(at(pick("shift_to_gaussian_blur", "ci_high"))) \
                 with yerrorbars lc rgb COLOUR_SSFD dt 1 pt 5 ps 0.6 lw 2 title "shift / blur", \
             file using (right_of(column(position))):(at(pick("shift_to_gaussian_noise", "estimate"))):(at(pick("shift_to_gaussian_noise", "ci_low"))):(at(pick("shift_to_gaussian_noise", "ci_high"))) \
                 with yerrorbars lc rgb COLOUR_SSFD dt 1 pt 8 ps 0.9 lw 1.6 title "shift / noise"
        unset label 1
    }
    eval FIGURE_CLOSE
}
