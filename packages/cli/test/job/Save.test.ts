import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Export from "../../src/command/ExportCommand.ts"
import { flagOf, flags } from "../../src/option/Declared.ts"
import * as Decode from "../../src/option/Decode.ts"
import { PipelineSpec } from "../../src/option/PipelineSpec.ts"
import * as Save from "../../src/job/Save.ts"
import * as Secret from "../../src/option/Secret.ts"
import * as Template from "../../src/job/Template.ts"
import * as Yaml from "../../src/option/Yaml.ts"

const readBack = Effect.fnUntraced(function* (text: string, env: Readonly<Record<string, string>>) {
  const yaml = yield* Yaml.read("pipeline.yaml", text).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )
  assert.deepStrictEqual(Secret.literals(yaml), [])
  const decoded = Decode.decode(PipelineSpec, yaml.data)
  return Result.isSuccess(decoded) ? decoded.success : assert.fail(JSON.stringify(decoded.failure))
})

/** What is read from the file that was written, with the variables that it asks for. */
const roundTrip = (spec: PipelineSpec) => {
  const { text, variables } = Save.write(spec, "pipeline.yaml")
  return Effect.map(readBack(text, Object.fromEntries(variables.map(({ name, value }) => [name, value]))), (back) => ({
    back,
    text
  }))
}

/** As data goes through a file: keys without a value are not there. */
const plain = (spec: PipelineSpec): unknown => JSON.parse(JSON.stringify(spec))

/** What a terminal's arguments can be: quotes, brackets, references, white space, words that YAML takes for others. */
const odd = Schema.Literals([
  "yes",
  "null",
  "1e3",
  "0x1f",
  "~",
  "- a",
  "a: b",
  "#x",
  "${HOME}",
  "$${HOME}",
  "$$${A}",
  " x ",
  "'\"",
  "[a]",
  "{a}",
  "&a *a",
  "|",
  "é\n漢",
  "\ttab",
  "a\\n",
  "%x",
  "@x",
  "2026-07-01",
  "+14155550123",
  "<<"
])

describe("job/Save", () => {
  it.effect.prop(
    "whatever flags say is read back from the file as it was",
    [
      Schema.Struct({ texts: Schema.Array(odd), search: odd, name: odd, file: odd, rate: Schema.Literals([0.5, 3, 7]) })
    ],
    ([{ file, name, rate, search, texts }]) =>
      Effect.gen(function* () {
        const spec: PipelineSpec = {
          name,
          source: { search, since: "7d", rate, keepGoing: true, retries: 0 },
          transforms: { where: texts, select: [...texts, file], flatten: true },
          sinks: [`${file.trim()}.ndjson`, { to: `https://example.com/${file.length}?q=1`, batchSize: 3 }, "-"],
          state: false,
          deadLetters: file,
          maxDeadLetters: 7,
          coverage: file,
          strict: true
        }
        const { back } = yield* roundTrip(spec)
        assert.deepStrictEqual<unknown>(back, plain(spec))
      })
  )

  it.effect("the file gives the same data as the flags, and holds no address", () =>
    Effect.gen(function* () {
      const specs: Array<PipelineSpec> = []
      const command = Command.make("export", flags(Export.options), (input) =>
        Effect.map(Export.specOf(input), (spec) => void specs.push(spec))
      )
      const run = Command.runWith(command, { version: "0" })
      const lines = [
        "",
        "--since 7d --until 2026-07-01 --to calls.ndjson",
        "--name n --state s --since 90m --to a.ndjson.gz --to - --rotate 100MB --commit-every 0ms --stretches 1 --strict",
        "--newest 3 --force --to a.ndjson --to https://example.com/canary --to https://example.com/canary2?x=1 --batch-size 3 --batch-bytes 1MB --allow-private-hosts",
        "--name t --state sqlite:state.db --to sqlite:calls.db --to postgres:DATABASE_URL --table calls --schema crm",
        "--on yesterday --zone Asia/Kolkata --limit 4",
        "--where durationSec>60 --derive direction,cost --redact phone=drop,email --calling-code 49 --select id,cost=c --flatten",
        "--to https://example.com/canary --webhook-body row --webhook-header X-Team=TEAM --webhook-unsigned",
        "--to calls/ --format csv.gz --rotate 10MB",
        "--to calls.csv --csv-raw --csv-excel --to calls.parquet --to calls.xlsx",
        "--name o --to s3://bucket/calls.parquet --s3-endpoint https://example.com --rotate day",
        "--omit summary --on-sink-failure continue --dead-letters d.ndjson --dead-letters-raw --max-dead-letters 7 --coverage c.json --recordings audio --recordings-rate 5 --recordings-size 20MB --recordings-private-hosts --horizon 90m --without-start skip --keep-going",
        "--page-size 10 --concurrency 2 --rate 0.5 --timeout 1500ms --retries 0 --walk pages --oldest 2 --base-url https://example.com --allow-http",
        "--agent-id 0b6b0f52-5f0b-4c0b-8f0b-0b6b0f525f0b --status completed --channel inbound_call --caller-number +14155550123 --search x --profile l.json --api-key-file k.txt"
      ]
      for (const line of lines) yield* run(line.split(" ").filter((word) => word !== ""))
      assert.strictEqual(specs.length, lines.length)
      for (const spec of specs) {
        const { back, text } = yield* roundTrip(spec)
        assert.deepStrictEqual<unknown>(back, plain(spec), text)
        assert.notInclude(text, "canary")
      }
      // Every flag that says something of a pipeline is among them.
      const said = new Set(lines.flatMap((line) => Array.from(line.matchAll(/--([a-z\d-]+)/g), ([, flag]) => flag)))
      const all = Object.keys(Export.options).map((name) => flagOf(name).slice(2))
      assert.deepStrictEqual(
        all.filter((flag) => !said.has(flag)),
        ["quiet", "json", "metrics-file", "otlp", "explain"]
      )
    }).pipe(
      Effect.provide(NodeServices.layer),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: {} }))
    )
  )

  it.effect("what init writes can be read, whatever the answers were", () =>
    Effect.gen(function* () {
      for (const to of ["webhook", { file: "odd: #name.ndjson" }] as const) {
        for (const personal of ["keep", "mask"] as const) {
          for (const since of [undefined, "7d", "2026-07-01"]) {
            const connection = { baseUrl: "https://example.com", apiKeyFile: "a: b" }
            const text = Template.write(
              { purpose: "file", name: "a: #b", since, to, personal, connection },
              "pipeline.yaml"
            )
            const env = { CALLSTREAM_WEBHOOK_URL: "https://example.com/hook", CALLSTREAM_WEBHOOK_SECRET: "whsec_x" }
            const spec = yield* readBack(text, env)
            assert.strictEqual(spec.name, "a: #b")
            assert.deepStrictEqual(spec.source, {
              ...(since === undefined ? {} : { since }),
              ...connection,
              concurrency: 4
            })
            assert.strictEqual(spec.transforms?.redact !== undefined, personal === "mask")
            assert.deepStrictEqual(
              spec.sinks,
              to === "webhook"
                ? [{ to: env.CALLSTREAM_WEBHOOK_URL, secret: env.CALLSTREAM_WEBHOOK_SECRET }]
                : [{ to: to.file }]
            )
          }
        }
      }
    })
  )
})
