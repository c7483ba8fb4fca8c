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
unset datafile missing # what is nan leaves a gap in its curve instead of no row

correlations = results . "/layer_correlation.csv"
trends = results . "/layer_correlation_trend.csv"
scores = results . "/layer_correlation_scores.csv"
panels = results . "/panels/layer_correlation.csv"
cohort = comment_of(correlations, "cohort")
unit = comment_of(correlations, "unit")
points = comment_of(correlations, "points")
outcome = comment_of(correlations, "outcome")
# Several methods or accelerations make several points of a scan.
drawn = unit eq "scan" && word(points, 1) ne word(points, 3) ? "reconstructions" : unit . "s"
outcome_column = comment_of(panels, "outcome column")
sign = comment_of(correlations, "sign") + 0 # -1: scores fall as the outcome rises, and -r is drawn

# --- what there is to draw ---
# The step of an axis that has room for `count` of them.
step_of(range, count) = (raw = range / count, decade = 10.0 ** floor(log10(raw)), \
    raw <= decade ? decade : raw <= 2 * decade ? 2 * decade : raw <= 5 * decade ? 5 * decade : 10 * decade)
minus(text) = text[1:1] eq "-" ? "−" . text[2:*] : text
two_digits(value) = minus(sprintf("%.2f", value))
three_digits(value) = minus(sprintf("%.3f", value))
# Scores far from 1 are drawn in units of a power of ten: there is room for three digits between the panels.
array SUPERSCRIPT[10] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
raised(n) = n < 0 ? "⁻" . raised(-n) : n > 9 ? raised(n / 10) . raised(n % 10) : SUPERSCRIPT[n + 1]
largest(a, b) = abs(a) > abs(b) ? abs(a) : abs(b)
power_of(most) = most > 0 && (most < 0.25 || most >= 1e4) ? int(floor(log10(most))) : 0

array COLUMN[16]
array HEADING[16]
array AXIS[16]
array FOUND[16]
array SLOPE[16]
array INTERCEPT[16]
array FROM[16]
array TO[16]
array LOW[16]
array HIGH[16]
shown = 0
show(column, title, axis, r, low, high, slope, intercept, from, to, least, most) = (shown = shown + 1, COLUMN[shown] = column, \
    HEADING[shown] = title, AXIS[shown] = axis, SLOPE[shown] = slope, INTERCEPT[shown] = intercept, FROM[shown] = from, \
    TO[shown] = to, LOW[shown] = least, HIGH[shown] = most, FOUND[shown] = "r = " . two_digits(r) . (low == low ? " [" . two_digits(low) . ", " . two_digits(high) . "]" : ""), shown)
stats panels using (show(strcol("layer"), strcol("title"), strcol("axis"), column("pearson"), column("ci_low"), \
    column("ci_high"), column("slope"), column("intercept"), column("outcome_low"), column("outcome_high"), \
    column("score_low"), column("score_high"))) nooutput

# Names at tics are formats.
plain(text) = strstrt(text, "%") == 0 ? text : \
    text[1:strstrt(text, "%")] . "%" . plain(text[strstrt(text, "%") + 1:*])

array TITLE[16]
array GROUP[64]
layers = 0
groups = 0 # of accelerations and methods
names = " "
index_of(name) = (found = 0, sum [k = 1:groups] (GROUP[k] eq name ? (found = k, 1) : 0), found)
note(depth, title, group) = (depth > layers ? (layers = depth, TITLE[layers] = title) : title, \
    group ne "pooled" && groups < 64 && index_of(group) == 0 ? (groups = groups + 1, GROUP[groups] = group) : group, layers)
stats correlations using (note(int(column("depth")), strcol("title"), strcol("group"))) nooutput

# Ends of the axis of strength: tenths around all that is drawn, zero included.
least = 0.0
most = 0.0
reach(value) = value == value ? (least = value < least ? value : least, most = value > most ? value : most, most) : most
is_drawn(group, coefficient) = group eq "pooled" || coefficient eq "pearson"
stats correlations using (strcol("unit") eq unit && is_drawn(strcol("group"), strcol("coefficient")) ? \
    (reach(sign * column("estimate")), reach(sign * column("ci_low")), reach(sign * column("ci_high"))) : 0) nooutput
least = least < -0.9 ? -1.0 : least < 0 ? floor(least * 10 - 0.01) / 10.0 : 0.0
most = most > 0.9 ? 1.0 : ceil(most * 10 + 0.01) / 10.0
point_size = word(points, 1) + 0 < 100 ? 0.4 : 0.22
strength = (sign < 0 ? "−" : "") . "correlation with " . outcome

# The trend of Pearson's r over the layers, where there are several.
trend = ""
say(estimate, low, high) = (trend = "; slope of " . (sign < 0 ? "−" : "") . "r per layer (Pearson): " . \
    three_digits(estimate) . (low == low ? " [" . three_digits(low) . ", " . three_digits(high) . "]" : ""), 1)
if (layers > 1) {
    stats trends using (strcol("layers") eq "all" && strcol("group") eq "pooled" && strcol("unit") eq unit && \
        strcol("coefficient") eq "pearson" && strstrt(strcol("effect"), "slope") ? \
        say(column("estimate"), column("ci_low"), column("ci_high")) : 0) nooutput
}

# Below the pooled coefficients: a panel for accelerations, one for methods.
array BY[2]
by = 0
of(what) = sum [k = 1:groups] (word(GROUP[k], 1) eq what ? 1 : 0)
do for [what in "acceleration method"] {
    if (of(what) > 0) {
        by = by + 1
        BY[by] = what
    }
}

# --- page, in inches from the lower left corner ---
page_width = 7.2
columns = shown > 4 ? (shown == 5 || shown == 6 || shown == 9 ? 3 : 4) : shown
rows = (shown + columns - 1) / columns
left = 0.58
pitch = (page_width - left - 0.1) / columns
wide = pitch - 0.5
wide = wide > 3.0 ? 3.0 : wide
high = wide > 1.9 ? 1.9 : wide
row_pitch = high + 0.95
longest = 0
none = sum [k = 1:layers] (longest = strlen(TITLE[k]) > longest ? strlen(TITLE[k]) : longest, 0)
turned = longest * 0.075 * layers > 5.2 # names of layers, where they would not fit side by side
name_height = turned ? 0.04 * longest + 0.05 : 0.12
axis_height = 1.7
axis_pitch = axis_height + name_height + 0.5
notes = 0.42
axis_bottom = notes + 0.15 + name_height
scatter_bottom = axis_bottom + axis_height + by * axis_pitch + 0.8
page_height = scatter_bottom + (rows - 1) * row_pitch + high + 0.42
x_of(inches) = inches / page_width
y_of(inches) = inches / page_height

caption = "points: " . drawn . " (n = " . points . "); lines: least squares; r: Pearson's, with its interval"
caption_2 = "intervals: 95 % BCa bootstrap over scans; cohort: " . (cohort eq "" ? "not named" : cohort)

# Coefficients: none has the colour of a metric; told apart by points and dashes, too.
array KIND[3] = ["pearson", "spearman", "kendall"]
array KIND_TITLE[3] = ["Pearson's r", "Spearman's ρ", "Kendall's τ"]
array COLOUR[6] = ["#222222", "#56B4E9", "#999999", "#E69F00", "#009E73", "#CC79A7"]
array POINT[6] = [7, 4, 9, 12, 5, 6]
do for [k = 1:6] {
    set style line 20 + k lc rgb COLOUR[k] lw 1.6 dt k pt POINT[k] ps 0.6
}

# One curve: the rows of a group and coefficient, as "depth strength low high". Undefined ones leave a gap.
CURVE = 'set table $curve%d separator tab; plot correlations using (column("depth")):(sign * column("estimate")):' . \
    '(sign * column(sign < 0 ? "ci_high" : "ci_low")):(sign * column(sign < 0 ? "ci_low" : "ci_high")) with table ' . \
    'if (strcol("unit") eq unit && strcol("group") eq group && strcol("coefficient") eq kind); unset table'
spread = layers < 9 ? 0.06 * layers : 0.5
aside(k, count) = (k - (count + 1) / 2.0) * spread / count
draw(k, count) = sprintf("$curve%d using ($1 + %g):2 with linespoints ls %d notitle, " . \
    "$curve%d using ($1 + %g):3:(0):($4 - $3) with vectors nohead ls %d dt 1 notitle, ", \
    k, aside(k, count), 21 + (k - 1) % 6, k, aside(k, count), 21 + (k - 1) % 6)

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set termoption noenhanced
    set output output . "." . format
    set minussign
    set multiplot
    unset key
    set border 3 ls 9
    set grid xtics ytics ls 10

    # --- scatter panels ---
    set label 1 caption at screen 0.5, y_of(0.29) center font ",8" textcolor rgb COLOUR_NOTE
    set label 2 caption_2 at screen 0.5, y_of(0.12) center font ",8" textcolor rgb COLOUR_NOTE
    do for [i = 1:shown] {
        row = (i - 1) / columns
        at_left = left + ((i - 1) % columns) * pitch + (pitch - 0.5 - wide) / 2
        at_bottom = scatter_bottom + (rows - 1 - row) * row_pitch
        set lmargin at screen x_of(at_left)
        set rmargin at screen x_of(at_left + wide)
        set bmargin at screen y_of(at_bottom)
        set tmargin at screen y_of(at_bottom + high)
        x_step = step_of(TO[i] - FROM[i], high > 1.5 ? 5 : 3)
        power = power_of(largest(LOW[i], HIGH[i]))
        unit_of_score = 10.0 ** power
        low = LOW[i] / unit_of_score
        high_end = HIGH[i] / unit_of_score
        set xrange [FROM[i] - 0.05 * (TO[i] - FROM[i]):TO[i] + 0.05 * (TO[i] - FROM[i])]
        set yrange [low - 0.05 * (high_end - low):high_end + 0.05 * (high_end - low)]
        set xtics nomirror x_step font ",8"
        set ytics nomirror step_of(high_end - low, 5) font ",8"
        set xlabel outcome font ",8" offset 0, 0.5
        set label 3 AXIS[i] . (power == 0 ? "" : " / 10" . raised(power)) at screen x_of(at_left - 0.42), y_of(at_bottom + high / 2) center rotate font ",8"
        set label 4 HEADING[i] at screen x_of(at_left + wide / 2), y_of(at_bottom + high + 0.26) center
        set label 5 FOUND[i] at screen x_of(at_left + wide / 2), y_of(at_bottom + high + 0.09) center font ",8"
        plot scores using (column(outcome_column)):(column(COLUMN[i]) / unit_of_score) with points pt 7 ps point_size lc rgb "#90D55E00" notitle, \
             [FROM[i]:TO[i]] (SLOPE[i] * x + INTERCEPT[i]) / unit_of_score with lines dt 1 lw 1.6 lc rgb COLOUR_INK notitle
        unset for [k = 1:5] label k
    }

    # --- correlation against depth ---
    set lmargin at screen x_of(left)
    set rmargin at screen x_of(page_width - 1.35)
    set xrange [0.5:layers + 0.5]
    set yrange [least:most]
    set ytics step_of(most - least, 7)
    unset xtics
    set xtics nomirror font ",8" ("" 1)
    do for [k = 1:layers] {
        set xtics add (plain(TITLE[k]) k)
    }
    if (turned) {
        set xtics rotate by 35 right
    }
    set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead ls 9
    do for [panel = 0:by] {
        at_bottom = axis_bottom + (by - panel) * axis_pitch
        set bmargin at screen y_of(at_bottom)
        set tmargin at screen y_of(at_bottom + axis_height)
        unset xlabel
        set label 1 strength at screen x_of(left - 0.5), y_of(at_bottom + axis_height / 2) center rotate font ",8"
        set label 2 (panel == 0 ? "All " . drawn . trend : "By " . BY[panel] . ", Pearson's r") \
            at screen x_of(left), y_of(at_bottom + axis_height + 0.14) left
        count = panel == 0 ? 3 : of(panel == 0 ? "" : BY[panel > 0 ? panel : 1])
        curves = 0
        lines = ""
        do for [k = 1:(panel == 0 ? 3 : groups)] {
            group = panel == 0 ? "pooled" : GROUP[k > 0 && panel > 0 ? k : 1]
            if (panel == 0 || word(group, 1) eq BY[panel > 0 ? panel : 1]) {
                curves = curves + 1
                kind = panel == 0 ? KIND[k] : "pearson"
                eval sprintf(CURVE, curves)
                lines = lines . draw(curves, count)
                height = at_bottom + axis_height - 0.1 - (curves - 1) * 0.2
                legend = panel == 0 ? KIND_TITLE[k] : group[strlen(word(group, 1)) + 2:*]
                set label 10 + curves legend at screen x_of(page_width - 0.98), y_of(height) left font ",8"
                set label 40 + curves "" at screen x_of(page_width - 1.13), y_of(height) point ls 20 + (curves - 1) % 6 + 1
            }
        }
        set datafile separator tab
        set datafile nocolumnheaders
        eval "plot " . lines[1:strlen(lines) - 2]
        set datafile separator comma
        set datafile columnheaders
        unset label
    }
    unset arrow 1
    unset multiplot
    unset output
    unset grid
    unset xtics
    set xtics
}
