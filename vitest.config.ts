import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"
import { BaseSequencer } from "vitest/node"
import { youngHeap } from "./packages/cli/test/YoungHeap.ts"

/** Short files that take long. Vitest takes large files first, and one of these would run alone at the end. */
const long =
  /(SyncHistories|SyncDeliveries|Pipeline\.property|Whole\.faults|Steps|Sync\.cost|Fleet|Grants|S3Store\.conformance|WorkerCommand(\.\w+)?)\.test\.ts$/

class LongFirst extends BaseSequencer {
  override async sort(files: Parameters<BaseSequencer["sort"]>[0]) {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: (typeof sorted)[number]) => long.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/**/*.test.ts", "tools/*/test/**/*.test.ts"],
    globalSetup: ["vitest.global.ts"],
    setupFiles: ["vitest.setup.ts"],
    sequence: { sequencer: LongFirst },
    // Loading Effect anew for every file takes four times as long as all the tests. So files share a process: a test
    // that changes something global (an environment variable, the working folder) does it in a child process.
    pool: "forks",
    isolate: false,
    execArgv: [...youngHeap],
    // Node reads the sources as they are. Rewritten for Vite, each use of an import is a call of a getter.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // Many tests wait for commands that they started: more processes than cores use that time.
    maxWorkers: 2 * availableParallelism(),
    // Each of them may need a process that runs commands, which stays: `packages/cli/test/Hosts.ts`.
    maxConcurrency: 3,
    // Only what hangs takes that long, however busy the machine is: a test has no limit of its own.
    testTimeout: 300_000,
    hookTimeout: 120_000
  }
})
