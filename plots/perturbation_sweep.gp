# Figure 1: SSFD and SSIM under image perturbations. Top: the original and one example per perturbation; bottom:
# mean SSFD and SSIM of the test scans against level, with their confidence bands.
#
#   gnuplot -c plots/perturbation_sweep.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/perturbation_sweep"
load ARG0[1:strlen(ARG0) - strlen("perturbation_sweep.gp")] . "style.gp"
eval FIGURE_TABLES("perturbation_sweep")

# --- page ---
perturbations = |$axes_title|
images_shown = |$images_row|
page_width = perturbations < 2 ? 6.0 : 2.55 * (perturbations + 1) + 0.3
gap = 0.15
side = (page_width - 0.3 - gap * (images_shown - 1)) / images_shown
side = side > 2.4 ? 2.4 : side
image_left = (page_width - images_shown * side - (images_shown - 1) * gap) / 2
axis_left = 0.75
plot_gap = 0.3
plot_width = (page_width - 2 * axis_left - (perturbations - 1) * plot_gap) / perturbations
plot_height = 2.3
plot_bottom = 0.85
legend_y = plot_bottom + plot_height + 0.22
image_bottom = legend_y + 0.5
page_height = image_bottom + side + 0.55
left_name = $series_label[1]
right_name = $series_label[2]

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)

    # --- images ---
    eval IMAGES_BEGIN
    do for [k = 1:images_shown] {
        left = image_left + (k - 1) * (side + gap)
        middle = x_of(left + side / 2)
        eval PLACE(left, image_bottom, side, side)
        set label 1 $images_title[k] at screen middle, y_of(image_bottom + side + 0.36) center font ",10"
        set label 2 $images_note[k] at screen middle, y_of(image_bottom + side + 0.15) center font ",8"
        set label 3 $images_caption[k] at screen middle, y_of(image_bottom - 0.15) center font ",8"
        eval IMAGE(k)
    }
    unset label
    eval IMAGES_END

    # --- curves: series 1, 3, ... on the left axis, 2, 4, ... on the right one ---
    set border 11 ls 9
    set grid xtics ytics ls 10
    set style fill transparent solid BAND_OPACITY noborder
    set y2range [note("right low"):1]
    set label 1 note("caption") at screen 0.5, y_of(0.14) center font ",8" textcolor rgb COLOUR_NOTE
    # One legend for all panels, drawn by hand: a key would be squeezed into the width of its panel.
    set arrow 1 from screen x_of(page_width / 2 - 1.85), y_of(legend_y) rto screen x_of(0.4), 0 nohead lt int($series_style[1])
    set label 2 left_name . " (left axis)" at screen x_of(page_width / 2 - 1.37), y_of(legend_y) left
    set arrow 2 from screen x_of(page_width / 2 + 0.15), y_of(legend_y) rto screen x_of(0.4), 0 nohead lt int($series_style[2])
    set label 3 right_name . " (right axis)" at screen x_of(page_width / 2 + 0.63), y_of(legend_y) left
    do for [i = 1:perturbations] {
        eval PLACE(axis_left + (i - 1) * (plot_width + plot_gap), plot_bottom, plot_width, plot_height)
        set xrange [$axes_x_low[i]:$axes_x_high[i]]
        set yrange [$axes_y_low[i]:$axes_y_high[i]]
        a = 2 * i - 1
        b = 2 * i
        set xtics nomirror autofreq
        set xlabel $axes_x_title[i] font ",8" offset 0, 0.2
        set ytics nomirror textcolor lt int($series_style[a]) format (i == 1 ? "%g" : "")
        set y2tics nomirror textcolor lt int($series_style[b]) format (i == perturbations ? "%g" : "")
        set ylabel (i == 1 ? left_name . " (mean)" : "") textcolor lt int($series_style[a]) offset 0.5, 0
        set y2label (i == perturbations ? right_name . " (mean)" : "") textcolor lt int($series_style[b]) offset -0.5, 0
        plot marks using (of(a, "x")):"low":"high" with filledcurves lt int($series_style[a]), \
             marks using (of(b, "x")):"low":"high" axes x1y2 with filledcurves lt int($series_style[b]), \
             marks using (of(a, "x")):"y" with linespoints lt int($series_style[a]), \
             marks using (of(b, "x")):"y" axes x1y2 with linespoints lt int($series_style[b])
        unset label
        unset arrow
    }
    eval FIGURE_CLOSE
    unset y2tics
    unset y2label
}
