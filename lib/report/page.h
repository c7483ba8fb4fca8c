/* Puts a study together: the results page, all claims in one table, and the manifest. */
#ifndef SSFD_REPORT_PAGE_H
#define SSFD_REPORT_PAGE_H

typedef struct {
    const char *results;                 /* folder */
    const char *weights, *recon_weights; /* files of the networks, for their training records */
} page_source;

/* Writes claims.csv, manifest.json and index.html into the folder of results, which holds the experiments'
 * tables, figures and run records. The page says what is missing. Without
 * perturbation_sweep.csv there is no page: -1 with a message. */
int page_write(const page_source *from);

#endif
