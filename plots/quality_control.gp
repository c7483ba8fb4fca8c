# Figure 3: SSFD for quality control. Left: SSIM against the baseline and against SSFD, faulty acquisitions with open
# symbols, two examples marked blue and orange; right: the examples with their scores; below: the area under the ROC
# curve of each score for finding the faults. A table of scores has no images, and without faults there are no areas.
#
#   gnuplot -c plots/quality_control.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/quality_control"
load ARG0[1:strlen(ARG0) - strlen("quality_control.gp")] . "style.gp"

scores = results . "/quality_control.csv"
summary = results . "/quality_control_summary.csv"
examples = results . "/panels/quality_control_examples.csv"
cohort = comment_of(summary, "cohort")
unit = comment_of(summary, "unit")
points = comment_of(summary, "points")
drawn = unit eq "scan" && word(points, 1) ne word(points, 3) ? "reconstructions" : unit . "s"
faulty_scans = word(comment_of(summary, "faulty"), 1)
baseline = comment_of(summary, "baseline")
title_of_ssim = comment_of(scores, "title ssim")
image_size = comment_of(examples, "image")
has_images = words(image_size) == 3
image_rows = has_images ? int(word(image_size, 1)) : 1
image_columns = has_images ? int(word(image_size, 3)) : 1

# --- numbers as text ---
minus(text) = text[1:1] eq "-" ? "−" . text[2:*] : text
two_digits(value) = value == value ? minus(sprintf("%.2f", value)) : "undefined"
between(low, high) = low == low ? " [" . two_digits(low) . ", " . two_digits(high) . "]" : ""
step_of(range, count) = (raw = range / count, decade = 10 ** floor(log10(raw)), \
    raw / decade < 1.5 ? decade : raw / decade < 3.5 ? 2 * decade : raw / decade < 7.5 ? 5 * decade : 10 * decade)
array SUPERSCRIPT[10] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
raised(n) = n < 0 ? "⁻" . raised(-n) : n > 9 ? raised(n / 10) . raised(n % 10) : SUPERSCRIPT[n + 1]
largest(a, b) = abs(a) > abs(b) ? abs(a) : abs(b)
power_of(most) = most > 0 && (most < 0.05 || most >= 1e4) ? int(floor(log10(most))) : 0

# --- what there is to draw ---
# Scatter panels, the baseline's first; their correlations are Pearson's, of all points.
array COLUMN[2]
array NAME[2]
array FOUND[2]
shown = 0
find(column, title, r, low, high) = (shown = shown + 1, COLUMN[shown] = column, NAME[shown] = title, \
    FOUND[shown] = r == r ? "r = " . two_digits(r) . between(low, high) : "r not defined", shown)
array WANTED[2] = [baseline, "ssfd"] # names may hold blanks
do for [w = 1:2] {
    wanted = WANTED[w]
    stats summary using (strcol("statistic") eq "pearson" && strcol("metric") eq wanted && strcol("group") eq "pooled" && \
        strcol("unit") eq unit ? find(wanted, strcol("title"), column("estimate"), column("ci_low"), column("ci_high")) : 0) nooutput
}
if (shown != (baseline eq "none" ? 1 : 2)) {
    exit error summary . ": no correlation of SSFD or of the baseline"
}
array BOTTOM[2]
array TOP[2]
stats scores using (column("ssim")) prefix "X" nooutput
do for [i = 1:shown] {
    stats scores using (column(COLUMN[i])) prefix "Y" nooutput
    BOTTOM[i] = Y_min
    TOP[i] = Y_max
}
colour_of(key) = key eq "ssfd" ? COLOUR_SSFD : key[1:4] eq "ssim" ? COLOUR_SSIM : key eq "psnr_db" ? COLOUR_PSNR : \
    key[1:3] eq "vgg" ? COLOUR_VGG : key[1:11] eq "ssfd_random" ? COLOUR_RANDOM : key eq "nrmse" ? COLOUR_INK : COLOUR_OTHER

# Areas: a row for each score, in the order of the summary; a symbol for each kind of fault.
array SCORE[128]
array TITLE[128]
array AREA[128]
array LOW[128]
array HIGH[128]
MOST_KINDS = 9 # as many symbols as can be told apart; the last one stands for all kinds from there on
array KIND[MOST_KINDS]
array CASES[MOST_KINDS]
KIND[1] = "" # gnuplot looks at the first of an empty loop
OUTSIDE = 1e30 # a place that no axis shows; of nothing but NaN gnuplot complains
is_number(value) = value == value
areas = 0
kinds = 0
faulty = 0
counted = "" # what is counted in the legend, where it is not scans
note(score, title, area, low, high, cases, of) = (areas = areas + 1, SCORE[areas] = score, TITLE[areas] = title, AREA[areas] = area, \
    LOW[areas] = low, HIGH[areas] = high, faulty = cases, counted = of eq "scan" ? "" : " reconstructions", areas)
kind_of(name) = (found = 0, sum [k = 1:kinds] (KIND[k] eq name ? (found = k, 1) : 0), found)
note_kind(name, cases) = kinds < MOST_KINDS ? (kinds = kinds + 1, KIND[kinds] = name, CASES[kinds] = cases, kinds) : \
    (KIND[kinds] = "other kinds", CASES[kinds] = CASES[kinds] + cases, kinds)
kind_number(name) = name eq "none" ? 0 : (k_of_name = kind_of(name), k_of_name ? k_of_name : kinds)
is_area(fault) = strcol("statistic") eq "roc_area" && strcol("group") eq "pooled" && (strcol("fault") eq "any") == (fault eq "any")
stats summary using (is_area("any") && is_number(column("estimate")) ? note(strcol("metric"), strcol("title"), column("estimate"), column("ci_low"), \
    column("ci_high"), column("n_faulty"), strcol("unit")) : 0) nooutput
stats summary using (is_area("") && strcol("metric") eq "ssim" ? note_kind(strcol("fault"), column("n_faulty")) : 0) nooutput
row_of(score) = (found = 0, sum [k = 1:areas] (SCORE[k] eq score ? (found = k, 1) : 0), found)
least = 0.5 # of the axis of areas
reach(area) = (least = area == area && area < least ? area : least, least)
stats summary using (is_area("any") || is_area("") ? (reach(column("estimate")), reach(column("ci_low"))) : 0) nooutput
array SYMBOL[MOST_KINDS] = [4, 8, 6, 12, 10, 14, 2, 1, 3]
symbol_of(name) = SYMBOL[kind_number(name)]
spoken(name) = name eq "low_snr" ? "low SNR" : (at = strstrt(name, "_"), at ? spoken(name[1:at - 1] . " " . name[at + 1:*]) : name)
scans = word(points, 3)

# Examples: what they are, and the scores that the figure speaks of.
array EXAMPLE[2]
array ABOUT[2]
array WHAT[2]
array X[2]
array Y1[2]
array Y2[2]
array SSFD_SHARE[2]
array OTHER_SHARE[2]
shows = 0
example_of(name) = (found = 0, sum [k = 1:shows] (EXAMPLE[k] eq name ? (found = k, 1) : 0), found)
place(row) = strcol("scan_id") . (column("slice") < 0 ? "" : sprintf(", slice %d", column("slice"))) . \
    (strcol("fault") eq "none" ? "" : ", " . spoken(strcol("fault")))
begin_example(name) = (example_of(name) ? shows : (shows = shows + 1, EXAMPLE[shows] = name, ABOUT[shows] = "", \
    WHAT[shows] = place(0), X[shows] = NaN, Y1[shows] = NaN, Y2[shows] = NaN, \
    SSFD_SHARE[shows] = 0.0, OTHER_SHARE[shows] = 0.0, shows), example_of(name))
tell(e, metric, title, value, share) = (metric eq "ssim" ? (X[e] = value) : metric eq "ssfd" ? (Y2[e] = value) : \
    metric eq baseline ? (Y1[e] = value) : 0, \
    ABOUT[e] = metric eq "ssim" || metric eq "ssfd" || metric eq baseline ? ABOUT[e] . (ABOUT[e] eq "" ? "" : "    ") . \
        title . sprintf(" %.3g (%.0f %%)", value, 100 * share) : ABOUT[e], \
    metric eq "ssfd" ? (SSFD_SHARE[e] = share) : metric eq "ssim" || metric eq baseline ? \
        (OTHER_SHARE[e] = share > OTHER_SHARE[e] ? share : OTHER_SHARE[e]) : 0, e)
stats examples using (tell(begin_example(strcol("example")), strcol("metric"), strcol("title"), column("value"), \
    column("poorer_than"))) nooutput
array HUE[2] = ["#0072B2", "#E69F00"]
said(e) = EXAMPLE[e] eq "orange" ? "best by all" : SSFD_SHARE[e] >= 0.75 && OTHER_SHARE[e] <= 0.5 ? "poor by SSFD alone" : \
    SSFD_SHARE[e] > OTHER_SHARE[e] ? "poorer by SSFD than by the others" : "nothing is poorer by SSFD than by the others"

# --- page, in inches from the lower left corner ---
page_width = has_images ? 9.0 : 7.2
left = 0.72
wide = has_images ? 2.55 : (page_width - left - 0.15 - 0.85 * (shown - 1)) / shown
wide = wide > 3.2 ? 3.2 : wide
high = 1.85
pitch = high + 0.8
notes = 0.62
area_left = 2.45
area_bottom = notes + 0.45
area_height = 0.25 * areas
# The legend of the faults, in as many lines as it takes.
array LEGEND[MOST_KINDS]
array LEGEND_X[MOST_KINDS]
array LEGEND_LINE[MOST_KINDS]
legend_lines = kinds > 0
along = area_left + 1.25 + 0.065 * strlen(counted)
do for [k = 1:kinds] {
    LEGEND[k] = sprintf("%s (%d)", spoken(KIND[k]), CASES[k])
    need = 0.35 + 0.065 * strlen(LEGEND[k])
    if (along + need > page_width) {
        legend_lines = legend_lines + 1
        along = area_left + 0.02
    }
    LEGEND_X[k] = along
    LEGEND_LINE[k] = legend_lines
    along = along + need
}
scatter_bottom = (areas ? area_bottom + area_height + 0.3 + 0.2 * legend_lines : notes) + 0.45
page_height = scatter_bottom + (has_images ? (shown > 1 ? pitch : 0) : 0) + high + 0.4
if (has_images && shown == 1) {
    page_height = page_height + pitch
}
x_of(inches) = inches / page_width
y_of(inches) = inches / page_height
image_left = left + wide + 0.45
gap = 0.08
side = (page_width - image_left - 0.15 - 2 * gap) / 3
tall = side * image_rows / image_columns
array IMAGE[3] = ["reference", "reconstruction", "error"]
array IMAGE_TITLE[3] = ["Reference", "Reconstruction", comment_of(examples, "error panels")]

caption = "points: " . drawn . " (n = " . points . (areas ? ", " . faulty_scans . " of them faulty" : "") . \
    "); r: Pearson's, all points; intervals: 95 %, over scans"
caption_2 = (has_images ? "examples: in brackets, the share of " . drawn . " that are better by that score" : \
    "blue, orange: see panels/quality_control_examples.csv; scores from a table: no images") . (areas ? "" : faulty_scans > 0 ? "; all are faulty: no ROC areas" : "; no faults: no ROC areas")
caption_3 = "cohort: " . (cohort eq "" ? "not named" : cohort)

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set termoption noenhanced
    set output output . "." . format
    set multiplot
    unset key

    # --- scatter panels ---
    set border 3 ls 9
    set grid xtics ytics ls 10
    set label 1 caption at screen 0.5, y_of(0.46) center font ",8" textcolor rgb COLOUR_NOTE
    set label 2 caption_2 at screen 0.5, y_of(0.29) center font ",8" textcolor rgb COLOUR_NOTE
    set label 3 caption_3 at screen 0.5, y_of(0.12) center font ",8" textcolor rgb COLOUR_NOTE
    do for [i = 1:shown] {
        at_left = left + (has_images ? 0 : (i - 1) * (wide + 0.85))
        at_bottom = scatter_bottom + (has_images ? (shown - i) * pitch : 0)
        set lmargin at screen x_of(at_left)
        set rmargin at screen x_of(at_left + wide)
        set bmargin at screen y_of(at_bottom)
        set tmargin at screen y_of(at_bottom + high)
        power = power_of(largest(BOTTOM[i], TOP[i]))
        scale = 10.0 ** power
        # A constant score still needs an axis.
        x_room = X_max > X_min ? 0.05 * (X_max - X_min) : 0.5
        y_room = TOP[i] > BOTTOM[i] ? 0.06 * (TOP[i] - BOTTOM[i]) / scale : 0.5
        x_range = X_max - X_min + 2 * x_room
        y_range = (TOP[i] - BOTTOM[i]) / scale + 2 * y_room
        set xrange [X_min - x_room:X_max + x_room]
        set yrange [BOTTOM[i] / scale - y_room:TOP[i] / scale + y_room]
        set xtics nomirror step_of(x_range, 5) font ",8"
        set ytics nomirror step_of(y_range, 4) font ",8"
        set xlabel (title_of_ssim eq "" ? "SSIM" : title_of_ssim) font ",8" offset 0, 0.5
        set label 4 NAME[i] . (power == 0 ? "" : " / 10" . raised(power)) at screen x_of(at_left - 0.48), y_of(at_bottom + high / 2) \
            center rotate font ",8"
        set label 5 "SSIM against " . (strlen(NAME[i]) > 20 ? "the baseline" : NAME[i]) . ": " . FOUND[i] \
            at screen x_of(at_left + wide / 2), y_of(at_bottom + high + 0.12) center font ",8"
        faint = colour_of(COLUMN[i])
        faint = "#90" . faint[2:7] # mostly transparent
        plot scores using (column("ssim")):(strcol("fault") eq "none" ? column(COLUMN[i]) / scale : OUTSIDE) with points pt 7 ps 0.25 \
                 lc rgb faint notitle, \
             for [k = 1:kinds] scores using (column("ssim")):(kind_number(strcol("fault")) == k ? column(COLUMN[i]) / scale : OUTSIDE) \
                 with points pt SYMBOL[k] ps 0.55 lw 1.2 lc rgb COLOUR_INK notitle, \
             for [e = 1:shows] "+" using (X[e]):((COLUMN[i] eq "ssfd" ? Y2[e] : Y1[e]) / scale) every ::0::0 \
                 with points pt 7 ps 1.0 lc rgb HUE[e] notitle, \
             for [e = 1:shows] "+" using (X[e]):((COLUMN[i] eq "ssfd" ? Y2[e] : Y1[e]) / scale) every ::0::0 \
                 with points pt 6 ps 1.1 lw 1.0 lc rgb "white" notitle
        unset for [k = 1:5] label k
    }
    unset xlabel

    # --- areas under the ROC curve, a strip for each score ---
    if (areas > 0) {
        set border 1 ls 9
        set lmargin at screen x_of(area_left)
        set rmargin at screen x_of(page_width - 1.6)
        set bmargin at screen y_of(area_bottom)
        set tmargin at screen y_of(area_bottom + area_height)
        set xrange [floor(least * 10 - 0.5) / 10.0:1.02]
        set yrange [areas + 0.5:0.5]
        set xtics nomirror 0.1 font ",8"
        unset ytics
        unset grid
        set grid xtics ls 10
        set xlabel "area under the ROC curve for finding the faulty acquisitions (0.5: chance)" font ",8" offset 0, 0.5
        set arrow 1 from first 0.5, graph 0 to first 0.5, graph 1 nohead ls 9
        height(line) = area_bottom + area_height + 0.22 + 0.2 * (legend_lines - line)
        set label 1 sprintf("all faults (%d%s)", faulty, counted) at screen x_of(area_left + 0.15), y_of(height(1)) left font ",8"
        set label 2 "" at screen x_of(area_left + 0.02), y_of(height(1)) point pt 7 ps 0.6 lc rgb COLOUR_INK
        do for [k = 1:kinds] {
            set label 10 + k LEGEND[k] at screen x_of(LEGEND_X[k] + 0.13), y_of(height(LEGEND_LINE[k])) left font ",8"
            set label 30 + k "" at screen x_of(LEGEND_X[k]), y_of(height(LEGEND_LINE[k])) point pt SYMBOL[k] ps 0.55 lw 1.2 lc rgb COLOUR_INK
        }
        do for [k = 1:areas] {
            set label 200 + k TITLE[k] at screen x_of(area_left - 0.12), first k right font ",8"
            set label 400 + k two_digits(AREA[k]) . between(LOW[k], HIGH[k]) at screen x_of(page_width - 1.5), first k left font ",8"
        }
        plot summary using (is_area("") ? column("estimate") : NaN):(row_of(strcol("metric")) + 0.2): \
                 (symbol_of(strcol("fault"))) with points pt variable ps 0.55 lw 1.1 lc rgb COLOUR_NOTE notitle, \
             for [k = 1:areas] "+" using (LOW[k]):(k - 0.08):(HIGH[k] - LOW[k]):(0) every ::0::0 with vectors nohead lw 1.8 dt 1 \
                 lc rgb colour_of(SCORE[k]) notitle, \
             for [k = 1:areas] "+" using (AREA[k]):(k - 0.08) every ::0::0 with points pt 7 ps 0.7 lc rgb colour_of(SCORE[k]) notitle
        unset label
        unset arrow 1
        unset xlabel
    }
    unset grid

    # --- examples: reference, reconstruction, error, in the grey scale of the reference ---
    if (has_images) {
        unset colorbox
        set palette gray
        set cbrange [0:1]
        unset tics
        set xrange [-0.5:image_columns - 0.5]
        set yrange [image_rows - 0.5:-0.5]
        do for [e = 1:shows] {
            top = scatter_bottom + (2 - e) * pitch + high - 0.02
            do for [k = 1:3] {
                at_left = image_left + (k - 1) * (side + gap)
                set lmargin at screen x_of(at_left)
                set rmargin at screen x_of(at_left + side)
                set bmargin at screen y_of(top - tall)
                set tmargin at screen y_of(top)
                set style line 8 lc rgb HUE[e] lw 2.2 dt 1
                set border 15 ls 8
                set label 1 IMAGE_TITLE[k] at screen x_of(at_left + side / 2), y_of(top + 0.12) center font ",8"
                set label 2 (k == 1 ? ABOUT[e] : "") at screen x_of(image_left), y_of(top - tall - 0.14) left font ",8"
                set label 3 (k == 1 ? said(e) . ": " . WHAT[e] : "") at screen x_of(image_left), y_of(top - tall - 0.32) left font ",8" \
                    textcolor rgb COLOUR_NOTE
                file = results . "/panels/quality_control_" . EXAMPLE[e] . "_" . IMAGE[k] . ".f32"
                plot file binary array=(image_columns, image_rows) format='%float' endian=little with image notitle
            }
        }
        unset label
        set tics out nomirror scale 0.6 textcolor rgb COLOUR_INK
    }
    unset multiplot
    unset output
    set xtics
    set ytics
}
