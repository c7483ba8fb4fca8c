# SSFD and its baselines. Top: how each distance responds to the perturbations, as a share of its largest mean, so
# that distances of any unit share an axis. Bottom: what a shift does, relative to blur and to noise that cost the
# same SSIM.
#
#   gnuplot -c plots/perturbation_baselines.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/perturbation_baselines"
load ARG0[1:strlen(ARG0) - strlen("perturbation_baselines.gp")] . "style.gp"
eval FIGURE_TABLES("perturbation_baselines")
if (|$axes_title| == 0) {
    print results . ": has no baselines: perturbation_sweep --baseline computes them"
    exit status 1
}

# --- page: upper axes have `curves` series each ---
upper = int(note("upper axes"))
curves = int(note("curves"))
lower = |$axes_title| - upper
page_width = upper < 2 ? 6.0 : 2.55 * (upper + 1) + 0.3
axis_left = 0.85
axis_right = 0.25
gap = 0.3
row_height = 2.2
upper_width = (page_width - axis_left - axis_right - (upper - 1) * gap) / upper
lower_width = lower ? (page_width - axis_left - axis_right - (lower - 1) * gap) / lower : 1
longest = 0
none = sum [k = 1:curves] (longest = strlen($series_label[k]) > longest ? strlen($series_label[k]) : longest, 0)
legend_columns = page_width < 8 || longest > 36 ? 2 : 3
legend_rows = (curves + legend_columns - 1) / legend_columns
lower_bottom = 0.95
legend_bottom = lower ? lower_bottom + row_height + 0.7 : 0.5
upper_bottom = legend_bottom + legend_rows * 0.22 + 0.55
page_height = upper_bottom + row_height + 0.35

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set style fill transparent solid BAND_OPACITY noborder
    set border 3 ls 9
    set grid xtics ytics ls 10
    set label 1 note("caption") at screen 0.5, y_of(0.14) center font ",8" textcolor rgb COLOUR_NOTE
    do for [k = 1:curves] {
        left = axis_left + ((k - 1) % legend_columns) * (page_width - axis_left) / legend_columns
        height = legend_bottom + (legend_rows - 1 - (k - 1) / legend_columns) * 0.22
        set arrow k from screen x_of(left), y_of(height) rto screen x_of(0.4), 0 nohead lt int($series_style[k])
        set label 1 + k $series_label[k] at screen x_of(left + 0.48), y_of(height) left font ",8"
    }
    do for [i = 1:upper + lower] {
        is_upper = i <= upper
        column_of = is_upper ? i : i - upper
        width = is_upper ? upper_width : lower_width
        eval PLACE(axis_left + (column_of - 1) * (width + gap), is_upper ? upper_bottom : lower_bottom, width, row_height)
        set xrange [$axes_x_low[i]:$axes_x_high[i]]
        set yrange [$axes_y_low[i]:$axes_y_high[i]]
        set title $axes_title[i] font ",10" offset 0, -0.5
        set xlabel $axes_x_title[i] font ",8" offset 0, 0.2
        set ylabel (column_of == 1 ? $axes_y_title[i] : "") offset 0.5, 0
        set xtics nomirror autofreq
        set ytics nomirror autofreq format (column_of == 1 ? "%g" : "")
        first = first_series(i)
        last = first_series(i + 1) - 1
        if (is_upper) {
            plot for [s = first:last] marks using (of(s, "x")):"low":"high" with filledcurves lt int($series_style[s]), \
                 for [s = first:last] marks using (of(s, "x")):"y" with linespoints lt int($series_style[s])
        } else {
            # Loss grows to the right; at 1 a shift counts as much as the other.
            set logscale y
            set xtics nomirror ("0.95" 0.95, "0.9" 0.9, "0.8" 0.8, "0.7" 0.7)
            set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead ls 9
            plot for [s = first:last] marks using (of(s, "x")):"low":(0):(column("high") - column("low")) \
                     with vectors lt int($series_style[s]) dt 1 nohead, \
                 for [s = first:last] marks using (of(s, "x")):"y" with linespoints lt int($series_style[s])
        }
        unset label
        unset arrow
    }
    unset logscale y
    eval FIGURE_CLOSE
}
