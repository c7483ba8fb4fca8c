# SSFD beside its baselines. Top: how each distance responds to the perturbations, as a share of its largest mean, so
# that distances of any unit share an axis. Bottom: what a shift does, relative to blur and to noise that cost the
# same SSIM.
#
#   gnuplot -c plots/perturbation_baselines.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/perturbation_baselines"
load ARG0[1:strlen(ARG0) - strlen("perturbation_baselines.gp")] . "style.gp"

sweep = results . "/perturbation_sweep.csv"
ratios = results . "/perturbation_baselines.csv"
cohort = comment_of(sweep, "cohort")

# --- what there is to draw: distances in the order of the CSV, SSIM last, as its loss ---
array KEY[32]
array LABEL[32]
array STYLE[32]
array TOP[32]
array NAME[64]
array TITLE[64]
array LEVEL_NAME[64]
metrics = 0
perturbations = 0
seen = " psnr_db nrmse ssim ssim_foreground "
others = 5
used = " "
# VGG-16 and the random encoder have styles of their own; whatever comes besides takes the next.
style_of(key) = key eq "ssfd" ? 1 : key[1:11] eq "ssfd_random" ? 5 : \
    (key[1:6] eq "vgg_pl" || key[1:12] eq "vgg16_random") && strstrt(used, " 4 ") == 0 ? 4 : \
    (others = others < 7 ? others + 1 : 7, others)
note_metric(key, label) = strstrt(seen, " " . key . " ") ? metrics : (seen = seen . key . " ", metrics = metrics + 1, \
    KEY[metrics] = key, LABEL[metrics] = label, STYLE[metrics] = style_of(key), \
    used = used . sprintf("%d ", STYLE[metrics]), metrics)
names = " "
note(name, title, level_name) = strstrt(names, " " . name . " ") ? perturbations : \
    (names = names . name . " ", perturbations = perturbations + 1, NAME[perturbations] = name, \
     TITLE[perturbations] = title, LEVEL_NAME[perturbations] = level_name, perturbations)
stats sweep using (note(strcol("perturbation"), strcol("title"), strcol("level_name"))) nooutput
stats sweep using (note_metric(strcol("metric"), strcol("metric_title"))) nooutput
if (metrics < 2) {
    print sweep . ": has no baselines: perturbation_sweep --baseline computes them"
    exit status 1
}
metrics = metrics + 1
KEY[metrics] = "ssim"
LABEL[metrics] = "1 − SSIM"
STYLE[metrics] = 2
do for [m = 1:metrics] {
    is_ssim = KEY[m] eq "ssim"
    stats sweep using (strcol("metric") eq KEY[m] ? (is_ssim ? 1 - column("mean") : column("mean")) : 0.0) \
        prefix "MEAN" nooutput
    TOP[m] = MEAN_max > 0 ? MEAN_max : 1.0
}
stats sweep using (strcol("metric") eq "ssfd" ? column("n_scans") : 0.0) prefix "SSFD_SCANS" nooutput
stats sweep using (strcol("metric") eq KEY[2] ? column("n_scans") : 0.0) prefix "SCANS" nooutput
# Perturbations that the shift is compared with.
array OTHER[8]
array OTHER_TITLE[8]
compared = 0
names = " "
note_other(name, title) = strstrt(names, " " . name . " ") ? compared : (names = names . name . " ", \
    compared = compared + 1, OTHER[compared] = name, OTHER_TITLE[compared] = title, compared)
# Without shifts, or where too few scans lose enough SSIM, the table has a header only.
if (int(system("grep -vc '^#' " . quoted(ratios))) > 1) {
    stats ratios using (note_other(strcol("other"), strcol("other_title"))) nooutput
    stats ratios using (column("ci_low")) prefix "LOW" nooutput
    stats ratios using (column("ci_high")) prefix "HIGH" nooutput
}

# --- page, in inches from the lower left corner ---
page_width = perturbations < 2 ? 6.0 : 2.55 * (perturbations + 1) + 0.3
axis_left = 0.85
axis_right = 0.25
gap = 0.3
row_height = 2.2
top_width = (page_width - axis_left - axis_right - (perturbations - 1) * gap) / perturbations
bottom_gap = 0.3
bottom_width = compared ? (page_width - axis_left - axis_right - (compared - 1) * bottom_gap) / compared : 1
longest = 0
none = sum [m = 1:metrics] (longest = strlen(LABEL[m]) > longest ? strlen(LABEL[m]) : longest, 0)
legend_columns = page_width < 8 || longest > 36 ? 2 : 3
legend_rows = (metrics + legend_columns - 1) / legend_columns
bottom = 0.95
top = 1.08 # of the upper panels
legend_bottom = compared ? bottom + row_height + 0.7 : 0.5
top_bottom = legend_bottom + legend_rows * 0.22 + 0.55
page_height = top_bottom + row_height + 0.35
x_of(inches) = inches / page_width
y_of(inches) = inches / page_height
caption = sprintf("n = %d scans (top, SSFD and SSIM: %d)", SCANS_max, SSFD_SCANS_max) . "; bands and bars: 95 % Student-t intervals; cohort: " . (cohort eq "" ? "not named" : cohort)

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set termoption noenhanced
    set output output . "." . format
    set multiplot
    unset key
    set style fill transparent solid BAND_OPACITY noborder
    set border 3 ls 9

    # --- top: response to each perturbation ---
    set label 1 caption at screen 0.5, y_of(0.14) center font ",8" textcolor rgb COLOUR_NOTE
    do for [m = 1:metrics] {
        left = axis_left + ((m - 1) % legend_columns) * (page_width - axis_left) / legend_columns
        height = legend_bottom + (legend_rows - 1 - (m - 1) / legend_columns) * 0.22
        set arrow m from screen x_of(left), y_of(height) rto screen x_of(0.4), 0 nohead lt STYLE[m]
        set label 1 + m LABEL[m] at screen x_of(left + 0.48), y_of(height) left font ",8"
    }
    set xrange [0:*]
    set yrange [0:top]
    set grid xtics ytics ls 10
    set bmargin at screen y_of(top_bottom)
    set tmargin at screen y_of(top_bottom + row_height)
    do for [i = 1:perturbations] {
        left = axis_left + (i - 1) * (top_width + gap)
        set lmargin at screen x_of(left)
        set rmargin at screen x_of(left + top_width)
        set title TITLE[i] font ",10" offset 0, -0.5
        set xtics nomirror autofreq
        set xlabel LEVEL_NAME[i] font ",8" offset 0, 0.2
        set ytics nomirror autofreq format (i == 1 ? "%g" : "")
        set ylabel (i == 1 ? "share of the largest mean" : "") offset 0.5, 0
        # Rows of other metrics in between would break the lines: put aside what this panel shows.
        bands = ""
        lines = ""
        do for [m = 1:metrics] {
            share(v) = (KEY[m] eq "ssim" ? 1 - v : v) / TOP[m]
            inside(v) = v < 0 ? 0 : v > top ? top : v # cut here: gnuplot's own cutting of bands leaves the panel
            eval sprintf("set table $curve%d separator tab", m)
            plot sweep using (column("level")):(share(column("mean"))):(inside(share(column("ci_low")))): \
                (inside(share(column("ci_high")))) with table if (strcol("perturbation") eq NAME[i] && strcol("metric") eq KEY[m])
            unset table
            bands = bands . sprintf("$curve%d using 1:3:4 with filledcurves lt %d notitle, ", m, STYLE[m])
            lines = lines . sprintf("$curve%d using 1:2 with linespoints lt %d notitle, ", m, STYLE[m])
        }
        set datafile separator tab
        set datafile nocolumnheaders
        eval "plot " . bands . lines[1:strlen(lines) - 2]
        set datafile separator comma
        set datafile columnheaders
        unset for [k = 1:metrics + 1] label k
        unset for [k = 1:metrics] arrow k
    }

    # --- bottom: shifts against the others at equal SSIM; loss grows to the right, 1 is no difference ---
    do for [i = 1:compared] {
        set bmargin at screen y_of(bottom)
        set tmargin at screen y_of(bottom + row_height)
        set xrange [0.985:0.665]
        set autoscale y
        set logscale y
        set yrange [LOW_min / 1.5:(HIGH_max < 1 ? 1 : HIGH_max) * 1.5]
        left = axis_left + (i - 1) * (bottom_width + bottom_gap)
        set lmargin at screen x_of(left)
        set rmargin at screen x_of(left + bottom_width)
        set title "Pixel shift against " . OTHER_TITLE[i] font ",10" offset 0, -0.5
        set xtics nomirror ("0.95" 0.95, "0.9" 0.9, "0.8" 0.8, "0.7" 0.7)
        set xlabel "both at an SSIM of" font ",8" offset 0, 0.2
        set ytics nomirror autofreq format (i == 1 ? "%g" : "")
        set ylabel (i == 1 ? "ratio of the distances" : "") offset 0.5, 0
        set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead ls 9
        points = ""
        do for [m = 1:metrics - 1] {
            eval sprintf("set table $ratio%d separator tab", m)
            plot ratios using (column("ssim")):(column("ratio")):(column("ci_low")):(column("ci_high")) \
                with table if (strcol("other") eq OTHER[i] && strcol("metric") eq KEY[m])
            unset table
            eval sprintf("found = |$ratio%d|", m)
            aside = (m - metrics / 2.0) * 0.003
            if (found > 0) {
                points = points . sprintf("$ratio%d using ($1 - %g):3:(0):($4 - $3) with vectors lt %d dt 1 nohead notitle, ", \
                    m, aside, STYLE[m])
                points = points . sprintf("$ratio%d using ($1 - %g):2 with linespoints lt %d notitle, ", \
                    m, aside, STYLE[m])
            }
        }
        set datafile separator tab
        set datafile nocolumnheaders
        eval "plot " . points[1:strlen(points) - 2]
        set datafile separator comma
        set datafile columnheaders
        unset arrow 1
    }
    unset multiplot
    unset output
    set autoscale y
    unset logscale y
    unset title
    unset xlabel
    unset ylabel
}
