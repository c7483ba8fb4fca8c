# In-painting, the pretext task. Top: two test slices masked, in-painted by the network and by harmonic interpolation,
# as they are, and the network's error; bottom: the error inside the patches of each method, scan by scan and on average.
#
#   gnuplot -c plots/inpainting.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/inpainting"
load ARG0[1:strlen(ARG0) - strlen("inpainting.gp")] . "style.gp"

scans = results . "/inpainting.csv"
summary = results . "/inpainting_summary.csv"
examples = results . "/panels/inpainting_examples.csv"

cohort = comment_of(scans, "cohort")
masks = comment_of(scans, "masks")
image_size = comment_of(examples, "image")
if (words(image_size) != 3) {
    print examples . ": no comment '# image: ROWS x COLUMNS'"
    exit status 1
}
image_rows = int(word(image_size, 1))
image_columns = int(word(image_size, 3))

# --- what there is to draw: methods in the order of the summary, a row of panels for each example ---
array METHOD[16]
array METHOD_TITLE[16]
array MEAN[16]
array LOW[16]
array HIGH[16]
methods = 0
note(name, title, mean, low, high) = (methods = methods + 1, METHOD[methods] = name, METHOD_TITLE[methods] = title, \
    MEAN[methods] = mean, LOW[methods] = low, HIGH[methods] = high, methods)
stats summary using (note(strcol("method"), strcol("title"), column("mean"), column("ci_low"), column("ci_high"))) nooutput
stats summary using (column("n_scans")) prefix "SCANS" nooutput
stats scans using (column("masked_mse_per_variance")) prefix "MSE" nooutput

SHOWN = " masked network harmonic original error "
array PANEL[64]
array HEADING[64]
array VALUE[64]
array ROW_NAME[16]
panels = 0
rows = 0
row_of(example) = rows > 0 && ROW_NAME[rows > 0 ? rows : 1] eq example ? rows : \
    (rows = rows + 1, ROW_NAME[rows] = example, rows)
is_fill(image) = sum [k = 1:methods] (METHOD[k] eq image)
show(panel, example, image, mse, title) = strstrt(SHOWN, " " . image . " ") == 0 ? panels : \
    (row_of(example), panels = panels + 1, PANEL[panels] = panel, HEADING[panels] = title, \
     VALUE[panels] = is_fill(image) ? sprintf("%.3f", mse) : "", panels)
stats examples using (show(strcol("panel"), strcol("example"), strcol("image"), column("masked_mse_per_variance"), \
    strcol("title"))) nooutput
columns = panels / rows

# --- page, in inches from the lower left corner ---
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
x_of(inches) = inches / page_width
y_of(inches) = inches / page_height

caption = sprintf("n = %d test scans (dots); points and bars: means with 95 %% Student-t intervals; cohort: %s", \
    SCANS_min, cohort eq "" ? "not named" : cohort)
# Dots of a method are spread over a strip in the order of the scans, by multiples of the golden ratio.
spread(k) = 0.44 * (k * 0.618034 - floor(k * 0.618034) - 0.5)

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set termoption noenhanced
    set output output . "." . format
    set multiplot

    # --- images: all in the grey scale of the original of their row ---
    unset key
    unset colorbox
    set palette gray
    set cbrange [0:1]
    set border 0
    unset tics
    set xrange [-0.5:image_columns - 0.5]
    set yrange [image_rows - 0.5:-0.5]
    do for [i = 1:panels] {
        row = (i - 1) / columns
        left = image_left + ((i - 1) % columns) * (side + gap)
        bottom = image_bottom + (rows - 1 - row) * (side + row_gap)
        set lmargin at screen x_of(left)
        set rmargin at screen x_of(left + side)
        set bmargin at screen y_of(bottom)
        set tmargin at screen y_of(bottom + side)
        set label 1 (row == 0 ? HEADING[i] : "") at screen x_of(left + side / 2), y_of(bottom + side + 0.13) center font ",9"
        set label 2 VALUE[i] at screen x_of(left + side / 2), y_of(bottom - 0.11) center font ",8"
        set label 3 (i % columns == 1 ? ROW_NAME[row + 1] . " scan" : "") at screen x_of(image_left - 0.18), \
            y_of(bottom + side / 2) center rotate font ",9"
        file = results . "/panels/" . PANEL[i] . ".f32"
        plot file binary array=(image_columns, image_rows) format='%float' endian=little with image
    }
    unset for [i = 1:3] label i

    # --- errors of the methods, one strip each ---
    set border 1 ls 9
    set lmargin at screen x_of(axis_left)
    set rmargin at screen x_of(page_width - axis_right)
    set bmargin at screen y_of(axis_bottom)
    set tmargin at screen y_of(axis_bottom + axis_height)
    set xrange [0:MSE_max * 1.03]
    set yrange [methods + 0.5:0.5]
    set xtics nomirror autofreq
    set grid xtics ls 10
    set xlabel "mean squared error inside the patches / variance of the image" font ",9" offset 0, 0.2
    set label 4 caption at screen 0.5, y_of(0.28) center font ",8" textcolor rgb COLOUR_NOTE
    set label 5 "masks: " . masks . "; scans with the network's median and largest error, their errors below" at screen 0.5, y_of(0.12) center \
        font ",8" textcolor rgb COLOUR_NOTE
    do for [m = 1:methods] {
        set label 10 + m METHOD_TITLE[m] at screen x_of(axis_left - 0.1), first m right
        set label 30 + m sprintf("%.3f [%.3f, %.3f]", MEAN[m], LOW[m], HIGH[m]) \
            at screen x_of(page_width - axis_right + 0.1), first m left font ",8"
    }
    plot for [m = 1:methods] scans using (strcol("method") eq METHOD[m] ? column("masked_mse_per_variance") : NaN): \
             (m + spread($0)) with points pt 7 ps 0.22 lc rgb "#9966AACC" notitle, \
         for [m = 1:methods] summary using (strcol("method") eq METHOD[m] ? column("mean") : NaN): \
             (m):(column("ci_low")):(column("ci_high")) with xerrorbars pt 7 ps 0.5 lw 1.6 lc rgb COLOUR_INK notitle
    unset multiplot
    unset output
    unset label
    unset xlabel
    unset grid
}
