# Figure 2: SSFD at layers of the encoder against SSIM. Top: a scatter panel for each layer shown, with its
# least-squares line and Pearson's correlation; below: the correlation of every layer against depth, of all rows
# together and, where the table has several, by acceleration and by method.
#
#   gnuplot -c plots/layer_correlation.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/layer_correlation"
load ARG0[1:strlen(ARG0) - strlen("layer_correlation.gp")] . "style.gp"
eval FIGURE_TABLES("layer_correlation")

# --- page ---
scatters = int(note("scatters"))
depths = |$axes_title| - scatters
page_width = 7.2
columns = scatters > 4 ? (scatters == 5 || scatters == 6 || scatters == 9 ? 3 : 4) : scatters
rows = (scatters + columns - 1) / columns
left = 0.58
pitch = (page_width - left - 0.1) / columns
wide = pitch - 0.5 > 3.0 ? 3.0 : pitch - 0.5
high = wide > 1.9 ? 1.9 : wide
row_pitch = high + 0.95
longest = 0
none = sum [k = 1:|$ticks_label|] (longest = strlen($ticks_label[k]) > longest ? strlen($ticks_label[k]) : longest, 0)
turned = longest * 0.075 * |$ticks_label| > 5.2 # names of layers, where they would not fit side by side
name_height = turned ? 0.04 * longest + 0.05 : 0.12
axis_height = 1.7
axis_pitch = axis_height + name_height + 0.5
axis_bottom = 0.57 + name_height
scatter_bottom = axis_bottom + axis_height + (depths - 1) * axis_pitch + 0.8
page_height = scatter_bottom + (rows - 1) * row_pitch + high + 0.42
point_size = note("points") < 100 ? 0.4 : 0.22

# Coefficients and groups: none has the colour of a metric; told apart by points and dashes, too.
array COLOUR[6] = ["#222222", "#56B4E9", "#999999", "#E69F00", "#009E73", "#CC79A7"]
array POINT[6] = [7, 4, 9, 12, 5, 6]
do for [k = 1:6] {
    set style line 20 + k lc rgb COLOUR[k] lw 1.6 dt k pt POINT[k] ps 0.6
}

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set minussign
    set border 3 ls 9
    set grid xtics ytics ls 10

    # --- scatters: points, then the line whose name is the correlation ---
    set label 1 note("caption") at screen 0.5, y_of(0.29) center font ",8" textcolor rgb COLOUR_NOTE
    set label 2 note("caption 2") at screen 0.5, y_of(0.12) center font ",8" textcolor rgb COLOUR_NOTE
    do for [i = 1:scatters] {
        at_left = left + ((i - 1) % columns) * pitch + (pitch - 0.5 - wide) / 2
        at_bottom = scatter_bottom + (rows - 1 - (i - 1) / columns) * row_pitch
        eval PLACE(at_left, at_bottom, wide, high)
        set xrange [$axes_x_low[i]:$axes_x_high[i]]
        set yrange [$axes_y_low[i]:$axes_y_high[i]]
        set xtics nomirror $axes_x_step[i] * (high > 1.5 ? 1 : 2) font ",8"
        set ytics nomirror $axes_y_step[i] font ",8"
        set xlabel $axes_x_title[i] font ",8" offset 0, 0.5
        set label 3 $axes_y_title[i] at screen x_of(at_left - 0.42), y_of(at_bottom + high / 2) center rotate font ",8"
        set label 4 $axes_title[i] at screen x_of(at_left + wide / 2), y_of(at_bottom + high + 0.26) center
        s = first_series(i)
        set label 5 $series_label[s + 1] at screen x_of(at_left + wide / 2), y_of(at_bottom + high + 0.09) center font ",8"
        plot marks using (of(s, "x")):"y" with points pt 7 ps point_size lc rgb "#90D55E00", \
             marks using (of(s + 1, "x")):"y" with lines dt 1 lw 1.6 lc rgb COLOUR_INK
        unset label
    }

    # --- correlation against depth ---
    unset xlabel
    unset xtics
    set xtics nomirror font ",8" ("" 1)
    do for [k = 1:|$ticks_label|] {
        set xtics add (plain($ticks_label[k]) $ticks_at[k])
    }
    if (turned) {
        set xtics rotate by 35 right
    }
    set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead ls 9
    do for [i = scatters + 1:scatters + depths] {
        at_bottom = axis_bottom + (scatters + depths - i) * axis_pitch
        eval PLACE(left, at_bottom, page_width - 1.35 - left, axis_height)
        set xrange [$axes_x_low[i]:$axes_x_high[i]]
        set yrange [$axes_y_low[i]:$axes_y_high[i]]
        set ytics $axes_y_step[i]
        set label 1 $axes_y_title[i] at screen x_of(left - 0.5), y_of(at_bottom + axis_height / 2) center rotate font ",8"
        set label 2 $axes_title[i] at screen x_of(left), y_of(at_bottom + axis_height + 0.14) left
        first = first_series(i)
        last = first_series(i + 1) - 1
        do for [s = first:last] {
            height = at_bottom + axis_height - 0.1 - (s - first) * 0.2
            set label 10 + s $series_label[s] at screen x_of(page_width - 0.98), y_of(height) left font ",8"
            set label 100 + s "" at screen x_of(page_width - 1.13), y_of(height) point ls 20 + $series_style[s]
        }
        plot for [s = first:last] marks using (of(s, "x")):"y" with linespoints ls 20 + $series_style[s], \
             for [s = first:last] marks using (of(s, "x")):"low":(0):(column("high") - column("low")) \
                 with vectors nohead ls 20 + $series_style[s] dt 1
        unset label
    }
    eval FIGURE_CLOSE
    set xtics norotate autojustify
}
