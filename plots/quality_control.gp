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
eval FIGURE_TABLES("quality_control")

# --- page ---
scatters = int(note("scatters"))
kinds = int(note("kinds"))
areas = |$ticks_at|
has_images = |$images_row| > 0
page_width = has_images ? 9.0 : 7.2
left = 0.72
wide = has_images ? 2.55 : (page_width - left - 0.15 - 0.85 * (scatters - 1)) / scatters
wide = wide > 3.2 ? 3.2 : wide
high = 1.85
pitch = high + 0.8
area_left = 2.45
area_bottom = 1.07
area_height = 0.25 * areas
# The legend of the faults: all, then series 2, 3, ... in columns as wide as the longest name needs.
legend(k) = k == 0 ? note("all faults") : $series_label[k + 1]
longest = 0
none = sum [k = 0:kinds] (longest = strlen(legend(k)) > longest ? strlen(legend(k)) : longest, 0)
entry_width = 0.35 + 0.065 * longest
per_line = int((page_width - area_left) / entry_width)
per_line = per_line < 1 ? 1 : per_line
legend_lines = kinds / per_line + 1
legend_x(k) = area_left + 0.02 + (k % per_line) * entry_width
legend_y(k) = area_bottom + area_height + 0.02 + 0.2 * (legend_lines - k / per_line)
scatter_bottom = (areas ? area_bottom + area_height + 0.3 + 0.2 * legend_lines : 0.62) + 0.45
page_height = scatter_bottom + (has_images ? pitch : 0) + high + 0.4
image_left = left + wide + 0.45
gap = 0.08
side = (page_width - image_left - 0.15 - 2 * gap) / 3
tall = has_images ? side * note("image rows") / note("image columns") : 0
array HUE[2] = ["#0072B2", "#E69F00"]
# Points that are not of series s are outside of every axis: of nothing but NaN gnuplot complains.
at(s, name) = column("series") == s ? column(name) : 1e30
of_style(style, opacity) = "#" . opacity . word(COLOURS, int(style))

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set border 3 ls 9
    set grid xtics ytics ls 10
    do for [k = 1:3] {
        set label k note("caption" . (k > 1 ? sprintf(" %d", k) : "")) at screen 0.5, y_of(0.63 - 0.17 * k) center \
            font ",8" textcolor rgb COLOUR_NOTE
    }

    # --- scatters: points without a fault, each kind of fault, the examples ---
    do for [i = 1:scatters] {
        at_left = left + (has_images ? 0 : (i - 1) * (wide + 0.85))
        at_bottom = scatter_bottom + (has_images ? (2 - i) * pitch : 0)
        eval PLACE(at_left, at_bottom, wide, high)
        set xrange [$axes_x_low[i]:$axes_x_high[i]]
        set yrange [$axes_y_low[i]:$axes_y_high[i]]
        set xtics nomirror $axes_x_step[i] font ",8"
        set ytics nomirror $axes_y_step[i] font ",8"
        set xlabel $axes_x_title[i] font ",8" offset 0, 0.5
        set label 4 $axes_y_title[i] at screen x_of(at_left - 0.48), y_of(at_bottom + high / 2) center rotate font ",8"
        set label 5 $axes_title[i] at screen x_of(at_left + wide / 2), y_of(at_bottom + high + 0.12) center font ",8"
        s = first_series(i)
        plot marks using (at(s, "x")):"y" with points pt 7 ps 0.25 lc rgb of_style($series_style[s], "90"), \
             for [k = s + 1:s + kinds] marks using (at(k, "x")):"y" with points pt int($series_style[k]) ps 0.55 lw 1.2 lc rgb COLOUR_INK, \
             for [e = 1:2] marks using (at(s + kinds + e, "x")):"y" with points pt 7 ps 1.0 lc rgb HUE[e], \
             for [e = 1:2] marks using (at(s + kinds + e, "x")):"y" with points pt 6 ps 1.1 lw 1.0 lc rgb "white"
        unset label
    }

    # --- areas: a strip for each score, with its interval; below it the kinds of faults ---
    if (areas > 0) {
        i = scatters + 1
        s = first_series(i)
        set border 1 ls 9
        eval PLACE(area_left, area_bottom, page_width - 1.6 - area_left, area_height)
        set xrange [$axes_x_low[i]:$axes_x_high[i]]
        set yrange [areas + 0.5:0.5]
        set xtics nomirror $axes_x_step[i] font ",8"
        unset ytics
        unset grid
        set grid xtics ls 10
        set xlabel $axes_x_title[i] font ",8" offset 0, 0.5
        set arrow 1 from first 0.5, graph 0 to first 0.5, graph 1 nohead ls 9
        do for [k = 0:kinds] {
            set label 10 + k legend(k) at screen x_of(legend_x(k) + 0.13), y_of(legend_y(k)) left font ",8"
            set label 30 + k "" at screen x_of(legend_x(k)), y_of(legend_y(k)) point \
                pt (k ? int($series_style[k + 1]) : 7) ps 0.55 lw 1.2 lc rgb COLOUR_INK
        }
        do for [k = 1:areas] {
            set label 200 + k $ticks_label[k] at screen x_of(area_left - 0.12), first $ticks_at[k] right font ",8"
            set label 900 + k $ticks_value[k] at screen x_of(page_width - 1.5), first $ticks_at[k] left font ",8"
        }
        plot for [k = s + areas:s + areas + kinds - 1] marks using (at(k, "y")):"x" with points pt int($series_style[k]) ps 0.55 lw 1.1 lc rgb COLOUR_NOTE, \
             for [k = s:s + areas - 1] marks using (at(k, "low")):"x":(column("high") - column("low")):(0) with vectors nohead lw 1.8 dt 1 lc rgb of_style($series_style[k], ""), \
             for [k = s:s + areas - 1] marks using (at(k, "y")):"x" with points pt 7 ps 0.7 lc rgb of_style($series_style[k], "")
        unset label
        unset arrow
    }
    unset grid
    unset xlabel

    # --- examples: reference, reconstruction, error, in the grey scale of the reference ---
    if (has_images) {
        eval IMAGES_BEGIN
        do for [k = 1:|$images_row|] {
            e = int($images_row[k])
            at_left = image_left + ($images_column[k] - 1) * (side + gap)
            top = scatter_bottom + (2 - e) * pitch + high - 0.02
            eval PLACE(at_left, top - tall, side, tall)
            set style line 8 lc rgb HUE[e] lw 2.2 dt 1
            set border 15 ls 8
            set label 1 $images_title[k] at screen x_of(at_left + side / 2), y_of(top + 0.12) center font ",8"
            set label 2 $images_note[k] at screen x_of(at_left), y_of(top - tall - 0.14) left font ",8"
            set label 3 $images_caption[k] at screen x_of(at_left), y_of(top - tall - 0.32) left font ",8" textcolor rgb COLOUR_NOTE
            eval IMAGE(k)
        }
        eval IMAGES_END
    }
    eval FIGURE_CLOSE
}
