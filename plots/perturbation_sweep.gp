# Figure 1: SSFD and SSIM under image perturbations. Top: the original and one example per perturbation; bottom:
# mean SSFD and SSIM of the test scans against level, with their confidence bands.
#
#   gnuplot -c plots/perturbation_sweep.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/perturbation_sweep"
load ARG0[1:strlen(ARG0) - strlen("perturbation_sweep.gp")] . "style.gp"

sweep = results . "/perturbation_sweep.csv"
examples = results . "/panels/perturbation_examples.csv"

cohort = comment_of(sweep, "cohort")
image_size = comment_of(examples, "image")
if (words(image_size) != 3) {
    print examples . ": no comment '# image: ROWS x COLUMNS'"
    exit status 1
}
image_rows = int(word(image_size, 1))
image_columns = int(word(image_size, 3))

# --- what there is to draw: names in the order of the CSV, ranges over all panels so that they compare ---
array NAME[64]
array TITLE[64]
array LEVEL_NAME[64]
perturbations = 0
names = " "
note(name, title, level_name) = strstrt(names, " " . name . " ") ? perturbations : \
    (names = names . name . " ", perturbations = perturbations + 1, NAME[perturbations] = name, \
     TITLE[perturbations] = title, LEVEL_NAME[perturbations] = level_name, perturbations)
stats sweep using (note(strcol("perturbation"), strcol("title"), strcol("level_name"))) nooutput
stats sweep using (strcol("metric") eq "ssfd" ? column("n_scans") : NaN) prefix "SCANS" nooutput # not baselines
stats sweep using (strcol("metric") eq "ssfd" ? column("ci_high") : 0.0) prefix "SSFD_TOP" nooutput
stats sweep using (strcol("metric") eq "ssim" ? column("ci_low") : 1.0) prefix "SSIM_BOTTOM" nooutput

array PANEL[64]
array HEADING[64]
array SETTING[64]
array VALUES[64]
panels = 0
title_of(name) = (found = "", sum [k = 1:perturbations] (NAME[k] eq name ? (found = TITLE[k], 1) : 0), found)
symbol_of(name) = (found = "level", sum [k = 1:perturbations] (NAME[k] eq name ? \
    (found = LEVEL_NAME[k][1:strstrt(LEVEL_NAME[k] . " (", " (") - 1], 1) : 0), found)
with_unit(unit) = words(unit) > 1 ? " (" . unit . ")" : " " . unit
setting_of(name, level, unit) = sprintf("%s = %g", symbol_of(name), level) . with_unit(unit)
show(panel, name, level, unit, ssfd, ssim) = (panels = panels + 1, PANEL[panels] = panel, \
    HEADING[panels] = panels == 1 ? "Original" : title_of(name), \
    SETTING[panels] = panels == 1 ? "" : setting_of(name, level, unit), \
    VALUES[panels] = sprintf("SSFD %.3g, SSIM %.3f", ssfd, ssim), panels)
stats examples using (show(strcol("panel"), strcol("perturbation"), column("level"), strcol("level_unit"), \
    column("ssfd"), column("ssim"))) nooutput

# --- page, in inches from the lower left corner ---
page_width = perturbations < 2 ? 6.0 : 2.55 * (perturbations + 1) + 0.3
gap = 0.15
side = (page_width - 0.3 - gap * (panels - 1)) / panels
side = side > 2.4 ? 2.4 : side
image_left = (page_width - panels * side - (panels - 1) * gap) / 2
axis_left = 0.75
axis_right = 0.75
plot_gap = 0.3
plot_width = (page_width - axis_left - axis_right - (perturbations - 1) * plot_gap) / perturbations
plot_height = 2.3
plot_bottom = 0.85
legend_y = plot_bottom + plot_height + 0.22
image_bottom = legend_y + 0.5
page_height = image_bottom + side + 0.55
x_of(inches) = inches / page_width
y_of(inches) = inches / page_height

scans = SCANS_min == SCANS_max ? sprintf("n = %d scans", SCANS_max) \
                               : sprintf("n = %d to %d scans", SCANS_min, SCANS_max)
caption = scans . "; bands: 95 % Student-t intervals of the mean; cohort: " . (cohort eq "" ? "not named" : cohort)

ssfd_top = SSFD_TOP_max > 0 ? SSFD_TOP_max * 1.05 : 1.0
ssim_bottom = SSIM_BOTTOM_min < 1 ? 1 - (1 - SSIM_BOTTOM_min) * 1.05 : 0.0

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set termoption noenhanced
    set output output . "." . format
    set multiplot

    # --- images ---
    unset key
    unset colorbox
    set palette gray
    set cbrange [0:1]
    set border 0
    unset tics
    set xrange [-0.5:image_columns - 0.5]
    set yrange [image_rows - 0.5:-0.5]
    do for [i = 1:panels] {
        left = image_left + (i - 1) * (side + gap)
        middle = x_of(left + side / 2)
        set lmargin at screen x_of(left)
        set rmargin at screen x_of(left + side)
        set bmargin at screen y_of(image_bottom)
        set tmargin at screen y_of(image_bottom + side)
        set label 1 HEADING[i] at screen middle, y_of(image_bottom + side + 0.36) center font ",10"
        set label 2 SETTING[i] at screen middle, y_of(image_bottom + side + 0.15) center font ",8"
        set label 3 VALUES[i] at screen middle, y_of(image_bottom - 0.15) center font ",8"
        file = results . "/panels/" . PANEL[i] . ".f32"
        plot file binary array=(image_columns, image_rows) format='%float' endian=little with image
    }
    unset for [i = 1:3] label i

    # --- curves: SSFD on the left axis, SSIM on the right one ---
    set border 11 ls 9
    set xrange [0:*]
    set yrange [0:ssfd_top]
    set y2range [ssim_bottom:1]
    set bmargin at screen y_of(plot_bottom)
    set tmargin at screen y_of(plot_bottom + plot_height)
    set grid xtics ytics ls 10
    set style fill transparent solid BAND_OPACITY noborder
    set label 4 caption at screen 0.5, y_of(0.14) center font ",8" textcolor rgb COLOUR_NOTE
    # One legend for all panels, drawn by hand: a key would be squeezed into the width of its panel.
    set arrow 1 from screen x_of(page_width / 2 - 1.85), y_of(legend_y) rto screen x_of(0.4), 0 nohead lt 1
    set label 5 "SSFD (left axis)" at screen x_of(page_width / 2 - 1.37), y_of(legend_y) left
    set arrow 2 from screen x_of(page_width / 2 + 0.15), y_of(legend_y) rto screen x_of(0.4), 0 nohead lt 2
    set label 6 "SSIM (right axis)" at screen x_of(page_width / 2 + 0.63), y_of(legend_y) left
    do for [i = 1:perturbations] {
        left = axis_left + (i - 1) * (plot_width + plot_gap)
        set lmargin at screen x_of(left)
        set rmargin at screen x_of(left + plot_width)
        set xtics nomirror autofreq
        set xlabel TITLE[i] . ": " . LEVEL_NAME[i] font ",8" offset 0, 0.2
        set ytics nomirror textcolor lt 1 format (i == 1 ? "%g" : "")
        set y2tics nomirror textcolor lt 2 format (i == perturbations ? "%g" : "")
        set ylabel (i == 1 ? "SSFD (mean)" : "") textcolor lt 1 offset 0.5, 0
        set y2label (i == perturbations ? "SSIM (mean)" : "") textcolor lt 2 offset -0.5, 0
        # Rows of other metrics in between would break the lines: put aside what this panel shows.
        is(metric) = strcol("perturbation") eq NAME[i] && strcol("metric") eq metric
        set table $ssfd separator tab
        plot sweep using (column("level")):(column("mean")):(column("ci_low")):(column("ci_high")) \
            with table if (is("ssfd"))
        unset table
        set table $ssim separator tab
        plot sweep using (column("level")):(column("mean")):(column("ci_low")):(column("ci_high")) \
            with table if (is("ssim"))
        unset table
        set datafile separator tab
        set datafile nocolumnheaders
        plot $ssfd using 1:3:4 with filledcurves lt 1 notitle, \
             $ssim using 1:3:4 axes x1y2 with filledcurves lt 2 notitle, \
             $ssfd using 1:2 with linespoints lt 1 notitle, \
             $ssim using 1:2 axes x1y2 with linespoints lt 2 notitle
        set datafile separator comma
        set datafile columnheaders
        unset for [k = 4:6] label k
        unset for [k = 1:2] arrow k
    }
    unset multiplot
    unset output
    unset y2tics
    unset y2label
    unset xlabel
    unset ylabel
    unset grid
}
