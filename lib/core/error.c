#include "core/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char current[ERR_MESSAGE_MAX];

/* The callers promise one line: text taken from a file name or another library may hold more. */
static void keep_one_line(char *text) {
    for (; *text; text++)
        if (*text == '\n' || *text == '\r')
            *text = ' ';
}

/* Formats aside first, because an argument may be err_message() itself. */
static void set_message(const char *format, va_list arguments, const char *tail) {
    char text[ERR_MESSAGE_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    strncat(text, tail, sizeof text - strlen(text) - 1); /* a long line is cut, never overrun */
    keep_one_line(text);
    memcpy(current, text, sizeof current);
}

int err_set(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_message(format, arguments, "");
    va_end(arguments);
    return -1;
}

void *err_set_null(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_message(format, arguments, "");
    va_end(arguments);
    return NULL;
}

int err_prefix(const char *format, ...) {
    char tail[ERR_MESSAGE_MAX + 2];
    snprintf(tail, sizeof tail, ": %s", current);
    va_list arguments;
    va_start(arguments, format);
    set_message(format, arguments, tail);
    va_end(arguments);
    return -1;
}

const char *err_message(void) {
    return current;
}

void err_box_take(err_box *box) {
#pragma omp critical(err_box)
    {
        if (!box->failed) {
            memcpy(box->message, current, sizeof box->message);
#pragma omp atomic write
            box->failed = 1;
        }
    }
}

int err_box_failed(const err_box *box) {
    int failed;
#pragma omp atomic read
    failed = box->failed;
    return failed;
}

int err_box_raise(const err_box *box) {
    return box->failed ? err_set("%s", box->message) : 0;
}
