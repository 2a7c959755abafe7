/**
 * Options of Node for the processes of the tests. Loading Effect and running tests allocates far more than the 1 MiB
 * that Node begins with for young objects, and copying them again and again takes a quarter of the time.
 */
export const youngHeap: ReadonlyArray<string> = ["--min-semi-space-size=16", "--max-semi-space-size=32"]
