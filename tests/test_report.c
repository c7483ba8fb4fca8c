/* Templates of the results page, and that nothing reaches it unescaped. */
#include "suites.h"
#include "support.h"

#include "report/html.h"
#include "report/template.h"

/* What f prints. Valid until the next call. */
static const char *printed(void (*f)(FILE *, const char *), const char *text) {
    static char *made;
    size_t size;
    free(made);
    FILE *out = open_memstream(&made, &size);
    f(out, text);
    fclose(out);
    return made;
}

START_TEST(text_is_escaped_for_elements_and_attributes) {
    ck_assert_str_eq(printed(html_text, "a<b> & \"c\" d'e"), "a&lt;b&gt; &amp; &quot;c&quot; d'e");
    ck_assert_str_eq(printed(html_address, "a b/\"c\"?.csv"), "a%20b/%22c%22%3F.csv");
}
END_TEST

static json_t *data;

static void set_up(void) {
    data = json_object();
    template_set(data, "name", "%s", "x \"<1>\"");
    template_set(data, "empty", "%s", "");
    template_set(data, "inner", "%s", "[{{name}}]");
    for (int k = 0; k < 3; k++)
        template_set(template_add(data, "rows"), "value", "%d", k);
}

static void tear_down(void) {
    json_decref(data);
}

static void expect_filled(const char *template, const char *expected) {
    char *made;
    size_t size;
    FILE *out = open_memstream(&made, &size);
    int status = template_fill(out, template, data);
    fclose(out);
    ck_assert_msg(status == 0, "%s", err_message());
    ck_assert_str_eq(made, expected);
    free(made);
}

static void expect_refused(const char *template, const char *message) {
    FILE *out = fopen("/dev/null", "w");
    ck_assert_int_eq(template_fill(out, template, data), -1);
    expect_error("template", message);
    fclose(out);
}

START_TEST(slots_are_escaped) {
    expect_filled("<p title=\"{{name}}\">", "<p title=\"x &quot;&lt;1&gt;&quot;\">");
    expect_filled("{{%name}}", "x%20%22%3C1%3E%22");
    expect_filled("{{>inner}}", "[x &quot;&lt;1&gt;&quot;]");
}
END_TEST

START_TEST(sections_repeat_for_items_and_depend_on_texts) {
    expect_filled("{{#rows}}{{value}}{{|, }}{{/rows}}.", "0, 1, 2.");
    expect_filled("{{#rows}}{{%name}}{{#empty}}{{no such}}{{/empty}}{{/rows}}",
                  "x%20%22%3C1%3E%22x%20%22%3C1%3E%22"
                  "x%20%22%3C1%3E%22");
    expect_filled("{{#name}}a{{/name}}{{^name}}b{{/name}}{{#empty}}c{{/empty}}{{^empty}}d{{/empty}}", "ad");
    expect_filled("{{#missing}}{{#rows}}c{{/rows}}{{/missing}}{{^missing}}d{{/missing}}", "d");
    expect_filled("a\n{{#name}}\nb\n{{/name}}\nc",
                  "a\nb\nc"); /* tags that stand alone take their line along */
}
END_TEST

START_TEST(mistakes_in_templates_are_errors) {
    expect_refused("{{nmae}}", "{{nmae}}");
    expect_refused("{{#rows}}{{value}}", "{{#rows}} has no end");
    expect_refused("{{#rows}}{{/row}}", "{{/row}} ends no section");
    expect_refused("{{name", "a tag without an end");
}
END_TEST

START_TEST(parts_begin_with_their_names) {
    template_set_parts(data, "{{=one}}\n1 {{name}}\n2\n{{=two}}\n3\n");
    ck_assert_str_eq(json_string_value(json_object_get(data, "one")), "1 {{name}}\n2");
    ck_assert_str_eq(json_string_value(json_object_get(data, "two")), "3\n");
}
END_TEST

/* ---------------------------------------------------------------- a study */

#define GOLDEN "tests/golden/unet_plain.h5"
#define REPORT "report --results @/one --weights " GOLDEN
#define CLAIMS "key,claim,effect,estimate,ci_low,ci_high,n,test,verdict\n"
#define QUALITY "statistic,metric,other,group,unit,fault,n,n_faulty,estimate,ci_low,ci_high,title,note\n"
#define QUALITY_ROW(metric, r) "pearson," metric ",ssim,without faults,scan,,9,0," #r ",0.4,0.6,x,\n"
#define LAYERS "layer,depth,group,unit,coefficient,n,n_scans,estimate,ci_low,ci_high,title\n"

/* As perturbation_sweep leaves it. */
static void write_study(const char *cohort) {
    char table[2048];
    snprintf(table, sizeof table,
             "# cohort: %s\n# split: test, 9 scans, 9 slices\n"
             "perturbation,level,metric,n_scans,mean,title,level_name,metric_title\n"
             "blur,0,ssfd,9,0,\"A \"\"blur\"\"\",sigma (pixels),SSFD\nblur,0,ssim,9,1,x,x,SSIM\n"
             "blur,4,ssfd,9,0.25,x,x,SSFD\nblur,4,ssim,9,0.5,x,x,SSIM\n"
             "shift,0,ssfd,9,0,Shift,shift (pixels),SSFD\nshift,2,ssfd,9,0.125,x,x,SSFD\n"
             "shift,2,ssim,9,0.75,x,x,SSIM\n",
             cohort);
    shell("mkdir -p @/one/records @/one/figures");
    write_text("one/perturbation_sweep.csv", table);
    write_text("one/perturbation_sweep_claims.csv",
               CLAIMS "shift_to_blur,less than a<b,ratio,0.25,nan,nan,9,none,undecided\n");
    write_text("one/records/perturbation_sweep.json",
               "{\"stage\": \"perturbation_sweep\", \"values\": {\"seed\": 12345678901}, \"arguments\": "
               "[\"a\", \"b\"]}");
}

/* The page that the results give. Owned by the caller. */
static char *page_of(const char *command) {
    expect_done(command);
    return read_table("one/index.html");
}

static int count_of(const char *text, const char *word) {
    int count = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        count++;
    return count;
}

static void expect_whole(const char *page) {
    ck_assert_int_eq(count_of(page, "<table"), count_of(page, "</table>"));
    ck_assert_int_eq(count_of(page, "<figure"), count_of(page, "</figure>"));
    ck_assert(strstr(page, "</html>") && !strstr(page, "{{"));
    ck_assert(!strstr(page, "src=\"http") && !strstr(page, "href=\"http") &&
              !strstr(page, "<script")); /* no network */
}

START_TEST(a_page_of_the_sweep_alone_says_what_is_missing) {
    expect_failure("report --results @/nowhere", 1, "nowhere", "");
    write_study("colin27-virtual");
    char *page = page_of(REPORT);
    expect_whole(page);
    ck_assert(strstr(page, "layer_correlation.csv</code> is missing") &&
              strstr(page, "quality_control.csv</code> is missing") &&
              strstr(page, "perturbation_sweep.png is missing"));
    ck_assert(strstr(page, "Virtual scans of one head") && strstr(page, "zero-filled"));
    ck_assert(strstr(page, "<th>ranks</th><th>seed</th>") && strstr(page, "<td>12345678901</td>"));
    ck_assert_ptr_null(
        strstr(page, "SSFD compared with other feature distances")); /* no baselines: no section */
    ck_assert(!strstr(page, "is not the poster's baseline") && !strstr(page, "These are not the weights"));
    ck_assert_ptr_nonnull(
        strstr(page, "less than a&lt;b <span class=\"soft\">(ratio: 0.25, no interval)</span>"));
    ck_assert_ptr_nonnull(
        strstr(page, "&quot;blur&quot;: sigma (pixels) from 0 to 4 in 2 levels; Shift: shift"));
    free(page);
    char *manifest = read_table("one/manifest.json"), *claims = read_table("one/claims.csv");
    ck_assert(strstr(manifest, "\"perturbation_sweep\"") && strstr(manifest, "colin27-virtual"));
    ck_assert_ptr_nonnull(
        strstr(claims, CLAIMS "shift_to_blur,less than a<b,ratio,0.25,nan,nan,9,none,undecided\n"));
    free(manifest);
    free(claims);
}
END_TEST

START_TEST(a_figure_is_in_the_page_with_its_numbers_as_text) {
    write_study("knees");
    write_text("one/figures/perturbation_sweep.png", "PNG");
    write_text("one/figures/perturbation_sweep.pdf", "PDF");
    char *page = page_of(REPORT);
    expect_whole(page);
    ck_assert_ptr_nonnull(strstr(page, "src=\"data:image/png;base64,UE5H\""));
    ck_assert_ptr_nonnull(
        strstr(page, "A &quot;blur&quot; SSFD 0.25 and SSIM 0.5; Shift SSFD 0.125 and SSIM 0.75."));
    ck_assert_ptr_nonnull(strstr(page, "<a href=\"figures/perturbation_sweep.pdf\">Figure as PDF</a>"));
    ck_assert_ptr_nonnull(strstr(page, "<a href=\"perturbation_sweep.csv\">Its numbers as CSV</a>"));
    ck_assert_ptr_null(strstr(page, "Virtual scans of one head"));
    free(page);
}
END_TEST

START_TEST(published_numbers_stand_next_to_ours_without_a_sign) {
    write_study("knees");
    write_text("one/layer_correlation.csv",
               LAYERS "block2_relu2,3,pooled,scan,pearson,9,9,-0.61,-0.7,-0.5,x\n");
    write_text("one/quality_control_summary.csv",
               "# baseline: vgg_pl\n" QUALITY QUALITY_ROW("psnr_db", 0.51) QUALITY_ROW("vgg_pl", -0.52));
    char *page = page_of(REPORT);
    expect_whole(page);
    ck_assert_ptr_nonnull(
        strstr(page, "<td>SSFD, block 2</td><td class=\"number\">0.92</td><td class=\"number\">0.74</td><td "
                     "class=\"number\">0.61 [0.50, 0.70]</td>"));
    ck_assert_ptr_nonnull(strstr(page, "<td>SSFD, block 3</td><td class=\"number\">0.88</td><td "
                                       "class=\"number\">0.59</td><td class=\"number\">not available</td>"));
    ck_assert_ptr_nonnull(strstr(page, "<td>VGG-16; here: x</td>"));
    ck_assert(strstr(page, "0.52 [-0.60, -0.40]</td>") && strstr(page, "0.51 [0.40, 0.60]</td>"));
    free(page);
}
END_TEST

/* Weights without a record of validation, other ones than a table was made with, and names that are not
 * text. */
START_TEST(the_page_tells_what_its_parts_are_from) {
    write_study("caf\xe9");
    write_text("one/layer_correlation.csv",
               "# cohort: knees\n# ssfd: layer block2_relu2, weights sha256 0123\n" LAYERS
               "block2_relu2,3,pooled,scan,pearson,9,9,-0.61,-0.7,-0.5,x\n");
    write_text("one/quality_control_summary.csv", "# x: VGG-16 (random weights)\n# faulty: 3 scans\n" QUALITY
                                                  "roc_area,ssfd,,pooled,scan,any,9,3,0.75,0.6,0.9,SSFD,\n");
    write_text("one/figures/quality_control.png", "PNG");
    char *page = page_of(REPORT " --recon-weights lib/models/weights/ssl_unet.h5");
    expect_whole(page);
    ck_assert(strstr(page, "Cohort: knees.") && strstr(page, "Cohort: caf\xe9."));
    ck_assert_ptr_nonnull(strstr(page, "These are not the weights that layer_correlation.csv was made with"));
    ck_assert_ptr_nonnull(strstr(page, "is not the poster's baseline"));
    ck_assert_ptr_nonnull(strstr(page, "3 scans were acquired a second time with a fault"));
    ck_assert_ptr_nonnull(strstr(page, "finding faulty acquisitions: SSFD 0.75."));
    ck_assert_ptr_nonnull(strstr(page, "Its validation is not recorded"));
    free(page);
    page = page_of(REPORT " --recon-weights " GOLDEN);
    ck_assert_ptr_nonnull(strstr(page, "the weight file does not say how it was made"));
    free(page);
    char *manifest = read_table("one/manifest.json");
    ck_assert_ptr_nonnull(strstr(manifest, "a name that is not UTF-8"));
    free(manifest);
}
END_TEST

START_TEST(files_that_are_not_what_they_should_be_are_named) {
    write_study("knees");
    write_text("one/layer_correlation.csv", "layer,depth\nblock1_relu1,1\n");
    expect_failure(REPORT, 1, "one/layer_correlation.csv", "group");
    write_text("one/layer_correlation.csv", LAYERS);
    expect_failure(REPORT, 1, "one/layer_correlation.csv", "no rows");
    shell("rm @/one/layer_correlation.csv");
    write_text("one/inpainting_claims.csv", "");
    expect_failure(REPORT, 1, "inpainting_claims.csv", "no header row");
    write_text("one/inpainting_claims.csv", "claim,effect\n");
    expect_failure(REPORT, 1, "inpainting_claims.csv", "no column 'key'");
    shell("rm @/one/inpainting_claims.csv");
    write_text("one/records/perturbation_sweep.json", "{\"stage\": ");
    expect_failure(REPORT, 1, "perturbation_sweep.json", "JSON");
    write_text("one/perturbation_sweep.csv",
               "perturbation,level,metric,n_scans,mean,title,level_name\nb,0,ssim,9,1,x,x\n");
    shell("rm @/one/records/perturbation_sweep.json");
    expect_failure(REPORT, 1, "one/perturbation_sweep.csv", "metric ssfd");
}
END_TEST

Suite *suite_report(void) {
    Suite *suite = suite_create("report");
    TCase *templates = tcase_create("templates"), *pages = tcase_create("pages");
    tcase_add_checked_fixture(templates, set_up, tear_down);
    tcase_add_test(templates, text_is_escaped_for_elements_and_attributes);
    tcase_add_test(templates, slots_are_escaped);
    tcase_add_test(templates, sections_repeat_for_items_and_depend_on_texts);
    tcase_add_test(templates, mistakes_in_templates_are_errors);
    tcase_add_test(templates, parts_begin_with_their_names);
    tcase_add_checked_fixture(pages, scratch_set_up, scratch_tear_down);
    tcase_add_test(pages, a_page_of_the_sweep_alone_says_what_is_missing);
    tcase_add_test(pages, a_figure_is_in_the_page_with_its_numbers_as_text);
    tcase_add_test(pages, published_numbers_stand_next_to_ours_without_a_sign);
    tcase_add_test(pages, the_page_tells_what_its_parts_are_from);
    tcase_add_test(pages, files_that_are_not_what_they_should_be_are_named);
    suite_add_tcase(suite, templates);
    suite_add_tcase(suite, pages);
    return suite;
}
