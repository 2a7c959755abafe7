import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Template from "../../src/job/Template.ts"
import { callstream, folder } from "../Callstream.ts"

describe("Template.write", () => {
  it.live("is a file that holds no mistake, wherever the sessions go", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const env = {
        CALLSTREAM_WEBHOOK_URL: "https://hooks.example.com/x",
        CALLSTREAM_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        DATABASE_URL: "postgres://u@127.0.0.1:1/x"
      }
      for (const [to, name] of [
        [{ file: "calls: 1.csv" }, "calls: 1.csv"],
        [{ file: "calls.parquet" }, "calls.parquet"],
        [{ sqlite: "calls #1.db" }, "sqlite:calls #1.db"],
        ["postgres", "postgres:DATABASE_URL"],
        ["webhook", "webhook:https://hooks.example.com"]
      ] as const) {
        const answers = { name: "nightly", since: "7d", to, personal: "mask", connection: {} } as const
        writeFileSync(join(cwd, "p.yaml"), Template.write(answers, "p.yaml"))
        const { code, stderr, stdout } = yield* callstream(["run", "p.yaml", "--explain"], { cwd, env })
        assert.strictEqual(code, 0, stderr)
        assert.isTrue(stdout.startsWith(name), stdout)
      }
    })
  )
})
