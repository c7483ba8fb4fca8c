# In-painting, the pretext task. Top: two test slices masked, in-painted by the network and by harmonic interpolation,
# as they are, and the network's error; bottom: the error inside the patches of each method, scan by scan and on average.
#
#   gnuplot -c plots/inpainting.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/inpainting"
load ARG0[1:strlen(ARG0) - strlen("inpainting.gp")] . "style.gp"
eval FIGURE_TABLES("inpainting")

# --- page ---
methods = |$ticks_at|
columns = int($images_column[|$images_row|])
rows = int($images_row[|$images_row|])
page_width = 9.0
image_left = 0.4
gap = 0.12
side = (page_width - image_left - 0.15 - gap * (columns - 1)) / columns
row_gap = 0.3
axis_left = 1.8
axis_right = 1.75
axis_bottom = 0.8
axis_height = 0.42 * methods
image_bottom = axis_bottom + axis_height + 0.5
page_height = image_bottom + rows * side + (rows - 1) * row_gap + 0.35

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)

    # --- images: all in the grey scale of the original of their row ---
    eval IMAGES_BEGIN
    do for [k = 1:|$images_row|] {
        left = image_left + ($images_column[k] - 1) * (side + gap)
        bottom = image_bottom + (rows - $images_row[k]) * (side + row_gap)
        eval PLACE(left, bottom, side, side)
        set label 1 $images_title[k] at screen x_of(left + side / 2), y_of(bottom + side + 0.13) center font ",9"
        set label 2 $images_caption[k] at screen x_of(left + side / 2), y_of(bottom - 0.11) center font ",8"
        set label 3 $images_note[k] at screen x_of(image_left - 0.18), y_of(bottom + side / 2) center rotate font ",9"
        eval IMAGE(k)
    }
    unset label
    eval IMAGES_END

    # --- errors of the methods, one strip each: dots are series 1, 3, ..., means 2, 4, ... ---
    set border 1 ls 9
    eval PLACE(axis_left, axis_bottom, page_width - axis_left - axis_right, axis_height)
    set xrange [$axes_x_low[1]:$axes_x_high[1]]
    set yrange [$axes_y_low[1]:$axes_y_high[1]]
    set xtics nomirror autofreq
    unset ytics
    set grid xtics ls 10
    set xlabel $axes_x_title[1] font ",9" offset 0, 0.2
    set label 4 note("caption") at screen 0.5, y_of(0.28) center font ",8" textcolor rgb COLOUR_NOTE
    set label 5 note("caption 2") at screen 0.5, y_of(0.12) center font ",8" textcolor rgb COLOUR_NOTE
    do for [m = 1:methods] {
        set label 10 + m $ticks_label[m] at screen x_of(axis_left - 0.1), first $ticks_at[m] right
        set label 30 + m $ticks_value[m] at screen x_of(page_width - axis_right + 0.1), first $ticks_at[m] left font ",8"
    }
    plot for [s = 1:2 * methods:2] marks using (of(s, "y")):"x" with points pt 7 ps 0.22 lc rgb "#9966AACC", \
         for [s = 2:2 * methods:2] marks using (of(s, "y")):"x":"low":"high" with xerrorbars pt 7 ps 0.5 lw 1.6 dt 1 lc rgb COLOUR_INK
    eval FIGURE_CLOSE
}
