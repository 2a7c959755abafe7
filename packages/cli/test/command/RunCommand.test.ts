import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { alongside, callstream, folder, idsOf, lines, simulation, until } from "../Callstream.ts"

/** util-linux's `script` gives a command a terminal. */
const noTerminal = !String(spawnSync("script", ["--version"]).stdout).includes("util-linux")
const inTerminal = (columns: number) => `exec script -qec "stty cols ${columns}; $*" /dev/null`

const transforms = `transforms:
  where: [durationSec > 60]
  redact: [email, phone]
  select: [id, callerEmail, durationSec]
`

describe("a pipeline file with many mistakes", alongside, () => {
  it.live("shows all of them at once, whatever finds them", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(
        join(cwd, "p.yaml"),
        [
          "nam: nightly",
          "source:",
          "  since: yesterdayish",
          "  until: 2026-07-01",
          "  newest: 0",
          "  walk: pages",
          "  keepGoing: true",
          "  baseUrl: ${NOWHERE}",
          "transforms:",
          "  where: ['durationSecs > 60', 'status =']",
          "  derive: [nothing]",
          "  callingCode: '+49'",
          "sinks:",
          "  - { to: a.ndjson, table: x }",
          "  - { to: sqlite:a.db, rotate: weekly }"
        ].join("\n")
      )
      const { code, stderr } = yield* callstream(["run", "p.yaml"], { cwd })
      assert.strictEqual(code, 2)
      const places = Array.from(stderr.matchAll(/^error: p\.yaml:(\d+):/gm), ([, line]) => Number(line))
      assert.deepStrictEqual(places, [1, 3, 5, 7, 8, 10, 10, 11, 12, 14])
      assert.include(stderr, "error: p.yaml: 1 more like these\n")
    })
  )
})

describe("callstream run", alongside, () => {
  it.live("does what the same flags do, resumes under the file's name, and does nothing after it finished", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 300, undated: 0 })
      writeFileSync(join(cwd, "long.yaml"), `source: { since: 14d }\n${transforms}sinks: [calls.ndjson]\n`)
      const first = yield* run(["run", "long.yaml"], { cwd })
      assert.strictEqual(first.code, 0, first.stderr)
      assert.match(first.stderr, / calls left out by filters\n/)
      assert.include(readdirSync(join(cwd, ".callstream")), "long.json")
      const flags = "--since 14d --where durationSec>60 --redact email,phone --select id,callerEmail,durationSec".split(
        " "
      )
      const same = yield* run(["export", ...flags], { cwd })
      assert.strictEqual(readFileSync(join(cwd, "calls.ndjson"), "utf8"), same.stdout)
      const asked = simulator.requests.length
      const again = yield* run(["run", "long.yaml", "--json"], { cwd })
      assert.strictEqual(again.code, 0)
      assert.isTrue(lines(again.stdout)[0]?.["finishedBefore"])
      assert.isAtMost(simulator.requests.length - asked, 1)
      // The same as flags is the same run.
      const named = yield* run(["export", ...flags, "--name", "long", "--to", "calls.ndjson"], { cwd })
      assert.include(named.stderr, "has finished and exports nothing more")
    })
  )

  it.live("runs several in parallel over one budget, reports each by name, and exits with the worst", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 300, undated: 0, latency: "20 millis" })
      const file = (every: string, some: string) =>
        writeFileSync(
          join(cwd, "all.yaml"),
          `source: { concurrency: 2 }
pipelines:
  - { name: ${every}, sinks: [${every}.ndjson] }
  - { name: ${some}, source: { status: completed }, strict: true, sinks: [some.ndjson] }
`
        )
      file("every", "some")
      const { code, stderr } = yield* run(["run", "all.yaml"], { cwd })
      assert.strictEqual(code, 3, stderr)
      assert.match(stderr, /^every: 300 calls to every\.ndjson in /m)
      assert.match(stderr, /^some: \d+ calls to some\.ndjson in /m)
      assert.match(stderr, /^2 pipelines together: \d+ requests/m)
      assert.strictEqual(new Set(idsOf(readFileSync(join(cwd, "every.ndjson"), "utf8"))).size, 300)
      // Of three requests in a row the last began when one of the others was answered, which takes 20 ms.
      const begun = simulator.requests.map(({ at }) => at)
      begun.forEach((at, i) => i < 2 || assert.isAtLeast(at - (begun[i - 2] ?? 0), 15_000))
      assert.sameMembers(
        readdirSync(join(cwd, ".callstream")).filter((name) => name.endsWith(".json")),
        ["every.json", "some.json"]
      )
      // What cannot begin fails alone.
      file("again", "other")
      const mixed = yield* run(["run", "all.yaml"], { cwd })
      assert.strictEqual(mixed.code, 2, mixed.stderr)
      assert.match(mixed.stderr, /^again: 300 calls to again\.ndjson in /m)
      assert.match(mixed.stderr, /^error: other: .*some\.ndjson.*there already/m)
    })
  )

  it.live("refuses two that write to one place, before any request", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation()
      const env = { ONE: "postgres://a@127.0.0.1:1/calls", TWO: "postgres://b@127.0.0.1:1/calls?sslmode=disable" }
      for (const [one, other, message] of [
        ["sinks: [a.ndjson]", "sinks: [./a.ndjson]", "all.yaml:3:26: to: one writes to ./a.ndjson already"],
        ["sinks: ['-']", "sinks: ['-']", "all.yaml:3:26: to: one writes to stdout already"],
        [
          "sinks: [a.ndjson], deadLetters: d",
          "sinks: [b.ndjson], deadLetters: d",
          "deadLetters: one writes to d already"
        ],
        [
          "sinks: [{ to: a.csv, rotate: 1MB }]",
          "sinks: [a-00001.csv]",
          "all.yaml:3:26: to: one writes to a-00001.csv already"
        ],
        [
          "sinks: [{ to: a.csv, rotate: day }]",
          "sinks: [{ to: a.ndjson, rotate: day }]",
          "all.yaml:3:32: to: one writes to a.ndjson already"
        ],
        [
          "sinks: ['sqlite:a.db'], transforms: { redact: [phone] }",
          "sinks: [{ to: 'sqlite:./a.db', table: CALL_SESSIONS }]",
          "all.yaml:3:32: to: one writes other rows to sqlite:./a.db (CALL_SESSIONS), by other transforms"
        ],
        [
          "sinks: ['postgres:ONE']",
          "sinks: ['postgres:TWO'], transforms: { flatten: true }",
          "all.yaml:3:26: to: one writes other rows to postgres:TWO, by other transforms"
        ],
        ["sinks: ['sqlite:a.csv']", "sinks: [a.csv]", "all.yaml:3:26: to: one writes to a.csv already"]
      ] as const) {
        writeFileSync(join(cwd, "all.yaml"), `pipelines:\n  - { name: one, ${one} }\n  - { name: two, ${other} }\n`)
        const { code, stderr } = yield* run(["run", "all.yaml"], { cwd, env })
        assert.strictEqual(code, 2)
        assert.include(stderr, message)
      }
      assert.strictEqual(simulator.requests.length, 0)
      assert.deepStrictEqual(readdirSync(cwd), ["all.yaml"])
    })
  )

  it.live("lets several write to one database, and to one table when they make the same rows", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 200, undated: 0 })
      writeFileSync(
        join(cwd, "all.yaml"),
        `pipelines:
  - { name: in, source: { channel: inbound_call }, sinks: ["sqlite:calls.db"] }
  - { name: out, source: { channel: outbound_call }, sinks: ["sqlite:calls.db"] }
  - { name: short, transforms: { where: ['channel == "web"'], select: [id] }, sinks: [{ to: "sqlite:calls.db", table: short }] }
`
      )
      const { code, stderr } = yield* run(["run", "all.yaml"], { cwd })
      assert.strictEqual(code, 0, stderr)
      assert.match(stderr, /^short: [\d,]+ calls to sqlite:calls\.db \(short\) in /m)
      const database = new DatabaseSync(join(cwd, "calls.db"))
      const ids = (table: string) =>
        database
          .prepare(`SELECT id FROM ${table}`)
          .all()
          .map(({ id }) => id)
      const truth = simulator.truth()
      assert.sameMembers(
        ids("call_sessions"),
        truth.filter(({ channel }) => channel === "inbound_call" || channel === "outbound_call").map(({ id }) => id)
      )
      assert.sameMembers(
        ids("short"),
        truth.filter(({ channel }) => channel === "web").map(({ id }) => id)
      )
      database.close()
    })
  )

  it.live(
    "--dry-run shows the first ten that pass at every stage with a request or two, and leaves nothing behind",
    () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const { run, simulator } = yield* simulation({ sessions: 300, undated: 0 })
        writeFileSync(
          join(cwd, "long.yaml"),
          `${transforms}sinks: [calls.ndjson, "-", { to: "sqlite:calls.db", table: short }]\n`
        )
        const { code, stderr, stdout } = yield* run(["run", "long.yaml", "--dry-run"], { cwd })
        assert.strictEqual(code, 0)
        assert.match(stderr, /^The first 10 calls that passed, of \d+ read\.\n$/)
        const rows = lines(stdout)
        const of = (stage: string) => rows.filter((row) => row["stage"] === stage)
        assert.strictEqual(of("source").length, 10)
        assert.notMatch(stdout, /\w@\w/)
        assert.strictEqual(of("where").length, 10)
        assert.strictEqual(of("select").length, of("where").length)
        assert.deepStrictEqual(
          [...new Set(of("to").map(({ to }) => to))],
          ["calls.ndjson", "stdout", "sqlite:calls.db (short)"]
        )
        for (const { pipeline, record } of of("to")) {
          assert.strictEqual(pipeline, "long")
          assert.hasAllKeys(record, ["id", "callerEmail", "durationSec"])
          assert.notMatch(JSON.stringify(record), /@/)
        }
        assert.isAtMost(simulator.requests.length, 2)
        assert.deepStrictEqual(readdirSync(cwd), ["long.yaml"])
      })
  )

  it.live.skipIf(noTerminal)("--dry-run is a table on a terminal, within its columns", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 300, undated: 0 })
      writeFileSync(join(cwd, "long.yaml"), `${transforms}sinks: [calls.ndjson]\n`)
      const { code, stdout } = yield* run(["run", "long.yaml", "--dry-run"], {
        cwd,
        env: { TERM: "xterm" },
        shell: inTerminal(60)
      })
      assert.strictEqual(code, 0)
      const shown = stdout.split("\r\n")
      for (const line of shown) assert.isAtMost(line.length, 60, line)
      assert.match(shown[0] ?? "", /^The first 10 calls that passed, of \d+ read\.$/)
      assert.include(shown, "source: 10 calls, as the API sends them, redacted")
      // What is shown of the stages before it is redacted too.
      assert.match(stdout, /redact: \d+ of 10, as above\r\n/)
      assert.notMatch(stdout, /\w@\w/)
      assert.match(stdout, /to calls\.ndjson: \d+ of 10, as above\r\n/)
    })
  )

  it.live("--explain prints the guarantees, --schema the keys of a file, and neither the value of a reference", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(
        join(cwd, "a.yaml"),
        'sinks: [{ to: "${HOOK}", secret: "${SECRET}", batchSize: 3 }, "${FOLDER}/x.ndjson"]\n'
      )
      const env = {
        AGNI_BASE_URL: "http://127.0.0.1:1",
        HOOK: "https://hooks.example.com/canary-path",
        SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        FOLDER: cwd
      }
      const explained = yield* callstream(["run", "a.yaml", "--explain"], { cwd, env })
      assert.strictEqual(explained.code, 0, explained.stderr)
      assert.match(explained.stdout, /^webhook:https:\/\/hooks\.example\.com#\w+: each call at least once/m)
      assert.match(explained.stdout, /^\$\{FOLDER\}\/x\.ndjson: each call exactly once/m)
      const failed = yield* callstream(["run", "a.yaml", "--debug"], {
        cwd,
        env: { ...env, HOOK: "http://hooks.example.com/canary-path" }
      })
      assert.strictEqual(failed.code, 2)
      assert.match(failed.stderr, /^error: a\.yaml:1:15: /)
      assert.notMatch(failed.stderr + explained.stdout, /canary|whsec_MfKQ/)
      const { code, stdout } = yield* callstream(["run", "--schema"])
      assert.strictEqual(code, 0)
      assert.include(JSON.parse(stdout), { title: "callstream pipelines" })
    })
  )

  it.live("what is not there or cannot be is exit code 2", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, "a.yaml"), "source: { apiKeyFile: none }\nsinks: [a.ndjson]\n")
      for (const [args, message] of [
        [["run"], "error: no pipeline file is named"],
        [["run", "none.yaml"], "error: none.yaml cannot be read\n"],
        [["run", "a.yaml"], "error: a.yaml:1:23: apiKeyFile: none cannot be read\n"]
      ] as const) {
        const { code, stderr } = yield* callstream(args, { cwd })
        assert.strictEqual(code, 2)
        assert.include(stderr, message)
      }
    })
  )
})

describe("callstream export --save", alongside, () => {
  it.live("writes what the flags say, does nothing else, and run does the same", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 100, undated: 0 })
      const flags = ["--where", 'durationSec > 60 && status != "${x}"', "--to", "calls.ndjson", "--force"]
      const saved = yield* run(["export", ...flags, "--save", "p.yaml"], { cwd })
      assert.deepInclude(saved, { code: 0, stdout: "" })
      assert.match(
        saved.stderr,
        /^p\.yaml says what these flags say; nothing was read or sent\n {2}Next: callstream run p\.yaml --dry-run/
      )
      assert.strictEqual(simulator.requests.length, 0)
      assert.deepStrictEqual(readdirSync(cwd), ["p.yaml"])
      assert.strictEqual(statSync(join(cwd, "p.yaml")).mode & 0o777, 0o600)
      const twice = yield* run(["export", ...flags, "--save", "p.yaml"], { cwd })
      assert.strictEqual(twice.code, 2)
      assert.include(twice.stderr, "p.yaml exists already")
      // As with these flags, each run begins afresh.
      for (const reports of [[], ["--quiet"]]) {
        const ran = yield* run(["run", "p.yaml", ...reports], { cwd })
        assert.strictEqual(ran.code, 0, ran.stderr)
      }
      const exported = yield* run(["export", ...flags.slice(0, 2)], { cwd })
      assert.deepStrictEqual(idsOf(readFileSync(join(cwd, "calls.ndjson"), "utf8")), idsOf(exported.stdout))
    })
  )

  it.live("writes no file for flags that are refused, and no address into one", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const env = { CALLSTREAM_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }
      for (const args of [
        ["--where", "durationSecs > 1", "--save", "a.yaml"],
        ["--save", "a.json"],
        ["--save", "a.yaml", "--explain"]
      ]) {
        assert.strictEqual((yield* callstream(["export", ...args], { cwd, env })).code, 2)
      }
      assert.deepStrictEqual(readdirSync(cwd), [])
      const url = "https://hooks.example.com/canary?x=1"
      const { code, stderr } = yield* callstream(["export", "--to", url, "--save", "a.yaml"], { cwd, env })
      assert.strictEqual(code, 0, stderr)
      assert.include(stderr, "Set CALLSTREAM_WEBHOOK_URL to the whole address at hooks.example.com")
      const text = readFileSync(join(cwd, "a.yaml"), "utf8")
      assert.include(text, "- ${CALLSTREAM_WEBHOOK_URL}\n")
      assert.notMatch(text + stderr, /canary|whsec_/)
    })
  )
})

describe("callstream init", alongside, () => {
  it.live("is for terminals", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* callstream(["init"], { cwd: yield* folder })
      assert.strictEqual(code, 2)
      assert.match(stderr, /^error: init asks questions, and this is no terminal\n {2}/)
    })
  )

  it.live.skipIf(noTerminal)("tests the key, asks, and writes a file that runs; one that is there is kept", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const cwd = yield* folder
        const { run, simulator, start } = yield* simulation({ sessions: 30, undated: 0 })
        const terminal = { cwd, env: { TERM: "xterm" }, shell: inTerminal(100) }
        const { child, ended, stdout } = yield* start(["init"], { ...terminal, stdio: ["pipe", "pipe", "pipe"] })
        const answer = (question: string, keys: string) =>
          Effect.andThen(
            until(() => stdout().includes(question)),
            Effect.sync(() => void child.stdin?.write(keys))
          )
        yield* answer("What for?", "\r")
        yield* answer("Which format?", "\r")
        yield* answer("Its name?", "\r")
        yield* answer("Which calls?", "\u001b[B\u001b[B\r")
        yield* answer("Personal data", "\r")
        const { code, stdout: shown } = yield* ended
        assert.strictEqual(code, 0, shown)
        assert.include(shown, "The key is accepted.")
        assert.include(shown, "Next: callstream run pipeline.yaml --dry-run")
        assert.strictEqual(simulator.requests.length, 1)
        const text = readFileSync(join(cwd, "pipeline.yaml"), "utf8")
        assert.include(text, "  - to: calls.ndjson\n")
        assert.include(text, "\n  redact: [")
        assert.notInclude(text, simulator.apiKey)
        const ran = yield* run(["run", "pipeline.yaml"], { cwd })
        assert.strictEqual(ran.code, 0, ran.stderr)
        assert.strictEqual(lines(readFileSync(join(cwd, "calls.ndjson"), "utf8")).length, 30)
        const table = yield* start(["init", "table.yaml"], { ...terminal, stdio: ["pipe", "pipe", "pipe"] })
        for (const [question, keys] of [
          ["What for?", "\u001b[B\r"],
          ["In which database?", "\r"],
          ["Its name?", "\r"],
          ["Which calls?", "\u001b[B\u001b[B\r"],
          ["Personal data", "\r"]
        ] as const) {
          yield* until(() => table.stdout().includes(question))
          table.child.stdin?.write(keys)
        }
        assert.strictEqual((yield* table.ended).code, 0)
        const filled = yield* run(["run", "table.yaml"], { cwd })
        assert.strictEqual(filled.code, 0, filled.stderr)
        assert.match(filled.stderr, /^30 calls, 30 new, /)
        assert.match(readFileSync(join(cwd, "table.crontab"), "utf8"), /^\*\/15 \* \* \* \* cd .* run 'table\.yaml' /m)
        const again = yield* run(["init"], terminal)
        assert.strictEqual(again.code, 2)
        assert.include(again.stdout, "pipeline.yaml exists already")
        const wrong = yield* run(["init", "other.yaml"], {
          ...terminal,
          env: { ...terminal.env, AGNI_API_KEY: "wrong" }
        })
        assert.strictEqual(wrong.code, 1)
        assert.notInclude(readdirSync(cwd), "other.yaml")
      })
    )
  )
})
