import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Failure from "../../src/render/Failure.ts"
import * as PipelineFile from "../../src/job/PipelineFile.ts"
import { jsonSchema } from "../../src/option/PipelineSpec.ts"
import * as Resolve from "../../src/job/Resolve.ts"

type Env = Readonly<Record<string, string>>

const read = (text: string, env: Env = {}) =>
  Effect.scoped(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* Effect.orDie(fs.makeTempDirectoryScoped())
      const path = `${folder}/nightly.yaml`
      yield* Effect.orDie(fs.writeFileString(path, text))
      return yield* Effect.flatMap(PipelineFile.read(path), PipelineFile.parse).pipe(
        // What is only known when the pipelines are, too.
        Effect.tap(({ mistakes, refuse }) => refuse(mistakes)),
        Effect.mapError((error) =>
          Failure.report(Cause.fail(error), { debug: false })
            .lines.join("\n")
            .replaceAll(`${folder}/`, "")
            .replace(/^error: /, "")
        )
      )
    })
  ).pipe(
    Effect.provide(NodeServices.layer),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

/** What is said of a file that is refused. */
const refused = (text: string, env?: Env) => Effect.flip(read(text, env))

const ends = "sinks: [calls.ndjson]\n"

describe("job/PipelineFile", () => {
  it.effect("has each pipeline as a file of its own, with references in place of secrets", () =>
    Effect.gen(function* () {
      const env = { KEY: "agni_secret", HOST: "https://api.example" }
      const text = [
        "source: { apiKey: '${KEY}', baseUrl: '${HOST}' }",
        "pipelines:",
        "  - name: one",
        "    transforms: &both { where: ['summary != \"$${HOST}\"'], select: [id] }",
        "    sinks: [one.ndjson]",
        "  - name: two",
        "    transforms: *both",
        "    sinks: ['${MISSING}']"
      ]
      const whole = yield* read(text.join("\n"), { ...env, MISSING: "two.ndjson" })
      for (const { alone, spec } of whole.pipelines) {
        const written = JSON.stringify(alone)
        assert.notInclude(written, "agni_secret")
        const { pipelines, several } = yield* read(written, { ...env, MISSING: "two.ndjson" })
        assert.isTrue(several)
        assert.deepStrictEqual(
          pipelines.map((one) => one.spec),
          [spec]
        )
      }
      // What another pipeline of the file refers to is not looked for.
      const [one, two] = whole.pipelines.map(({ alone }) => JSON.stringify(alone))
      assert.strictEqual((yield* read(one ?? "", env)).pipelines[0].spec.name, "one")
      assert.include(yield* refused(two ?? "", env), "the environment variable MISSING is not set")
    })
  )

  it.effect("has the name of its file, and AGNI_BASE_URL when it names no URL", () =>
    Effect.gen(function* () {
      const { connection, pipelines, several } = yield* read(ends, { AGNI_BASE_URL: "http://127.0.0.1:1" })
      assert.strictEqual(pipelines[0].spec.name, "nightly")
      assert.isFalse(several)
      assert.deepStrictEqual(connection, { baseUrl: "http://127.0.0.1:1" })
    })
  )

  it.effect("may hold several, which share how the API is reached", () =>
    Effect.gen(function* () {
      const { connection, pipelines, several } = yield* read(
        `source: { rate: 5 }\npipelines:\n  - { name: a, source: { since: 7d }, sinks: [a.ndjson] }\n  - { name: b, sinks: [b.ndjson] }\n`
      )
      assert.isTrue(several)
      assert.deepStrictEqual(connection, { rate: 5 })
      assert.deepStrictEqual(
        pipelines.map(({ spec }) => [spec.name, spec.source]),
        [
          ["a", { rate: 5, since: "7d" }],
          ["b", { rate: 5 }]
        ]
      )
    })
  )

  it.effect("reports a mistake with line, column, the expected value and the near key", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* refused(`source:\n  sinces: 7d\n${ends}`),
        "nightly.yaml:2:3: there is no key sinces in source\n    sinces: 7d\n    ^^^^^^\n  Did you mean since?"
      )
      for (const [text, expected] of [
        [`source:\n  since: lately\n${ends}`, /^nightly\.yaml:2:10: expected a time .*\n.*\n {11}\^{6}$/],
        [`source: { concurrency: 0 }\n${ends}`, /:1:24: expected a whole number from 1 to 256\n/],
        [`source: { rate: fast }\n${ends}`, /:1:17: expected a number above 0\n/],
        [`source: { rate: .inf }\n${ends}`, /:1:17: expected /],
        [
          `source: { callerNumber: +14155550123 }\n${ends}`,
          /:1:25: expected a number in E\.164 form.*\n.*\n.*\n.*quotes/
        ],
        [`source:\n${ends}`, /:1:8: expected keys with values/],
        [`since: 7d\n${ends}`, /:1:1: there is no key since\n.*\n.*\n {2}Write it under source\.$/],
        [
          `source:\n  page-size: 50\n${ends}`,
          /:2:3: there is no key page-size in source\n.*\n.*\n {2}Did you mean pageSize\?$/
        ],
        [`page-size: 50\n${ends}`, / {2}Write it as pageSize under source\.$/],
        [`rotate: day\n${ends}`, / {2}Write it under sinks\.$/],
        [`onSinkFailure: contine\n${ends}`, /:1:16: expected stop or continue\n.*\n.*\n {2}Did you mean continue\?/],
        [
          `transforms: { where: durationSec > 60 }\n${ends}`,
          /:1:22: expected a list.*\n.*\n.*\n {2}As in \["durationSec > 60"\]/
        ],
        ["sinks: [calls.txt]\n", /:1:9: expected - for stdout, .* or keys with values, such as to, force, format\n/],
        [
          "sinks:\n  - to: calls.ndjson\n    rotat: day\n",
          /:3:5: there is no key rotat in sinks\n.*\n.*\n {2}Did you mean rotate\?/
        ],
        ["sinks: []\n", /:1:8: /],
        ["name: a\n", /:1:1: the key sinks is missing/],
        ["pipelines:\n  - sinks: [a.ndjson]\n", /:2:5: the key name is missing/],
        ["pipelines:\n  - { name: a, sinks: [a.ndjson], source: { rate: 3 } }\n", /there is no key rate in source/],
        [
          "pipelines:\n  - { name: a, sinks: [a.ndjson] }\n  - { name: a, sinks: [b.ndjson] }\n",
          /:3:13: another pipeline/
        ],
        ["- a\n", /holds no pipeline/],
        ["", /holds no pipeline/],
        ["name: 'a\n", /:1:7: a quote, bracket or comma is missing here\n/],
        ["name: a\nname: b\n", /:2:1: this key is here twice/],
        ["name: a\n---\nname: b\n", /second document/],
        [`name: &a [*a]\n${ends}`, /inside of itself/],
        ["1: a\n", /:1:1: a key must be a word/]
      ] as const) {
        assert.match(yield* refused(text), expected, text)
      }
    })
  )

  it.effect("reports several mistakes at once, in the order of their lines", () =>
    Effect.gen(function* () {
      const problems = yield* refused("nam: a\nsource: { rate: 0 }\nsinks: [calls.txt]\n")
      assert.deepStrictEqual(
        Array.from(problems.matchAll(/nightly\.yaml:(\d+):/g), ([, line]) => line),
        ["1", "2", "3"]
      )
    })
  )

  it.effect("does not stall on aliases of aliases", () =>
    Effect.gen(function* () {
      const levels = Array.from({ length: 30 }, (_, i) => `k${i + 1}: &k${i + 1} [*k${i}, *k${i}]`)
      assert.include(yield* refused(["k0: &k0 [a]", ...levels].join("\n")), "too much")
    })
  )

  it.effect("takes ${NAME} from the environment, and reports which is not set, and where", () =>
    Effect.gen(function* () {
      const text =
        "source:\n  apiKey: ${KEY}\nsinks:\n  - ${FOLDER}/calls.ndjson\n  - to: ${HOOK}\n    secret: ${SECRET}\n"
      const env = { KEY: "canary-key", FOLDER: "/tmp", HOOK: "https://example.com/canary", SECRET: "whsec_canary" }
      const { pipelines, referred } = yield* read(text, env)
      assert.deepStrictEqual(pipelines[0].spec.sinks, [
        "/tmp/calls.ndjson",
        { to: "https://example.com/canary", secret: "whsec_canary" }
      ])
      assert.strictEqual(pipelines[0].spec.source?.apiKey, "canary-key")
      assert.deepStrictEqual(referred, [
        ["canary-key", "${KEY}"],
        ["/tmp", "${FOLDER}"],
        ["https://example.com/canary", "${HOOK}"],
        ["whsec_canary", "${SECRET}"]
      ])
      assert.match(
        yield* refused(text, { ...env, HOOK: " " }),
        /^nightly\.yaml:5:9: the environment variable HOOK is not set\n/
      )
      assert.match(yield* refused(`name: \${A-b}\n${ends}`), /:1:7: a reference is \$\{NAME\}/)
      assert.match(yield* refused(`name: a\${B\n${ends}`), /:1:7: a reference is/)
      const { pipelines: literal } = yield* read(`name: $\${B}\n${ends}`)
      assert.strictEqual(literal[0].spec.name, "${B}")
      // A value that is wrong is told without what stands in the environment.
      const wrong = yield* refused(`source:\n  since: \${SINCE}\n${ends}`, { SINCE: "canary" })
      assert.include(wrong, "since: ${SINCE}")
      assert.notInclude(wrong, "canary")
    })
  )

  it.effect("refuses a secret in the file, and does not repeat it", () =>
    Effect.gen(function* () {
      for (const [text, variable] of [
        ["source:\n  apiKey: canary\n", "AGNI_API_KEY"],
        ["source: { api_key: canary }\n", "AGNI_API_KEY"],
        ["apiKey: prefix${KEY}canary\n", "AGNI_API_KEY"],
        ["transforms: { redactKey: canary }\n", "CALLSTREAM_REDACT_KEY"],
        ["sinks:\n  - { to: a.ndjson, secret: canary }\n", "CALLSTREAM_WEBHOOK_SECRET"],
        ["note: whsec_canary\n", "CALLSTREAM_WEBHOOK_SECRET"],
        ["sinks: ['postgres://me:canary@host/db']\n", "NAME"],
        ["sinks: ['https://hooks.example.com/?token=canary']\n", "NAME"],
        ["sinks: ['https://hooks.example.com/?sig=canary']\n", "NAME"]
      ] as const) {
        const problem = yield* refused(text, { KEY: "k" })
        assert.match(problem, /nightly\.yaml:\d+:\d+: a (secret|password or key) is in/, text)
        assert.include(problem, `\${${variable}}`)
        assert.notInclude(problem, "canary")
      }
      // What is referred to is fine, also within an address; a mistake in the same line is told without the line.
      const fine = yield* refused("sinks: ['mysql://me:${PW}@host/db']\n", { PW: "canary" })
      assert.notInclude(fine, "canary")
      const torn = yield* refused("source: { apiKey: canary\n")
      assert.notInclude(torn, "canary")
    })
  )

  it.effect("points at what is found later, in the words of the file", () =>
    Effect.gen(function* () {
      for (const [text, expected] of [
        [
          "transforms:\n  where:\n    - durationSec > 60\n    - 'durationSecs > 60'\nsinks: [a.ndjson]\n",
          /^[^\n]*:4:8: where: unknown field durationSecs\n {6}- 'durationSecs > 60'\n {9}\^{12}\n {2}Did you mean durationSec\?$/
        ],
        [
          "source: { newest: 3 }\nsinks: [a.ndjson]\n",
          /:1:19: newest cannot be combined with name; such a run cannot be resumed\n.*\n.*\n {2}Add state: false/
        ],
        [
          "sinks:\n  - to: a.ndjson\n    force: true\n",
          /:3:5: force cannot be combined with name; a run that resumes replaces nothing/
        ],
        [
          "sinks:\n  - a.ndjson\n  - { to: '-', rotate: day }\n",
          /:3:16: rotate applies to a file or object storage only/
        ],
        ["sinks: [a.ndjson, ./a.ndjson]\n", /:1:19: to: \.\/a\.ndjson is named twice/],
        [
          "source: { since: 2026-07-02, until: 2026-07-01 }\nsinks: [a.ndjson]\n",
          /:1:37: until .* is not later than since/
        ],
        [
          "source: { walk: pages, horizon: 1h }\nsinks: [a.ndjson]\n",
          /:1:33: horizon cannot be combined with walk: pages; reading by page number proves nothing/
        ]
      ] as const) {
        const { pipelines, refuse } = yield* read(text)
        const [{ locate, spec }] = pipelines
        const refused = yield* Resolve.toJob(spec, { report: "none" }).pipe(
          Effect.asVoid,
          Effect.catchTags({
            UsageError: (error) => refuse([locate(error)]),
            UsageErrors: ({ errors }) => refuse(errors.map(locate))
          }),
          Effect.flip,
          Effect.provide(NodeServices.layer)
        )
        const { lines } = Failure.report(Cause.fail(refused), { debug: false })
        assert.match(lines.join("\n"), expected, text)
      }
    })
  )

  it.live("reads what docs/pipelines.md shows, whose tables have every key", () =>
    Effect.gen(function* () {
      const page = readFileSync(join(import.meta.dirname, "../../../../docs/pipelines.md"), "utf8")
      const blocks = Array.from(page.matchAll(/^```yaml\n([^]*?)^```$/gm), ([, text = ""]) => text)
      assert.isAtLeast(blocks.length, 4)
      const env = {
        CALLSTREAM_REDACT_KEY: "0123456789abcdef",
        CALLSTREAM_WEBHOOK_URL: "https://example.com/hook",
        CALLSTREAM_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
      }
      for (const block of blocks) {
        for (const { spec } of (yield* read(block, env)).pipelines) {
          yield* Resolve.toJob(spec, { report: "none" }).pipe(
            Effect.provide(NodeServices.layer),
            Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
            Effect.orDie
          )
        }
      }
      const tables =
        page
          .split("\n")
          .filter((line) => line.startsWith("|"))
          .join("\n") ?? ""
      const keys = Array.from(JSON.stringify(jsonSchema()).matchAll(/"(\w+)":\{/g), ([, key]) => key)
      const known = new Set(["properties", "items", "additionalItems", "not"])
      assert.deepStrictEqual(
        keys.filter((key) => key !== undefined && !known.has(key) && !tables.includes(`\`${key}\``)),
        []
      )
    })
  )
})
