# The look shared by every figure. Load it first, then open one of the two formats with FIGURE_OPEN.
#
# Colours are those of Okabe and Ito, told apart by all common kinds of colour vision and in grey. A metric has
# the same colour, dash and point in every figure.
COLOUR_SSFD = "#D55E00"
COLOUR_SSIM = "#0072B2"
COLOUR_PSNR = "#009E73"
COLOUR_VGG  = "#CC79A7"
COLOUR_RANDOM = "#E69F00"
COLOUR_OTHER = "#56B4E9"
COLOUR_8 = "#8C6D1F"
COLOUR_9 = "#5E4FA2"
COLOUR_INK  = "#222222"
COLOUR_NOTE = "#555555"

# Line types: 1 SSFD, 2 SSIM, 3 PSNR, 4 VGG, 5 SSFD with random weights, 6 HFEN, 7 NRMSE, 8 and 9 further
# metrics. Line styles: 9 axes, 10 grid.
set linetype 1 lc rgb COLOUR_SSFD lw 2 dt 1 pt 7 ps 0.45
set linetype 2 lc rgb COLOUR_SSIM lw 2 dt (12, 5) pt 5 ps 0.4
set linetype 3 lc rgb COLOUR_PSNR lw 2 dt (4, 4) pt 9 ps 0.5
set linetype 4 lc rgb COLOUR_VGG lw 2 dt (12, 4, 3, 4) pt 13 ps 0.5
set linetype 5 lc rgb COLOUR_RANDOM lw 2 dt (6, 3) pt 11 ps 0.5
set linetype 6 lc rgb COLOUR_OTHER lw 2 dt (3, 3) pt 3 ps 0.5
set linetype 7 lc rgb COLOUR_INK lw 1.5 dt (2, 4) pt 2 ps 0.5
set linetype 8 lc rgb COLOUR_8 lw 2 dt (9, 3) pt 1 ps 0.5
set linetype 9 lc rgb COLOUR_9 lw 2 dt (1, 3) pt 4 ps 0.4
set style line 9 lc rgb COLOUR_INK lw 0.8 dt 1
set style line 10 lc rgb "#DDDDDD" lw 0.6 dt 1
COLOURS = "D55E00 0072B2 009E73 CC79A7 E69F00 56B4E9 222222 8C6D1F 5E4FA2" # of these line types
BAND_OPACITY = 0.22

# A figure is width x height inches with text in points, the same in both formats: PDF for print, PNG for screens.
# The scales make the two look alike: gnuplot's own are half size for PDF and pixels for PNG.
FONT = "DejaVu Sans"
FONT_SIZE = 9
PNG_DPI = 200
# Text from data files is plain text (noenhanced): an underscore in it is no subscript.
FIGURE_OPEN(format, width, height) = (format eq "pdf" \
    ? sprintf("set terminal pdfcairo size %gin,%gin noenhanced font '%s,%d' fontscale 0.76 linewidth 1.75;", \
              width, height, FONT, FONT_SIZE) \
    : sprintf("set terminal pngcairo size %d,%d noenhanced font '%s,%d' fontscale %g linewidth %g pointscale %g;", \
              width * PNG_DPI, height * PNG_DPI, FONT, FONT_SIZE, PNG_DPI / 96.0, PNG_DPI / 96.0, PNG_DPI / 96.0)) \
    . "set output output . '." . format . "'; set multiplot; unset key"
TICS = "set tics out nomirror scale 0.6 textcolor rgb COLOUR_INK"
FIGURE_CLOSE = "unset multiplot; unset output; unset label; unset arrow; set xtics autofreq; set ytics autofreq; set border 3 ls 9; " . TICS . "; " . \
    "unset xlabel; unset ylabel; unset grid; unset title"

set encoding utf8
set border 3 ls 9
set format "%g" # the default puts a blank before each number, which shifts it off its tick
eval TICS
set datafile separator comma
set datafile columnheaders
set datafile missing "nan"

# A word of the shell, whatever it holds; the value after "# name: " among the comments at the top of a table.
quoted(text) = "'" . escaped(text) . "'"
escaped(text) = strstrt(text, "'") == 0 ? text : \
    text[1:strstrt(text, "'") - 1] . "'\\''" . escaped(text[strstrt(text, "'") + 1:*])
comment_of(table, name) = system(sprintf("sed -n '/^#/!q; s/^# %s: *//p' %s | head -n 1", name, quoted(table)))

# --- the tables of lib/study/figure.h, which hold what is drawn ---
# eval COLUMN("title", "axes", "title") makes $title of a column of the table whose path is in the variable axes: a line
# for each row, |$title| lines.
rows_of(table) = int(system("sed '/^#/d' " . quoted(table) . " 2>/dev/null | wc -l")) - 1
COLUMN(name, table, column) = sprintf("set table $%s separator tab; ", name) . (rows_of(value(table)) < 1 ? "" : \
    sprintf("plot %s using (strcol('%s')) with table; ", table, column)) . "unset table; "
# eval FIGURE_TABLES(name) reads all but the marks, whose path it sets. first_series(a) is the number of the first series
# of axes a.
FIGURE_TABLE(kind, columns) = (all = "", \
    sum [k = 1:words(columns)] (all = all . COLUMN(kind . "_" . word(columns, k), kind, word(columns, k)), 1), all)
FIGURE_TABLES(name) = (folder = results . "/panels/" . name, axes = folder . "_axes.tsv", series = folder . "_series.tsv", \
    marks = folder . "_marks.tsv", ticks = folder . "_ticks.tsv", images = folder . "_images.tsv", \
    "set datafile separator tab; unset datafile missing; " . FIGURE_TABLE("axes", "title x_title y_title x_low x_high x_step y_low y_high y_step") . \
    FIGURE_TABLE("series", "axes style label") . FIGURE_TABLE("ticks", "axes at label value") . \
    FIGURE_TABLE("images", "row column file title note caption") . \
    "first_series(a) = 1 + (sum [k = 1:|$series_axes|] ($series_axes[k] < a ? 1 : 0))")
note(key) = comment_of(axes, key)
# A column of the marks of series s.
of(s, name) = column("series") == s ? column(name) : NaN
# Names at ticks are formats.
plain(text) = strstrt(text, "%") == 0 ? text : text[1:strstrt(text, "%")] . "%" . plain(text[strstrt(text, "%") + 1:*])

# --- pages in inches from the lower left corner; page_width and page_height are set before they are used ---
x_of(inches) = inches / page_width
y_of(inches) = inches / page_height
# eval PLACE(left, bottom, width, height): where the next plot goes.
PLACE(left, bottom, width, height) = sprintf("set lmargin at screen %g; set rmargin at screen %g; " . \
    "set bmargin at screen %g; set tmargin at screen %g", x_of(left), x_of(left + width), y_of(bottom), y_of(bottom + height))
# eval IMAGES_BEGIN before the first image; eval IMAGE(k) draws row k of the images where PLACE put it.
IMAGES_BEGIN = "unset colorbox; set palette gray; set cbrange [0:1]; set border 0; unset tics; image_rows = int(note('image rows')); " . \
    "image_columns = int(note('image columns')); set xrange [-0.5:image_columns - 0.5]; set yrange [image_rows - 0.5:-0.5]"
IMAGE(k) = sprintf("file = results . '/panels/' . $images_file[%d] . '.f32'; " . \
    "plot file binary array=(image_columns, image_rows) format='%%float' endian=little with image notitle", k)
IMAGES_END = TICS . "; set autoscale"
