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
      for (const [purpose, to, name] of [
        ["file", { file: "calls: 1.csv" }, "calls: 1.csv"],
        ["file", { file: "calls.parquet" }, "calls.parquet"],
        ["spreadsheet", { file: "calls.xlsx" }, "calls.xlsx"],
        ["table", { sqlite: "calls #1.db" }, "sqlite:calls #1.db"],
        ["report", { sqlite: "calls.db" }, "sqlite:calls.db"],
        ["table", "postgres", "postgres:DATABASE_URL"],
        ["webhook", "webhook", "webhook:https://hooks.example.com"]
      ] as const) {
        const answers = { purpose, name: "nightly", since: "7d", to, personal: "mask", connection: {} } as const
        writeFileSync(join(cwd, "p.yaml"), Template.write(answers, "p.yaml"))
        const { code, stderr, stdout } = yield* callstream(["run", "p.yaml", "--explain"], { cwd, env })
        assert.strictEqual(code, 0, stderr)
        assert.isTrue(stdout.startsWith(name), stdout)
      }
    })
  )

  it("has a schedule for what is wanted again, in the folder of the file, and without the key", () => {
    const of = (purpose: Template.Purpose, connection: Template.Answers["connection"] = {}) =>
      Template.schedule(
        { purpose, name: "n", since: "7d", to: { sqlite: "calls.db" }, personal: "keep", connection },
        "n.yaml",
        "/srv/it's 100%"
      )
    assert.isUndefined(of("file"))
    const folder = String.raw`'/srv/it'\''s 100\%'`
    assert.strictEqual(
      of("table", { apiKeyFile: "key.txt" }),
      `# Add these lines to your crontab: crontab -e
PATH=/usr/local/bin:/usr/bin:/bin
*/15 * * * * cd ${folder} && callstream run 'n.yaml' --quiet
`
    )
    assert.match(of("webhook") ?? "", /^AGNI_API_KEY=$/m)
    assert.match(of("spreadsheet") ?? "", /^0 7 \* \* 1 cd .* callstream run 'n\.yaml' --quiet$/m)
    assert.match(of("report") ?? "", /^0 7 \* \* 1 cd .* callstream report --from sqlite:calls\.db --since 7d /m)
  })
})
