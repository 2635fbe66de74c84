/* Runs integer programs one behind the other from standard input, each in memories of exactly its sizes. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels.h"

static void *read_all(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory || fread(memory, 1, size, stdin) != size)
        exit(2);
    return memory;
}

int main(void)
{
    int32_t sizes[3];
    int count = 0;
    for (; fread(sizes, sizeof sizes, 1, stdin) == 1; count++) {
        int32_t *words = read_all((size_t)sizes[0] * 4);
        uint8_t *constants = read_all((size_t)sizes[1]);
        uint8_t *values = calloc(1, (size_t)sizes[2]);
        for (int32_t i = 0; i < sizes[2]; i++)
            values[i] = (uint8_t)(i * 77);
        kc_run(words, sizes[0], constants, values);
        free(words);
        free(constants);
        free(values);
    }
    printf("%d\n", count);
    return 0;
}
