# Benchmarks: time of each peer over that of ssfd, a bar for each benchmark, number of threads and peer.
#
#   gnuplot -c plots/bench.gp [FOLDER OF RESULTS [OUTPUT]]
#
# Writes OUTPUT.pdf and OUTPUT.png.
results = ARGC > 0 ? ARG1 : "results"
output = ARGC > 1 ? ARG2 : results . "/figures/bench"
load ARG0[1:strlen(ARG0) - strlen("bench.gp")] . "style.gp"

table = results . "/bench.csv"

# --- a place on the page for each row: bars of one benchmark and number of threads touch, groups keep a distance ---
# Okabe and Ito again, and greys: none is a metric's.
array COLOUR[5] = ["#56B4E9", "#E69F00", "#BBBBBB", "#F0E442", "#888888"]
array PEER[32]
array GROUP[256]
array GROUP_TOP[256]
array GROUP_BOTTOM[256]
array PLACE[512]
array BAR_PEER[512]
array RATIO[512]
array NOTE[512]
bars = 0
groups = 0
peers = 0
at = 0.0
GAP = 0.7
index_of(name) = (found = 0, sum [k = 1:peers] (PEER[k] eq name ? (found = k, 1) : 0), found)
peer_of(name) = index_of(name) > 0 ? index_of(name) : (peers = peers + 1, PEER[peers] = name, peers)
threads_of(count) = sprintf("%d thread%s", count, count == 1 ? "" : "s")
enter(group) = groups > 0 && GROUP[groups > 0 ? groups : 1] eq group ? groups : \
    (at = groups > 0 ? at + GAP : at, groups = groups + 1, GROUP[groups] = group, GROUP_TOP[groups] = at, groups)
note_of(peer, version, ratio) = sprintf(ratio < 9.95 ? "%.2f  %s" : "%.1f  %s", ratio, peer) . \
    (strlen(version) > 0 ? " " . version : "")
place(benchmark, threads, peer, version, ratio) = strlen(peer) == 0 || !(ratio > 0) ? bars : \
    (enter(benchmark . ", " . threads_of(threads)), bars = bars + 1, PLACE[bars] = at + 0.5, at = at + 1, \
     GROUP_BOTTOM[groups] = at, BAR_PEER[bars] = peer_of(peer), RATIO[bars] = ratio, \
     NOTE[bars] = note_of(peer, version, ratio), bars)
set table $rows
plot table using (place(strcol("benchmark"), column("threads"), strcol("peer"), strcol("peer_version"), \
    strlen(strcol("peer")) > 0 ? column("ratio") : 0)) with table
unset table

low = 1.0
do for [k = 1:bars] {
    low = RATIO[k] < low ? RATIO[k] : low
}
low = low < 1 ? low / 1.15 : 0.9
set print $bars
print "x,y,low,high,bottom,top,peer"
do for [k = 1:bars] {
    print sprintf("1,%g,%g,%g,%g,%g,%d", PLACE[k], RATIO[k] < 1 ? RATIO[k] : 1, RATIO[k] > 1 ? RATIO[k] : 1, \
                  PLACE[k] - 0.46, PLACE[k] + 0.46, BAR_PEER[k])
}
unset print

# --- page, in inches ---
page_width = 6.5
bar_height = 0.17
left = 1.75
bottom = 0.85
top = 0.15
page_height = bottom + top + (bars > 0 ? at : 4) * bar_height
axis_width = page_width - left - 0.2
# The logarithmic axis extends past the bars as far as their notes need, about 0.062 inches a character.
span = log(1.1)
do for [k = 1:bars] {
    room = 0.15 + 0.062 * strlen(NOTE[k])
    room = room < 0.8 * axis_width ? room : 0.8 * axis_width
    needed = log((RATIO[k] > 1 ? RATIO[k] : 1) / low) * axis_width / (axis_width - room)
    span = span > needed ? span : needed
}
right_end = low * exp(span)
processor = comment_of(table, "processor")
rounds = comment_of(table, "rounds")
caption = "medians" . (rounds eq "" ? "" : " of " . rounds . (rounds eq "1" ? " round" : " rounds")) . (processor eq "" ? "" : "; " . processor)

do for [format in "pdf png"] {
    eval FIGURE_OPEN(format, page_width, page_height)
    set border 1 ls 9
    eval PLACE(left, bottom, axis_width, page_height - bottom - top)
    set logscale x
    set xrange [low:right_end]
    set yrange [(bars > 0 ? at : 4):0]
    set xtics (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    unset ytics
    set grid xtics ls 10
    set style fill solid 0.85 noborder
    set xlabel "time of peer / time of ssfd (logarithmic; right of 1: ssfd is faster)"
    set label 1 caption at screen 0.5, y_of(0.14) center font ",8" textcolor rgb COLOUR_NOTE
    do for [g = 1:groups] {
        set label 10 + g GROUP[g] at screen x_of(left - 0.1), first (GROUP_TOP[g] + GROUP_BOTTOM[g]) / 2 \
            right font ",8"
    }
    do for [k = 1:bars] {
        # a bar that ends left of 1 has its note right of the line, as all others
        set label 300 + k NOTE[k] at first (RATIO[k] > 1 ? RATIO[k] : 1), first PLACE[k] left offset 0.6, 0 font ",7"
    }
    set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead front lc rgb COLOUR_INK lw 1.4
    if (bars > 0) {
        plot for [p = 1:peers] $bars using (column("peer") == p ? 1 : NaN):2:3:4:5:6 with boxxyerror \
            fillcolor rgb COLOUR[(p - 1) % 5 + 1] notitle
    } else {
        set label 2 "no peer to compare with" at graph 0.5, graph 0.5 center
        plot NaN notitle
    }
    unset logscale x
    eval FIGURE_CLOSE
}
