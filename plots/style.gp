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
COLOUR_INK  = "#222222"
COLOUR_NOTE = "#555555"

# Line styles: 1 SSFD, 2 SSIM, 3 PSNR, 4 VGG, 5 SSFD with random weights, 6 and 7 further baselines; 9 axes, 10 grid.
set linetype 1 lc rgb COLOUR_SSFD lw 2 dt 1 pt 7 ps 0.45
set linetype 2 lc rgb COLOUR_SSIM lw 2 dt (12, 5) pt 5 ps 0.4
set linetype 3 lc rgb COLOUR_PSNR lw 2 dt (4, 4) pt 9 ps 0.5
set linetype 4 lc rgb COLOUR_VGG lw 2 dt (12, 4, 3, 4) pt 13 ps 0.5
set linetype 5 lc rgb COLOUR_RANDOM lw 2 dt (6, 3) pt 11 ps 0.5
set linetype 6 lc rgb COLOUR_OTHER lw 2 dt (3, 3) pt 3 ps 0.5
set linetype 7 lc rgb COLOUR_INK lw 1.5 dt (2, 4) pt 2 ps 0.5
set style line 9 lc rgb COLOUR_INK lw 0.8 dt 1
set style line 10 lc rgb "#DDDDDD" lw 0.6 dt 1
BAND_OPACITY = 0.22

# A figure is width x height inches with text in points, the same in both formats: PDF for print, PNG for screens.
# The scales make the two look alike: gnuplot's own are half size for PDF and pixels for PNG.
FONT = "DejaVu Sans"
FONT_SIZE = 9
PNG_DPI = 200
# Text from data files is plain text (noenhanced): an underscore in it is no subscript.
FIGURE_OPEN(format, width, height) = format eq "pdf" \
    ? sprintf("set terminal pdfcairo size %gin,%gin noenhanced font '%s,%d' fontscale 0.76 linewidth 1.75", \
              width, height, FONT, FONT_SIZE) \
    : sprintf("set terminal pngcairo size %d,%d noenhanced font '%s,%d' fontscale %g linewidth %g pointscale %g", \
              width * PNG_DPI, height * PNG_DPI, FONT, FONT_SIZE, PNG_DPI / 96.0, PNG_DPI / 96.0, PNG_DPI / 96.0)

set encoding utf8
set border 3 ls 9
set format "%g" # the default puts a blank before each number, which shifts it off its tick
set tics out nomirror scale 0.6 textcolor rgb COLOUR_INK
set datafile separator comma
set datafile columnheaders
set datafile missing "nan"

# A word of the shell, whatever it holds; the value after "# name: " among the comments at the top of a table.
quoted(text) = "'" . escaped(text) . "'"
escaped(text) = strstrt(text, "'") == 0 ? text : \
    text[1:strstrt(text, "'") - 1] . "'\\''" . escaped(text[strstrt(text, "'") + 1:*])
comment_of(table, name) = system(sprintf("sed -n '/^#/!q; s/^# %s: *//p' %s | head -n 1", name, quoted(table)))
