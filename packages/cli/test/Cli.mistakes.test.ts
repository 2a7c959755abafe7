import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { main } from "../src/Cli.ts"
import { Screen } from "../src/render/Screen.ts"
import { alongside, folder, simulation } from "./Callstream.ts"

/** The command in this process: as all is told before anything runs, there is nothing of a process's own in it. */
const told = Effect.fnUntraced(function* (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) {
  const written: Array<string> = []
  const code = yield* main(args).pipe(
    Effect.provideService(Screen, {
      live: false,
      colors: false,
      columns: () => 80,
      write: (text) => Effect.sync(() => void written.push(text)),
      reword: () => Effect.void,
      reworded: (text) => text,
      log: "text",
      errors: "text"
    }),
    Effect.provide(NodeServices.layer),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )
  return { code, stderr: written.join("") }
})

const wholeFrom = (least: number, most?: number) =>
  most === undefined ? `a whole number, ${least} or more` : `expected a whole number from ${least} to ${most}`

/** Arguments, and what the first line must hold besides `error: `. */
const mistakes: ReadonlyArray<readonly [args: ReadonlyArray<string>, ...parts: ReadonlyArray<string>]> = [
  [["worker", "--cluster", "postgres:NOT_SET"], "NOT_SET"],
  [["export", "--to", "calls.csv", "--format", "csv"], "--format", "a folder such as s3://bucket/calls/"],
  [["export", "--since", "lately"], "--since", '"lately"', "an age (90m, 12h, 7d, 2w)"],
  [["export", "--until", "2026-02-30"], "--until", '"2026-02-30"'],
  [
    ["export", "--since", "2026-08-01", "--until", "2026-07-01"],
    "--until (2026-07-01 00:00:00 UTC) is not later than --since (2026-08-01 00:00:00 UTC)"
  ],
  [
    ["export", "--since", "2026-08-01 05:30", "--until", "2026-08-01", "--zone", "Asia/Kolkata"],
    "--until (2026-08-01 00:00:00) is not later than --since (2026-08-01 05:30:00)"
  ],
  [["export", "--on", "7d"], "--on", '"7d"', "a day: today, yesterday, monday"],
  [["export", "--on", "today", "--until", "1d"], "--on cannot be combined with --until"],
  [["export", "--on", "2011-12-30", "--zone", "Pacific/Apia"], "there was no 2011-12-30 in Pacific/Apia"],
  [["export", "--on", "1969-12-31"], "--on is before the year 1970"],
  [["export", "--zone", "Asia/Kolkatta"], "--zone: there is no time zone Asia/Kolkatta"],
  [["export", "--since", "1d", "--until", "7d"], "--until (", "is not later than --since ("],
  [["export", "--since", "2026-07-01", "--until", "2026-07-01"], "--until"],
  [["export", "--page-size", "0"], "--page-size", '"0"', wholeFrom(1, 100000)],
  [["export", "--page-size", "many"], "--page-size", '"many"', wholeFrom(1, 100000)],
  [["export", "--page-size", "1e3"], "--page-size", wholeFrom(1, 100000)],
  [["export", "--concurrency", "1.5"], "--concurrency", wholeFrom(1, 256)],
  [["export", "--newest", "-3"], "--newest", wholeFrom(1)],
  [["export", "--oldest", ""], "--oldest", wholeFrom(1)],
  [["export", "--newest", "1", "--oldest", "1"], "--newest cannot be combined with --oldest"],
  [["export", "--retries", "-1"], "--retries", wholeFrom(0, 1000)],
  [["export", "--rate", "0"], "--rate", "a number above 0"],
  [["export", "--rate", "Infinity"], "--rate", "a number above 0"],
  [["export", "--timeout", "0s"], "--timeout", "a duration above 0, such as 30s"],
  [["export", "--timeout", "30"], "--timeout", "a duration above 0, such as 30s"],
  [["export", "--agent-id", "front-desk"], "--agent-id must be a UUID"],
  [["export", "--caller-number", "14155550123"], "--caller-number must be in E.164 form"],
  [["export", "--search", "  "], "--search must not be empty"],
  [["export", "--status", ""], "--status must not be empty"],
  [["export", "--channel", ""], "--channel must not be empty"],
  [["export", "--to", "calls.xls"], "--to", '"calls.xls"', ".ndjson"],
  [["export", "--to", ""], "--to"],
  [["export", "--to"], "--to needs a value"],
  [["export", "--since", "1d", "--since=2d"], "--since is given 2 times"],
  [["export", "--to", "-", "--to", "x", "--concurrency", "8"], "--to: expected ", ', not "x"'],
  [["export", "--to", "gs://bucket/x.parquet"], "--to", "sqlite:FILE.db, postgres:VARIABLE"],
  [["export", "--to", "sqlite::memory:"], "--to", "sqlite:FILE"],
  [["export", "--to", `${"a".repeat(250)}.ndjson`], `--to: the file name ${"a".repeat(30)}… is longer than 200 bytes`],
  [["export", "--to", `sqlite:${"a".repeat(250)}.db`], "is longer than 200 bytes"],
  [["export", "--to", "calls.ndjson", "--dead-letters", "./calls.ndjson"], "--dead-letters"],
  [["export", "--base-url", "api.ravan.ai"], "--base-url is not a valid URL"],
  [["export", "--base-url", ""], "--base-url"],
  [["export", "--base-url", "ftp://api.ravan.ai"], "--base-url must begin with https://"],
  [["export", "--base-url", "https://a:b@api.ravan.ai"], "--base-url"],
  [["export", "--base-url", "http://192.0.2.1"], "--base-url", "is plain http to 192.0.2.1"],
  [["check", "--base-url", "http://192.0.2.1"], "--base-url", "is plain http to 192.0.2.1"],
  [["check", "--retries", "no"], "--retries"],
  [["simulate", "--port", "99999"], "--port", wholeFrom(0, 65535)],
  [["export", "--since", "999999w"], "--since is before the year 1970"],
  [["export", "--dead-letters", "-"], "--dead-letters: expected the name of a file"],
  [["export", "--coverage", "-"], "--coverage: expected the name of a file"],
  [["export", "--to", "a.ndjson", "--coverage", "./a.ndjson"], "--coverage: the file is where the calls go"],
  [["export", "--to", "a.ndjson", "--coverage", "a.ndjson.partial"], "--coverage: the file is where the calls go"],
  [
    ["export", "--to", "a.ndjson.gz", "--rotate", "day", "--coverage", "a.manifest.json"],
    "--coverage: the file is where the calls go"
  ],
  [
    ["export", "--to", "a.ndjson", "--coverage", "b.json", "--dead-letters", "./b.json"],
    "--coverage: the file is that of --dead-letters"
  ],
  [
    ["export", "--to", "a.ndjson", "--coverage", "a.ndjson.dead-letters.ndjson"],
    "--coverage: the file is that of --dead-letters"
  ],
  [["export", "--walk", "pages", "--horizon", "1h"], "--horizon cannot be combined with --walk pages"],
  [["export", "--walk", "pages", "--keep-going"], "--keep-going cannot be combined with --walk pages"],
  [["export", "--walk", "pages", "--coverage", "c.json"], "--coverage cannot be combined with --walk pages"],
  [["export", "--to", "-", "--to", "-"], "--to: - is named twice"],
  [["export", "--to", "a.ndjson", "--to", "a.ndjson"], "--to: a.ndjson is named twice"],
  [["export", "--to", "a.ndjson", "--to", "./a.ndjson"], "--to: ./a.ndjson is named twice"],
  [["export", "--to", "-", "--force"], "--force applies to a file or object storage only"],
  [["export", "--rotate", "day"], "--rotate applies to a file or object storage only"],
  [["export", "--to", "a.ndjson", "--csv-raw"], "--csv-raw applies to a CSV file or CSV in object storage only"],
  [["export", "--to", "a.xlsx", "--csv-excel"], "--csv-excel applies to a CSV file or CSV in object storage only"],
  [["export", "--to", "a.csv", "--csv-excel", "--csv-raw"], "--csv-excel cannot be combined with --csv-raw"],
  [["export", "--to", "a.csv", "--to", "./a.csv"], "--to: ./a.csv is named twice"],
  [["export", "--to", "a.ndjson", "--rotate", "weekly"], "--rotate", "a size such as 100MB"],
  [["export", "--batch-size", "5"], "--batch-size applies to a webhook only"],
  [["export", "--batch-bytes", "5"], "--batch-bytes", "256KiB"],
  [["export", "--allow-private-hosts"], "--allow-private-hosts applies to a webhook only"],
  [["export", "--to", "https://example.com/hook"], "--to: there is no secret to sign webhooks with"],
  [["export", "--name", ""], "--name"],
  [["export", "--name", "a", "--newest", "3"], "--newest cannot be combined with --name"],
  [["export", "--name", "a", "--to", "a.ndjson", "--force"], "--force cannot be combined with --name"],
  [["export", "--state", "elsewhere"], "--state needs --name"],
  [["export", "--max-dead-letters", "101"], "--max-dead-letters", "from 0 to 100"],
  [["export", "--redact", "email=hash"], "--redact: there is no key to hash with"],
  [["export", "--select", "id", "--omit", "status"], "--omit cannot be combined with --select"],
  [["replay"], "file"],
  [["simulate", "--port", "-1"], "--port", wholeFrom(0, 65535)],
  [["simulate", "--edition", "kebab"], "--edition"],
  [["simulate", "--edition", "snake"], "--edition needs --wire seen"],
  [["simulate", "--wire", "odd"], "--wire"],
  [["simulate", "--latency", "soon"], "--latency", "a duration such as 500ms, 30s, 2m or 2h"],
  [["simulate", "--fault-rate", "1.5"], "--fault-rate", "a number from 0 to 1"],
  [["simulate", "--faults", "429,flood"], "--faults", '"429,flood"', "some of 429, 500"],
  [["export", "--sinc", "7d"], "--sinc"],
  [["export", "--since"], "--since"],
  [["export", "extra"], '"extra"'],
  [["exprt"], '"exprt"']
]

describe("mistakes on the command line", alongside, () => {
  it.live("are reported before any request, with the flag and its values, and exit with 2", () =>
    Effect.gen(function* () {
      const { simulator, url } = yield* simulation()
      const env = { AGNI_API_KEY: simulator.apiKey, AGNI_BASE_URL: url }
      for (const [args, ...parts] of mistakes) {
        const { code, stderr } = yield* told(args, env)
        const [first = "", ...rest] = stderr.split("\n")
        assert.strictEqual(code, 2, args.join(" "))
        assert.match(first, /^error: /)
        for (const part of parts) assert.include(first, part)
        assert.isAtMost(rest.length, 3, stderr)
        for (const line of rest) assert.match(line, /^( {2}\S|$)/)
      }
      assert.strictEqual(simulator.requests.length, 0)
    })
  )

  it.live("suggest what is near", () =>
    Effect.gen(function* () {
      for (const [args, near, listed] of [
        [["export", "--sinse", "7d"], "--since", "flags"],
        [["exprot"], "export", "commands"],
        [["simulate", "--sesions", "3"], "--sessions", "flags"]
      ] as const) {
        const { code, stderr } = yield* told(args, {})
        assert.strictEqual(code, 2)
        assert.match(
          stderr,
          new RegExp(`^error: .*\\n  Did you mean ${near}\\?\\n  callstream.* --help lists all ${listed}\\n$`)
        )
      }
    })
  )

  it.live("are one error where a flag has one dash, and suggest nothing that is not near", () =>
    Effect.gen(function* () {
      for (const [args, expected] of [
        [["export", "-since", "1d"], "there is no flag -since\n  Flags begin with two dashes: --since"],
        [["export", "-since=1d"], "there is no flag -since\n  Flags begin with two dashes: --since"],
        [["export", "--id", "a"], "there is no flag --id"],
        [["export", "-x"], "there is no flag -x"]
      ] as const) {
        const { code, stderr } = yield* told(args, {})
        assert.strictEqual(code, 2)
        assert.strictEqual(stderr, `error: ${expected}\n  callstream export --help lists all flags\n`)
      }
    })
  )

  it.live("hold no characters that a terminal obeys", () =>
    Effect.gen(function* () {
      const { stderr } = yield* told(["export", "--since", "\u001b[2J\u202e", "--to", "a\rb.csv"], {})
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(stderr, /[\u0000-\u0009\u000b-\u001f\u202e]/)
    })
  )
})

describe("the key", alongside, () => {
  it.live("must be there and be one, and its file readable", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { simulator, url } = yield* simulation()
      mkdirSync(join(cwd, "folder"))
      writeFileSync(join(cwd, "empty"), " \n")
      writeFileSync(join(cwd, "two"), "canary one\ncanary two\n")
      const file = (name: string) => ["export", "--api-key-file", join(cwd, name)]
      const none =
        "error: there is no API key\n  Set AGNI_API_KEY, or name a file that holds the key with --api-key-file.\n"
      for (const [args, key, message] of [
        [["export"], undefined, none],
        [["check"], undefined, none],
        [["export"], "  ", none],
        [["export"], "", none],
        [["export"], "canary“key”", "error: the API key holds a character that no key has"],
        [file("missing"), "right", "missing cannot be read\n  Name a regular file or a pipe"],
        [file("folder"), "right", "folder is not a file\n"],
        [file("empty"), "right", "empty is empty\n"],
        [file("two"), "right", "holds a character that no key has"]
      ] as const) {
        const env = { AGNI_BASE_URL: url, ...(key === undefined ? {} : { AGNI_API_KEY: key }) }
        const { code, stderr } = yield* told(args, env)
        assert.strictEqual(code, 2)
        assert.include(stderr, message)
        assert.notInclude(stderr, "canary")
      }
      assert.strictEqual(simulator.requests.length, 0)
    })
  )

  it.live("may have white space around it, in the variable and in the file", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation()
      writeFileSync(join(cwd, "key"), `${simulator.apiKey}\r\n`, { mode: 0o600 })
      const [file, variable] = yield* Effect.all(
        [
          run(["export", "--quiet", "--api-key-file", "key"], { cwd, env: { AGNI_API_KEY: undefined } }),
          run(["export", "--quiet"], { env: { AGNI_API_KEY: ` ${simulator.apiKey} ` } })
        ],
        { concurrency: 2 }
      )
      assert.deepInclude(file, { code: 0, stderr: "" })
      assert.deepInclude(variable, { code: 0, stderr: "" })
      assert.isTrue(simulator.requests.every(({ key }) => key === "right"))
    })
  )
})

describe("an output that cannot be", alongside, () => {
  it.live("is reported before any request, and no file is made", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { simulator, url } = yield* simulation()
      mkdirSync(join(cwd, "folder.ndjson"))
      writeFileSync(join(cwd, "file"), "")
      const before = readdirSync(cwd).sort()
      for (const [flag, name, message] of [
        ["--to", "none/calls.ndjson", "none/calls.ndjson: the folder does not exist (ENOENT)\n  Make the folder first"],
        ["--to", "folder.ndjson", "folder.ndjson: it is not a regular file\n  Choose the name of a regular file."],
        ["--to", "file/calls.ndjson", "file/calls.ndjson: the folder does not exist (ENOTDIR)\n"],
        ["--dead-letters", "none/odd.ndjson", "none/odd.ndjson: the folder does not exist (ENOENT)\n"],
        ["--dead-letters", "folder.ndjson", "folder.ndjson: it is not a regular file (EISDIR)\n"]
      ] as const) {
        const { code, stderr } = yield* told(["export", flag, join(cwd, name)], {
          AGNI_API_KEY: simulator.apiKey,
          AGNI_BASE_URL: url
        })
        assert.strictEqual(code, 2)
        assert.include(stderr, message)
        assert.match(stderr, /^error: \//)
      }
      assert.strictEqual(simulator.requests.length, 0)
      assert.deepStrictEqual(readdirSync(cwd).sort(), before)
    })
  )
})
