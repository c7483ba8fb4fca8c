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

Suite *suite_report(void) {
    Suite *suite = suite_create("report");
    TCase *tcase = tcase_create("report");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, text_is_escaped_for_elements_and_attributes);
    tcase_add_test(tcase, slots_are_escaped);
    tcase_add_test(tcase, sections_repeat_for_items_and_depend_on_texts);
    tcase_add_test(tcase, mistakes_in_templates_are_errors);
    tcase_add_test(tcase, parts_begin_with_their_names);
    suite_add_tcase(suite, tcase);
    return suite;
}
