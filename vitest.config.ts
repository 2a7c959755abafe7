import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/**/*.test.ts", "tools/*/test/**/*.test.ts"],
    // Loading Effect anew for every file takes four times as long as all the tests. So files share a process: a test
    // that changes something global (an environment variable, the working folder) does it in a child process.
    pool: "forks",
    isolate: false,
    // Many tests wait for commands that they started: more processes than cores use that time.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    // Only what hangs takes that long, however busy the machine is: a test has no limit of its own.
    testTimeout: 300_000,
    hookTimeout: 120_000
  }
})
