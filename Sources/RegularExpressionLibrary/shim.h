// PCRE2's names carry the code unit's width only after this is set; macros with values and casts are not seen by Swift, so those that we need stand here.
#ifndef PLATFORM_REGULAR_EXPRESSION_SHIM_H
#define PLATFORM_REGULAR_EXPRESSION_SHIM_H
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
/// UTF-8 that is known to be valid.
static const uint32_t platform_pcre2_valid_utf = PCRE2_UTF | PCRE2_NO_UTF_CHECK;
static const uint32_t platform_pcre2_newline_anycrlf = PCRE2_NEWLINE_ANYCRLF;
static const uint32_t platform_pcre2_jit_complete = PCRE2_JIT_COMPLETE;
static const uint32_t platform_pcre2_no_jit = PCRE2_NO_JIT;
static const int platform_pcre2_error_nomatch = PCRE2_ERROR_NOMATCH;
static const int platform_pcre2_error_jit_stack = PCRE2_ERROR_JIT_STACKLIMIT;
static const size_t platform_pcre2_unset = PCRE2_UNSET;
#endif
